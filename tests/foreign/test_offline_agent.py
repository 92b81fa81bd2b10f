"""The offline agent judged by Deepgram's own SDK and AsyncAPI document: a whole typed conversation, every message.

The differences tolerated here are the ones that docs/topics/offline-agent.md lists under "Differences".
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from pydantic import TypeAdapter
from tests.foreign.asyncapi import RENAMED, judge

from offhook.offline.manners import Manners, Timers
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent
from offhook.wire import ulaw

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's own deprecations
    import deepgram.agent.v1.client  # noqa: F401  # the SDK imports it late, with its warnings
    import deepgram.agent.v1.types as sdk
    from deepgram import AsyncDeepgramClient, DeepgramClient
    from deepgram.core.api_error import ApiError
    from deepgram.environment import DeepgramClientEnvironment

pytestmark = pytest.mark.foreign

SCRIPT = Script(
    turn=[
        Turn(
            "What is free on Friday?",
            thinks="They want Friday.",
            calls=[ScriptedCall("find_slots", {"date": "2026-11-27"})],
            then=["You can come at {find_slots}."],
        ),
        Turn("Anything on Saturday?", calls=[ScriptedCall("find_slots")], then=["Never said."]),
        Turn("Please tell me a story.", ["Once upon a time there was a telephone that rang and rang.", "Nobody came."]),
    ]
)
#: A client that a busy machine holds up is not timed out.
PATIENT = Manners(timers=Timers(settings_s=60, idle_s=60))
SPEECH, PAUSE = tone("somebody speaks")[:3200], ulaw.silence(800)


@contextmanager
def serving() -> Iterator[OfflineAgent]:
    """Run the offline agent on a loop of its own, for clients that block."""
    started, stop = threading.Event(), asyncio.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        async with OfflineAgent(ScriptedMind(SCRIPT), keys=["a-key"], manners=PATIENT) as agent:
            box.update(agent=agent, loop=asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(60)
    try:
        yield box["agent"]
    finally:
        box["loop"].call_soon_threadsafe(stop.set)
        thread.join(60)


def environment(agent: OfflineAgent) -> DeepgramClientEnvironment:
    http, ws = f"http://{agent.address}", f"ws://{agent.address}"
    return DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)


def typed_settings() -> sdk.AgentV1Settings:
    listen = {
        "type": "deepgram",
        "version": "v2",
        "model": "flux-general-en",
        "eot_threshold": 0.8,
        "keyterms": ["Friday"],
    }
    function = {"name": "find_slots", "description": "List free times", "parameters": {"type": "object"}}
    think = {
        "provider": {"type": "deepgram", "model": "think-fast", "temperature": 1.0},
        "prompt": "Be brief.",
        "functions": [function],
    }
    return TypeAdapter(sdk.AgentV1Settings).validate_python(
        {
            "type": "Settings",
            "tags": ["test"],
            "audio": {
                "input": {"encoding": "mulaw", "sample_rate": 8000},
                "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
            },
            "agent": {
                "greeting": "Hello.",
                "listen": {"provider": listen},
                "think": think,
                "speak": {"provider": {"type": "deepgram", "version": "v2", "model": "flux-alexis-en"}},
                "context": {"messages": [{"type": "History", "role": "user", "content": "I called before."}]},
            },
        }
    )


class Talk:
    """Reads the SDK's typed messages until one of a kind comes."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.audio = bytearray()
        self.messages: list[Any] = []

    def until(self, kind: str) -> Any:
        while True:
            message = self.socket.recv()
            if isinstance(message, bytes):
                self.audio += message
                continue
            assert not isinstance(message, dict), f"the SDK does not know {message}"
            self.messages.append(message)
            if message.type == kind:
                return message

    def says(self, *audio: bytes) -> None:
        whole = b"".join(audio)
        for start in range(0, len(whole), 160):
            self.socket.send_media(whole[start : start + 160])


