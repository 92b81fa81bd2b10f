"""The offline agent on real sockets: handshake, order, timers, updates, functions, formats, endings."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import websockets
from aiohttp import web
from tests.kit.wound import in_wound_time
from tests.shell.offline.client import KEY, PAUSE, SPEECH, connected, on_a_call, settings

from offhook.offline.manners import Manners, Timers
from offhook.offline.ports import BrainAction, Called, CallFunctions, Conversation, Say
from offhook.offline.rules import Project
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedBrain, ScriptedMind, tone
from offhook.offline.server import OfflineAgent
from offhook.wire import ulaw

ONE = ScriptedMind(Script(turn=[Turn("Hello.", ["Good morning."])]))


async def refused(agent: OfflineAgent, headers: dict[str, str] | None = None, **options: Any) -> Any:
    with pytest.raises(websockets.InvalidStatus) as answer:
        async with websockets.connect(agent.url, additional_headers=headers, **options):
            pass
    return answer.value.response


async def test_a_whole_call() -> None:
    async with on_a_call(mind=ONE, greeting="Welcome.") as (agent, client):
        await client.gets("AgentAudioDone")
        assert client.kinds()[:5] == [
            "Welcome",
            "SettingsApplied",
            "AgentStartedSpeaking",
            "ConversationText",
            "History",
        ]
        assert bytes(client.audio) == tone("Welcome.")
        client.audio.clear()
        await client.says(SPEECH, PAUSE)
        await client.gets("LatencyReport")
        assert client.kinds()[6:] == [
            "UserStartedSpeaking",
            "ConversationText",
            "History",
            "AgentStartedSpeaking",
            "ConversationText",
            "History",
            "AgentAudioDone",
            "LatencyReport",
        ]
        assert bytes(client.audio) == tone("Good morning.")
        assert agent.live == 1
        call = agent.calls[0]
        assert call.is_live
        assert call.request_id == client.messages[0]["request_id"] == client.socket.response.headers["dg-request-id"]
        assert bytes(call.heard) == SPEECH + PAUSE
        assert bytes(call.spoke) == tone("Welcome.") + tone("Good morning.")
        assert call.received() == [settings(greeting="Welcome.")]
        assert [message["type"] for message in call.sent()] == client.kinds()
    assert not agent.calls[0].is_live
    assert agent.calls[0].ended_by == "client gone"


@in_wound_time
async def test_barge_in_cuts_the_agent() -> None:
    mind = ScriptedMind(Script(turn=[Turn("Hello.", ["One long sentence that goes on and on.", "Never heard."])]))
    async with on_a_call(mind=mind) as (_, client):
        await client.gets("SettingsApplied")
        await client.says(SPEECH, PAUSE)
        await client.gets("AgentStartedSpeaking")
        await client.says(SPEECH)
        await client.gets("AgentAudioDone")
        assert client.kinds()[-2:] == ["UserStartedSpeaking", "AgentAudioDone"]
        cut = len(client.audio)
        await client.says(PAUSE)
        await client.gets("AgentStartedSpeaking", 2)
        assert cut < len(tone("One long sentence that goes on and on."))
        assert "Never heard." not in [message.get("content") for message in client.messages]


@pytest.mark.parametrize(
    ("headers", "options", "status"),
    [
        ({"Authorization": "Token good"}, {}, 101),
        ({"Authorization": "token good"}, {}, 101),
        ({}, {"subprotocols": ["token", "good"]}, 101),
        ({"Authorization": "Token bad"}, {}, 401),
        ({"Authorization": "Bearer good"}, {}, 401),
        ({"Authorization": "Basic good"}, {}, 401),
        ({"Authorization": "Token"}, {}, 401),
        ({}, {}, 401),
        ({}, {"subprotocols": ["token", "bad"]}, 401),
    ],
)
async def test_who_may_open(headers: dict[str, str], options: dict[str, Any], status: int) -> None:
    async with OfflineAgent(ScriptedMind(), keys=["good"]) as agent:
        if status == 101:
            async with websockets.connect(agent.url, additional_headers=headers, **options) as socket:
                assert socket.subprotocol == ("token" if options else None)
        else:
            response = await refused(agent, headers, **options)
            body = json.loads(response.body)
            assert (response.status_code, body["err_code"]) == (401, "INVALID_AUTH")
            assert response.headers["dg-request-id"] == body["request_id"]
            assert response.headers["dg-error"] == body["err_msg"]


async def test_a_granted_token_opens_a_call_and_a_key_is_needed_for_it() -> None:
    async with OfflineAgent(ScriptedMind(), keys=["good"]) as agent, aiohttp.ClientSession() as http:
        url = f"http://{agent.address}/v1/auth/grant"
        async with http.post(url, headers={"Authorization": "Token good"}, json={"ttl_seconds": 60}) as answer:
            granted = await answer.json()
            assert (answer.status, granted["expires_in"]) == (200, 60)
        async with connected(
            agent, additional_headers={"Authorization": f"Bearer {granted['access_token']}"}
        ) as client:
            await client.gets("Welcome")
        for headers, body, status in [
            ({}, "{}", 401),
            ({"Authorization": "Token bad"}, "{}", 401),
            ({"Authorization": "Token good"}, '{"ttl_seconds": 0}', 400),
            ({"Authorization": "Token good"}, "[", 400),
            ({"Authorization": "Token good"}, "", 200),
        ]:
            async with http.post(url, headers=headers, data=body) as answer:
                assert answer.status == status


async def test_what_is_no_upgrade_is_plain_http() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, aiohttp.ClientSession(headers=KEY) as http:
        for path, status in [
            ("/v1/agent/converse", 400),
            ("/v1/agent", 404),
            ("/", 404),
            ("/livez", 200),
            ("/v1/agent/settings/think/models", 200),
        ]:
            async with http.get(f"http://{agent.address}{path}") as answer:
                assert answer.status == status, path
                body = await answer.json()
        assert {"id", "name", "provider"} == set(body["models"][0])


async def test_too_many_calls_are_429() -> None:
    async with OfflineAgent(ScriptedMind(), concurrency=1) as agent, connected(agent) as client:
        await client.gets("Welcome")
        response = await refused(agent, KEY)
        assert (response.status_code, json.loads(response.body)["err_code"]) == (429, "TOO_MANY_REQUESTS")


async def test_the_limit_holds_for_calls_that_open_together() -> None:
    async with OfflineAgent(ScriptedMind(), concurrency=3) as agent:
        opening = (websockets.connect(agent.url, additional_headers=KEY) for _ in range(8))
        tried = await asyncio.gather(*opening, return_exceptions=True)
        opened = [one for one in tried if not isinstance(one, BaseException)]
        assert len(opened) == 3
        assert all(isinstance(one, websockets.InvalidStatus) for one in tried if isinstance(one, BaseException))
        await asyncio.gather(*(one.close() for one in opened))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (['{"type":"Nonsense"}'], "UNPARSABLE_CLIENT_MESSAGE"),
        (["not json"], "UNPARSABLE_CLIENT_MESSAGE"),
        (['{"type":"KeepAlive"}'], "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS"),
        ([b"audio"], "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS"),
        ([settings(), settings()], "SETTINGS_ALREADY_APPLIED"),
        ([settings(greeting=1)], "UNPARSABLE_CLIENT_MESSAGE"),
        ([settings(speak={"provider": {"type": "deepgram", "model": "nobody"}})], "INVALID_SETTINGS"),
        ([{**settings(), "agent": "0b6d9b0e-3f0a-4d0c-9a55-2f9b7c1d8e10"}], "INVALID_AGENT_ID"),
        (
            [settings(), '{"type":"UpdateThink_Live","think_live":{"provider":{"type":"deepgram","version":"v1"}}}'],
            "UNPARSABLE_CLIENT_MESSAGE",
        ),
        ([settings(), '{"type":"InjectAgentMessage"}'], "UNPARSABLE_CLIENT_MESSAGE"),
        ([settings(), '{"type":"InjectAgentMessage","is_dynamic":true}'], "UNPARSABLE_CLIENT_MESSAGE"),
    ],
)
async def test_an_error_ends_the_session_without_a_status_code(sent: list[Any], code: str) -> None:
    async with OfflineAgent(ScriptedMind()) as agent, connected(agent) as client:
        await client.sends(*sent)
        assert await client.is_closed() == 1005
        assert client.messages[-1]["type"] == "Error"
        assert client.messages[-1]["code"] == code
        assert client.all("Error") == client.messages[-1:]


async def test_the_description_names_the_dotted_path() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, connected(agent) as client:
        await client.sends(settings(mip_opt_out=True))
        await client.is_closed()
        assert "`agent.mip_opt_out`" in client.messages[-1]["description"]


async def test_early_audio_can_be_dropped_instead() -> None:
    async with OfflineAgent(ScriptedMind(), manners=Manners(early_audio="drop")) as agent, connected(agent) as client:
        await client.sends(b"early", settings())
        await client.gets("SettingsApplied")


async def test_an_oversized_message_ends_the_call_only() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, connected(agent) as client:
        with contextlib.suppress(websockets.ConnectionClosed):  # the answer may come before all of it has left
            await client.sends(b"x" * (5 * 1024 * 1024))
        assert await client.is_closed() == 1009
        async with connected(agent) as other:
            await other.gets("Welcome")


@in_wound_time
async def test_silence_of_the_client_ends_the_session() -> None:
    timers = Timers(settings_s=0.2, idle_s=0.3)
    async with OfflineAgent(ScriptedMind(), manners=Manners(timers=timers)) as agent:
        async with connected(agent) as client:
            assert await client.is_closed() == 1005
            assert client.messages[-1]["code"] == "CLIENT_MESSAGE_TIMEOUT"
        async with connected(agent) as client:
            await client.sends(settings())
            await client.gets("SettingsApplied")
            for _ in range(8):
                await asyncio.sleep(0.08)
                await client.sends('{"type":"KeepAlive"}')
            assert client.closed is None, "KeepAlive counts"
            assert await client.is_closed() == 1005
            assert client.messages[-1]["code"] == "CLIENT_MESSAGE_TIMEOUT"


@in_wound_time
async def test_keep_alive_may_be_made_not_to_count() -> None:
    timers = Timers(idle_s=0.3, idle_needs_audio=True)
    async with on_a_call(manners=Manners(timers=timers)) as (_, client):
        for _ in range(4):
            await asyncio.sleep(0.05)
            await client.sends('{"type":"KeepAlive"}')
        await client.is_closed()
        assert client.messages[-1]["code"] == "CLIENT_MESSAGE_TIMEOUT"


@in_wound_time
async def test_the_session_limit_is_announced_and_kept() -> None:
    async with on_a_call(manners=Manners(timers=Timers(warn_s=0.2, end_s=0.5))) as (_, client):
        await client.is_closed()
        assert client.kinds()[-2:] == ["Warning", "Error"]
        assert [message["code"] for message in client.messages[-2:]] == [
            "MAXIMUM_SESSION_LENGTH_APPROACHING",
            "MAXIMUM_SESSION_LENGTH_REACHED",
        ]


async def test_updates_are_acknowledged_once_each() -> None:
    async with on_a_call() as (_, client):
        await client.gets("SettingsApplied")
        think = {"provider": {"type": "deepgram", "model": "think-fast"}, "prompt": "x" * 25_001, "functions": []}
        await client.sends(
            {"type": "UpdatePrompt", "prompt": "More."},
            {"type": "UpdateThink", "think": think},
            {"type": "UpdateSpeak", "speak": {"provider": {"type": "deepgram", "model": "aura-2-draco-en"}}},
            {"type": "UpdateListen", "listen": {"provider": {"type": "deepgram", "model": "nova-3"}}},
            {"type": "KeepAlive"},
            {"type": "__customToThinkProvider", "content": [1]},
            {"type": "FunctionCallResponse", "id": "nobody-asked", "name": "f", "content": ""},
            {"type": "ForceEndTurn"},
        )
        await client.gets("Warning", 3)
        assert client.kinds()[2:] == [
            "PromptUpdated",
            "ThinkUpdated",
            "Warning",
            "Warning",
            "SpeakUpdated",
            "ListenUpdated",
            "Warning",
        ]
        codes = [warning["code"] for warning in client.all("Warning")]
        assert codes == ["PROMPT_TOO_LONG", "VOICE_PROMPT_ADDED", "FORCE_END_TURN_UNSUPPORTED"]


async def test_a_bad_update_ends_the_session() -> None:
    async with on_a_call() as (_, client):
        await client.gets("SettingsApplied")
        provider = {"type": "deepgram", "version": "v1", "model": "flux-general-en"}
        await client.sends({"type": "UpdateListen", "listen": {"provider": provider}})
        await client.is_closed()
        assert client.messages[-1]["code"] == "FAILED_TO_START_LISTENING"


async def test_force_end_turn_ends_the_open_turn() -> None:
    listen = {"provider": {"type": "deepgram", "version": "v2", "model": "flux-general-en"}}
    async with on_a_call(mind=ONE, listen=listen) as (_, client):
        await client.says(SPEECH)
        await client.gets("UserStartedSpeaking")
        assert not client.all("ConversationText")
        await client.sends({"type": "ForceEndTurn"})
        assert (await client.gets("ConversationText"))["content"] == "Hello."


@in_wound_time
async def test_injections() -> None:
    async with on_a_call(mind=ONE) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.gets("AgentAudioDone")
        texts = [(message["role"], message["content"]) for message in client.all("ConversationText")]
        assert texts == [("user", "hello"), ("assistant", "Good morning.")]
        await client.sends({"type": "InjectAgentMessage", "message": "No."})
        assert (await client.gets("InjectionRefused"))["message"]
        await client.sends({"type": "InjectAgentMessage", "message": "Now.", "behavior": "interrupt"})
        await client.gets("AgentAudioDone", 2)
        assert client.all("ConversationText")[-1]["content"] == "Now."


@in_wound_time
async def test_a_refused_injection_can_be_a_warning() -> None:
    async with on_a_call(manners=Manners(refusal="warning"), greeting="Hello there.") as (_, client):
        await client.gets("AgentStartedSpeaking")
        await client.sends({"type": "InjectAgentMessage", "message": "No."})
        assert (await client.gets("Warning"))["code"] == "INJECT_AGENT_MESSAGE_DURING_AGENT_SPEECH"


LOOK = {"name": "look", "parameters": {"type": "object"}}


class Looking(ScriptedMind):
    """A brain that calls every function it has and says the answers."""

    def brain(self, settings: Any) -> Any:
        class Brain(ScriptedBrain):
            async def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
                answers = [entry.response for entry in conversation.history if isinstance(entry, Called)]
                if answers:
                    yield Say(f"It is {' and '.join(answers)}.")
                else:
                    yield CallFunctions([Called(f"id-{f.name}", f.name, "{}", None) for f in conversation.functions])

        return Brain(self.script)


async def test_client_side_functions() -> None:
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": [LOOK, {**LOOK, "name": "see"}]}
    async with on_a_call(mind=Looking(), think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "well?"})
        asked = await client.gets("FunctionCallRequest")
        assert [(f["name"], f["client_side"], f["arguments"]) for f in asked["functions"]] == [
            ("look", True, "{}"),
            ("see", True, "{}"),
        ]
        for function in reversed(asked["functions"]):
            response = {"id": function["id"], "name": function["name"], "content": f"{function['name']}ing"}
            await client.sends({"type": "FunctionCallResponse", **response})
        await client.gets("AgentAudioDone")
        assert client.all("ConversationText")[-1]["content"] == "It is looking and seeing."
        past = [message["function_calls"][0] for message in client.all("History") if "function_calls" in message]
        assert [(call["name"], call["response"]) for call in past] == [("see", "seeing"), ("look", "looking")]


@contextlib.asynccontextmanager
async def endpoint(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve one handler for every path; yield its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_calls_of_gemini_models_are_signed() -> None:
    gemini = {"provider": {"type": "google", "model": "gemini-3.5-flash"}, "functions": [LOOK]}
    async with on_a_call(mind=Looking(), think=gemini) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "well?"})
        asked = (await client.gets("FunctionCallRequest"))["functions"][0]
        signature = asked["thought_signature"]
        assert signature
        answer = {"id": asked["id"], "name": "look", "content": "here", "thought_signature": signature}
        await client.sends({"type": "FunctionCallResponse", **answer})
        await client.gets("AgentAudioDone")
        past = next(message["function_calls"][0] for message in client.all("History") if "function_calls" in message)
        assert past["thought_signature"] == signature


async def test_server_side_functions_are_really_called() -> None:
    seen: list[tuple[str, str | None, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers.get("x-key"), await request.text()))
        return web.Response(text="fine", status=200 if request.path == "/good" else 500)

    async with endpoint(answer) as url:
        functions = [
            {"name": path, "endpoint": {"url": f"{url}/{path}", "method": "put", "headers": {"x-key": "k"}}}
            for path in ("good", "bad")
        ]
        think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": functions}
        async with on_a_call(mind=Looking(), think=think) as (_, client):
            await client.sends({"type": "InjectUserMessage", "content": "well?"})
            await client.gets("AgentAudioDone")
            assert [f["client_side"] for f in client.all("FunctionCallRequest")[0]["functions"]] == [False, False]
            assert {m["name"]: m["content"] for m in client.all("FunctionCallResponse")} == {
                "good": "fine",
                "bad": '{"error": "HTTP 500"}',
            }
            assert [warning["code"] for warning in client.all("Warning")] == ["FUNCTION_CALL_FAILED"]
    assert seen == [("PUT", "k", "{}")] * 2


async def test_a_long_answer_of_an_endpoint_is_taken_whole_up_to_its_bound() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"a", b"b" * 40_000, b"c" * 40_000):
            await response.write(piece)
            await asyncio.sleep(0.02)  # so that it arrives in pieces
        return response

    mind = ScriptedMind(Script(turn=[Turn("well?", calls=[ScriptedCall("look")], then=["Seen."])]))
    async with endpoint(answer) as url:
        functions = [{**LOOK, "endpoint": {"url": url, "method": "get"}}]
        think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": functions}
        async with on_a_call(mind=mind, think=think) as (_, client):
            await client.sends({"type": "InjectUserMessage", "content": "well?"})
            told = (await client.gets("FunctionCallResponse"))["content"]
    assert told == "a" + "b" * 40_000 + "c" * 25_535


@pytest.mark.parametrize(("encoding", "rate"), [("linear16", 24000), ("linear16", 16000), ("alaw", 8000)])
async def test_other_formats_are_heard_and_spoken(encoding: str, rate: int) -> None:
    from offhook.offline.formats import Format, Outgoing

    audio = {
        "input": {"encoding": encoding, "sample_rate": rate},
        "output": {"encoding": encoding, "sample_rate": rate},
    }
    async with OfflineAgent(ONE) as agent, connected(agent) as client:
        await client.sends({**settings(), "audio": audio})
        await client.sends(Outgoing(Format(encoding, rate)).convert(ulaw.silence(100) + SPEECH + PAUSE))
        await client.gets("AgentAudioDone")
        assert client.all("ConversationText")[0]["content"] == "Hello."
        assert bytes(client.audio) == Outgoing(Format(encoding, rate)).convert(tone("Good morning."))


async def test_a_stored_agent_is_found_by_its_id_and_a_default_greeting_is_spoken() -> None:
    stored = {"greeting": "Stored.", "think": {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}}}
    manners = Manners(agents={"an-id": stored}, greeting="Default.")
    async with OfflineAgent(ScriptedMind(), manners=manners) as agent:
        for block, said in [("an-id", "Stored."), ({}, "Default.")]:
            async with connected(agent) as client:
                await client.sends({**settings(), "agent": block})
                assert (await client.gets("ConversationText"))["content"] == said


async def test_a_project_without_deepgrams_model() -> None:
    think = {"provider": {"type": "deepgram", "model": "think-fast"}}
    async with on_a_call(manners=Manners(project=Project(deepgram_think=False)), think=think) as (_, client):
        assert await client.is_closed() == 1005
        assert client.messages[-1]["code"] == "UNPARSABLE_CLIENT_MESSAGE"


class Broken(ScriptedMind):
    def brain(self, settings: Any) -> Any:
        raise RuntimeError("this mind is broken")


async def test_a_broken_mind_ends_its_call_only(caplog: pytest.LogCaptureFixture) -> None:
    async with on_a_call(mind=Broken()) as (agent, client):
        assert await client.is_closed() == 1005
        assert client.messages[-1]["code"] == "INTERNAL_SERVER_ERROR"
        assert len(caplog.records) == 1
        async with connected(agent) as other:
            await other.gets("Welcome")


async def test_stopping_the_agent_closes_live_calls() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, connected(agent) as client:
        await client.sends(settings(greeting="A long greeting that is being spoken."))
        await client.gets("AgentStartedSpeaking")
        await agent.__aexit__(None, None, None)
        assert await client.is_closed() == 1001
        assert agent.live == 0
