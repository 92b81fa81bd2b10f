"""What the vendor leaves open is open here too: every manner does what it says, on real sockets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.kit.wound import in_wound_time
from tests.shell.offline.client import PAUSE, SPEECH, connected, fact, on_a_call, settings
from tests.shell.offline.test_server import LOOK, ONE, Looking

from offhook.offline.faults import At, Faults, Lose
from offhook.offline.manners import Manners, Timers
from offhook.offline.rules import Project
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent

AURA = {"type": "deepgram", "version": "v1", "model": "aura-2-thalia-en"}
OPEN_AI = {"type": "open_ai", "model": "gpt-4o-mini"}


@pytest.mark.parametrize("code", [1000, 1005, 1011])
async def test_the_close_code_after_an_error(code: int) -> None:
    async with OfflineAgent(ONE, manners=Manners(error_close=code)) as agent, connected(agent) as client:
        await client.sends("not json")
        assert await client.is_closed() == code
        assert client.kinds() == ["Welcome", "Error"]


async def test_an_empty_audio_frame_is_counted_or_the_end() -> None:
    async with on_a_call(mind=ONE) as (agent, client):
        await client.sends(b"", {"type": "InjectUserMessage", "content": "hello"})
        await client.gets("AgentAudioDone")
        assert agent.calls[0].empty_frames == 1
    async with on_a_call(mind=ONE, manners=Manners(empty_audio="end")) as (_, client):
        await client.sends(b"")
        assert await client.is_closed() == 1000


async def test_audio_that_is_a_file_ends_the_session() -> None:
    async with on_a_call(mind=ONE) as (_, client):
        await client.sends(b"RIFF" + bytes(156))
        await client.is_closed()
        assert client.messages[-1]["code"] == "USER_AUDIO_FORMAT"


@in_wound_time
async def test_acknowledgements_may_lag_behind_audio() -> None:
    async with on_a_call(mind=ONE, manners=Manners(acks="after_audio"), greeting="Hello there, caller.") as (_, client):
        await client.gets("ConversationText")
        await client.sends({"type": "UpdatePrompt", "prompt": "More."})
        await client.gets("PromptUpdated")
        assert client.kinds().index("AgentAudioDone") < client.kinds().index("PromptUpdated")
        await client.sends({"type": "UpdatePrompt", "prompt": "More."})
        await client.gets("PromptUpdated", 2)


async def test_what_goes_to_the_think_provider_may_come_back() -> None:
    async with on_a_call(mind=ONE, manners=Manners(custom="back")) as (_, client):
        await client.sends({"type": "__customToThinkProvider", "content": {"a": [1]}})
        assert (await client.gets("__customFromThinkProvider"))["content"] == {"a": [1]}


@pytest.mark.parametrize(("ids", "shape"), [("counted", r"call_1"), ("call", r"call_\w{24}"), ("fc", r"fc_[-\w]{36}")])
async def test_ids_of_functions(ids: Any, shape: str) -> None:
    mind = ScriptedMind(Script(turn=[Turn("hello", calls=[ScriptedCall("look")], then=["{look}."])]))
    think = {"provider": OPEN_AI, "functions": [LOOK]}
    async with on_a_call(mind=mind, manners=Manners(ids=ids), think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        asked = (await client.gets("FunctionCallRequest"))["functions"][0]
        assert re.fullmatch(shape, asked["id"])
        await client.sends({"type": "FunctionCallResponse", "id": asked["id"], "name": "look", "content": "Seen"})
        await client.gets("AgentAudioDone")
        assert client.all("ConversationText")[-1]["content"] == "Seen."


async def test_the_order_and_fields_that_are_open() -> None:
    manners = Manners(text_first=True, report_first=True, sparse_reports=True, behavior=False)
    async with on_a_call(mind=ONE, manners=manners) as (_, client):
        await client.says(SPEECH, PAUSE)
        await client.gets("AgentAudioDone")
        assert client.kinds()[4:] == [
            "History",
            "ConversationText",
            "AgentStartedSpeaking",
            "History",
            "LatencyReport",
            "AgentAudioDone",
        ]
        assert all("conversational_behavior" not in message for message in client.all("ConversationText"))
        assert set(client.all("LatencyReport")[0]) == {"type", "total_latency"}


async def test_a_multilingual_recogniser_tells_the_languages() -> None:
    provider = {"type": "deepgram", "version": "v2", "model": "flux-general-multi", "language_hints": ["fr", "en"]}
    async with on_a_call(mind=ONE, listen={"provider": provider}) as (_, client):
        await client.says(SPEECH, PAUSE)
        said = await client.gets("ConversationText")
        assert (said["languages_hinted"], said["languages"]) == (["fr", "en"], ["fr"])
        assert "languages" not in (await client.gets("ConversationText", 2))


@in_wound_time
async def test_an_unanswered_function_may_fail_in_the_end() -> None:
    think = {"provider": OPEN_AI, "functions": [LOOK]}
    async with on_a_call(mind=Looking(), manners=Manners(timers=Timers(function_s=0.2)), think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "well?"})
        await client.gets("AgentAudioDone")
        assert [warning["code"] for warning in client.all("Warning")] == ["FUNCTION_CALL_FAILED"]
        assert client.all("ConversationText")[-1]["content"] == 'It is {"error": "timeout"}.'


async def test_server_side_functions_call_only_where_they_may() -> None:
    endpoint = {"url": "http://functions.example.test/look", "method": "post"}
    think = {"provider": OPEN_AI, "functions": [{**LOOK, "endpoint": endpoint}]}
    async with on_a_call(mind=Looking(), think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "well?"})
        await client.gets("AgentAudioDone")
        assert "may not call its host" in client.all("Warning")[0]["description"]
        assert client.all("FunctionCallResponse")[0]["content"] == '{"error": "host not allowed"}'


TWO = [{"provider": OPEN_AI}, {"provider": {"type": "anthropic", "model": "claude-haiku-4-5"}}]


async def test_a_fallback_answers_and_none_left_is_an_error() -> None:
    faults = Faults(at=((At("SettingsApplied"), Lose("think", 1)), (At("LatencyReport"), Lose("think"))))
    async with on_a_call(faults, ONE, think=TWO) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.gets("LatencyReport")
        assert [warning["code"] for warning in client.all("Warning")] == ["THINK_REQUEST_FAILED"]
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        assert await client.is_closed() == 1005
        assert [warning["code"] for warning in client.all("Warning")] == ["THINK_REQUEST_FAILED"] * 3
        assert client.messages[-1]["code"] == "FAILED_TO_THINK"


async def test_no_provider_is_asked_for_a_greeting_or_an_injected_line() -> None:
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mni"}}
    manners = Manners(project=Project(any_model=False))
    async with on_a_call(mind=ONE, manners=manners, think=think, greeting="Hi.") as (_, client):
        await client.gets("AgentAudioDone")
        await client.sends({"type": "InjectAgentMessage", "message": "And hello.", "behavior": "queue"})
        await client.gets("AgentAudioDone", 2)
        assert not client.all("Warning")
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.is_closed()
        assert client.messages[-1]["code"] == "FAILED_TO_THINK"


async def test_a_lost_think_may_lose_the_turn_only() -> None:
    faults = Faults(at=((At("SettingsApplied"), Lose("think")),))
    async with on_a_call(faults, ONE, Manners(failed_think="turn")) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        assert (await client.gets("Error"))["code"] == "FAILED_TO_THINK"
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.gets("AgentAudioDone")
        assert client.closed is None


async def test_voices_fail_too() -> None:
    faults = Faults(at=((At("SettingsApplied"), Lose("speak")),))
    async with on_a_call(faults, ONE) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.is_closed()
        assert [message.get("code") for message in client.messages[-2:]] == ["SPEAK_REQUEST_FAILED", "FAILED_TO_SPEAK"]


async def test_mp3_without_a_container_passes_the_settings_and_fails_at_the_first_sentence() -> None:
    speak = {"provider": AURA}
    audio = {"input": {"encoding": "mulaw", "sample_rate": 8000}, "output": {"encoding": "mp3", "container": "none"}}
    async with OfflineAgent(ONE) as agent, connected(agent) as client:
        await client.sends({**settings(speak=speak, greeting="Hi."), "audio": audio})
        await client.is_closed()
        assert "SettingsApplied" in client.kinds()
        assert "UNSUPPORTED_AUDIO_FORMAT" in client.all("Warning")[0]["description"]
        assert client.messages[-1]["code"] == "FAILED_TO_SPEAK"
        assert not client.audio


@in_wound_time
async def test_a_voice_with_a_speed_it_does_not_have_is_passed_over() -> None:
    odd = {"provider": {"type": "deepgram", "version": "v2", "model": "flux-kit-en", "speed": 1.03}}
    async with on_a_call(mind=ONE, greeting="Hi.", speak=[odd, {"provider": AURA}]) as (_, client):
        await client.gets("AgentAudioDone")
        assert [warning["code"] for warning in client.all("Warning")] == ["SPEAK_REQUEST_FAILED"]
        line = {"type": "InjectAgentMessage", "message": "And?", "behavior": "queue"}
        await client.sends({"type": "UpdateSpeak", "speak": odd}, line)
        await client.is_closed()
        assert client.messages[-1]["code"] == "FAILED_TO_SPEAK"


async def test_new_ears_go_on_where_the_old_ones_were() -> None:
    mind = ScriptedMind(Script(turn=[Turn("one", ["First."]), Turn("two", ["Second."])]))
    ears = {"type": "deepgram", "version": "v2", "model": "flux-general-en"}
    async with on_a_call(mind=mind) as (_, client):
        await client.says(SPEECH, PAUSE)
        await client.gets("LatencyReport")
        await client.sends({"type": "UpdateListen", "listen": {"provider": ears}})
        await client.gets("ListenUpdated")
        await client.says(SPEECH, PAUSE)
        await client.gets("LatencyReport", 2)
        assert [said["content"] for said in client.all("ConversationText") if said["role"] == "user"] == ["one", "two"]


async def test_a_wav_container_begins_every_sentence_with_a_header() -> None:
    speak = {"provider": AURA}
    output = {"encoding": "mulaw", "sample_rate": 8000, "container": "wav"}
    async with OfflineAgent(ONE) as agent, connected(agent) as client:
        await client.sends({**settings(speak=speak, greeting="Hi."), "audio": {"output": output}})
        await client.gets("AgentAudioDone")
        assert bytes(client.audio[:4]) == b"RIFF"
        assert bytes(client.audio[44:]) == tone("Hi.")


async def test_a_managed_model_that_does_not_exist_fails_when_asked() -> None:
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mni"}}
    async with on_a_call(mind=ONE, manners=Manners(project=Project(any_model=False)), think=think) as (_, client):
        await client.gets("SettingsApplied")
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.is_closed()
        assert client.messages[-1]["code"] == "FAILED_TO_THINK"


@in_wound_time
async def test_think_live_fills_a_long_function_and_asks_a_silent_caller() -> None:
    provider = {"type": "deepgram", "version": "v1"}
    think = {"provider": OPEN_AI, "functions": [{**LOOK, "initial_agent_filler": True}]}
    manners = Manners(project=Project(think_live=True), timers=Timers(idle_s=60))
    async with on_a_call(mind=Looking(), manners=manners, think=think, think_live={"provider": provider}) as (
        _,
        client,
    ):
        await client.sends({"type": "InjectUserMessage", "content": "well?"})
        asked = (await client.gets("FunctionCallRequest"))["functions"][0]
        assert (await client.gets("ConversationText", 2))["conversational_behavior"] == "filler"
        await client.sends({"type": "FunctionCallResponse", "id": asked["id"], "name": "look", "content": "here"})
        assert (await client.gets("ConversationText", 3))["conversational_behavior"] == "default"
        live = {"provider": {**provider, "presence_check_max_count": 1}}
        await client.sends({"type": "UpdateThink_Live", "think_live": live})
        await client.gets("ThinkLiveUpdated")
        assert (await client.gets("ConversationText", 4))["conversational_behavior"] == "presence_check"
        await client.sends({"type": "InjectAgentMessage", "is_dynamic": True, "behavior": "interrupt"})
        assert (await client.gets("ConversationText", 5))["role"] == "assistant"


async def test_updates_are_judged_like_settings() -> None:
    fast = {"type": "UpdateThink", "think": {"provider": {"type": "deepgram", "model": "think-fast"}}}
    async with OfflineAgent(ONE) as agent:
        async with connected(agent) as client:
            await client.sends({**settings(), "mip_opt_out": True}, fast)
            await client.is_closed()
            assert client.messages[-1]["code"] == "INVALID_SETTINGS"
        async with connected(agent) as client:
            terms = {"type": "deepgram", "version": "v1", "model": "nova-3", "keyterms": ["Harbour"]}
            await client.sends(settings(), {"type": "UpdateListen", "listen": {"provider": terms}})
            await client.is_closed()
            assert client.messages[-1]["code"] == "INVALID_SETTINGS"
    await fact(lambda: not agent.live)