def hold_a_conversation(socket: Any) -> Talk:
    """Greeting, function call, cancelled function call, story with barge-in, updates, injections, keepalive, error."""
    talk = Talk(socket)
    assert isinstance(talk.until("Welcome"), sdk.AgentV1Welcome)
    socket.send_settings(typed_settings())
    assert isinstance(talk.until("SettingsApplied"), sdk.AgentV1SettingsApplied)
    talk.until("AgentAudioDone")
    assert bytes(talk.audio) == tone("Hello.")
    talk.audio.clear()

    talk.says(SPEECH, PAUSE)
    request = talk.until("FunctionCallRequest").functions[0]
    assert (request.name, request.arguments, request.client_side) == ("find_slots", '{"date": "2026-11-27"}', True)
    answer = sdk.AgentV1SendFunctionCallResponse(
        type="FunctionCallResponse", id=request.id, name=request.name, content="ten"
    )
    socket.send_function_call_response(answer)
    report = talk.until("LatencyReport")
    assert 0.6 < report.total_latency < 60
    assert report.ttt_tool_latency is not None
    assert bytes(talk.audio) == tone("You can come at ten.")

    talk.says(SPEECH, PAUSE)
    second = talk.until("FunctionCallRequest").functions[0]
    talk.says(SPEECH)
    assert talk.until("FunctionCallCancelled").functions[0].id == second.id
    talk.says(PAUSE)
    talk.until("AgentStartedSpeaking")
    socket.send_inject_agent_message(sdk.AgentV1InjectAgentMessage(type="InjectAgentMessage", message="No."))
    assert "agent" in talk.until("InjectionRefused").message
    talk.says(SPEECH)
    talk.until("UserStartedSpeaking")
    talk.until("AgentAudioDone")
    socket.send_force_end_turn()
    talk.until("LatencyReport")

    socket.send_keep_alive()
    socket.send_update_prompt(sdk.AgentV1UpdatePrompt(type="UpdatePrompt", prompt="They are known."))
    talk.until("PromptUpdated")
    provider = {
        "provider": {"type": "open_ai", "model": "gpt-4o-mini", "temperature": 0.0},
        "prompt": "You are the desk.",
    }
    socket.send_update_think(
        TypeAdapter(sdk.AgentV1UpdateThink).validate_python({"type": "UpdateThink", "think": provider})
    )
    talk.until("ThinkUpdated")
    voice = {"provider": {"type": "deepgram", "version": "v1", "model": "aura-2-draco-en"}}
    socket.send_update_speak(
        TypeAdapter(sdk.AgentV1UpdateSpeak).validate_python({"type": "UpdateSpeak", "speak": voice})
    )
    talk.until("SpeakUpdated")
    ears = {"provider": {"type": "deepgram", "version": "v1", "model": "nova-3"}}
    socket.send_update_listen(
        TypeAdapter(sdk.AgentV1UpdateListen).validate_python({"type": "UpdateListen", "listen": ears})
    )
    talk.until("ListenUpdated")
    socket.send_force_end_turn()
    assert talk.until("Warning").code == "FORCE_END_TURN_UNSUPPORTED"
    socket.send_inject_user_message(sdk.AgentV1InjectUserMessage(type="InjectUserMessage", content="what else"))
    while (said := talk.until("ConversationText")).role == "user":
        assert said.content == "what else"
    socket.send_settings(typed_settings())
    assert talk.until("Error").code == "SETTINGS_ALREADY_APPLIED"
    return talk


@pytest.fixture(scope="module")
def offhook_shared_conversation() -> list[dict[str, Any]]:
    """One conversation by the SDK; what we sent in it."""
    with serving() as agent:
        client = DeepgramClient(api_key="a-key", environment=environment(agent))
        with client.agent.v1.connect() as socket:
            talk = hold_a_conversation(socket)
        sent: list[dict[str, Any]] = agent.calls[0].sent()
        assert [message["type"] for message in sent] == [message.type for message in talk.messages]
        return sent


def test_the_sdk_holds_a_whole_conversation(offhook_shared_conversation: list[dict[str, Any]]) -> None:
    kinds = {message["type"] for message in offhook_shared_conversation}
    assert kinds >= {
        "Welcome", "SettingsApplied", "ConversationText", "History", "UserStartedSpeaking", "AgentThinking",
        "FunctionCallRequest", "FunctionCallCancelled", "AgentStartedSpeaking", "LatencyReport", "AgentAudioDone",
        "PromptUpdated", "ThinkUpdated", "SpeakUpdated", "ListenUpdated", "InjectionRefused", "Warning", "Error",
    }  # fmt: skip


def test_every_message_is_one_of_the_sdks_types_with_no_field_unknown_to_it(
    offhook_shared_conversation: list[dict[str, Any]],
) -> None:
    def extras(model: Any) -> list[str]:
        found = list(getattr(model, "model_extra", None) or {})
        for name in type(model).model_fields:
            value = getattr(model, name)
            for item in value if isinstance(value, list) else [value]:
                found += extras(item) if hasattr(type(item), "model_fields") else []
        return found

    for message in offhook_shared_conversation:
        kind = RENAMED.get(message["type"], message["type"])
        parsed = TypeAdapter(getattr(sdk, f"AgentV1{kind}")).validate_python(message)
        assert extras(parsed) == [], kind


def test_every_message_validates_against_the_asyncapi_document(
    offhook_shared_conversation: list[dict[str, Any]], vendor_contracts: Path
) -> None:
    assert len(judge(offhook_shared_conversation, vendor_contracts)) >= 16


def test_the_sdk_sees_refusals_and_the_rest_of_the_surface() -> None:
    with serving() as agent, httpx.Client() as http:
        client = DeepgramClient(api_key="wrong", environment=environment(agent))
        # With today's websockets the SDK no longer turns the refusal into its own ApiError.
        with pytest.raises((ApiError, websockets.InvalidStatus), match="401"), client.agent.v1.connect():
            pass
        client = DeepgramClient(api_key="a-key", environment=environment(agent), httpx_client=http)
        models = client.agent.v1.settings.think.models.list().models
        # Its list of providers is older than its own think settings: "deepgram" comes out as nothing.
        assert {model.provider for model in models if model is not None} >= {"open_ai", "anthropic"}
        granted = client.auth.v1.tokens.grant(ttl_seconds=60)
        assert granted.expires_in == 60
        by_token = DeepgramClient(access_token=granted.access_token, environment=environment(agent))
        with by_token.agent.v1.connect() as socket:
            assert socket.recv().type == "Welcome"


def test_the_sdk_stores_an_agent_with_a_variable_and_calls_it() -> None:
    with serving() as agent, httpx.Client() as http:
        client = DeepgramClient(api_key="a-key", environment=environment(agent), httpx_client=http)
        agents, variables = client.voice_agent.configurations, client.voice_agent.variables
        named = variables.create("a-project", key="DG_HELLO", value="Hello from the shelf.")
        stored = agents.create("a-project", config='{"greeting": DG_HELLO}', metadata={"desk": "one"})
        assert stored.config == {"greeting": "DG_HELLO"}
        variables.update("a-project", named.variable_id, value="Hello again.")
        assert agents.update("a-project", stored.agent_id, metadata={"desk": "two"}).metadata == {"desk": "two"}
        assert [one.agent_id for one in agents.list("a-project").agents or []] == [stored.agent_id]
        assert [one.key for one in variables.list("a-project").variables or []] == ["DG_HELLO"]
        with client.agent.v1.connect() as socket:
            asked = {"type": "Settings", "audio": {}, "agent": stored.agent_id}
            socket.send_settings(TypeAdapter(sdk.AgentV1Settings).validate_python(asked))
            assert Talk(socket).until("ConversationText").content == "Hello again."
        agents.delete("a-project", stored.agent_id)
        variables.delete("a-project", named.variable_id)
        with pytest.raises(ApiError):
            agents.get("a-project", stored.agent_id)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK uses the older websockets interface
async def test_the_asynchronous_sdk_client_too() -> None:
    async with OfflineAgent(ScriptedMind(SCRIPT)) as agent, asyncio.timeout(60):
        client = AsyncDeepgramClient(api_key="any", environment=environment(agent))
        async with client.agent.v1.connect() as socket:
            await socket.send_settings(typed_settings())
            kinds = []
            while "AgentAudioDone" not in kinds:
                message = await socket.recv()
                kinds += [] if isinstance(message, bytes) else [message.type]
    assert kinds[:2] == ["Welcome", "SettingsApplied"]
