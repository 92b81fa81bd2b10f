"""Every fault the offline agent can be told to have really happens, on real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
import websockets
from tests.kit.wound import in_wound_time
from tests.shell.offline.client import (
    DEADLINE_S,
    KEY,
    PAUSE,
    SPEECH,
    connected,
    fact,
    on_a_call,
    settings,
)

from offhook.offline.faults import (
    At,
    Die,
    Fail,
    Faults,
    Flood,
    Gap,
    Send,
    Stall,
    StopReading,
    Storm,
    Vanish,
    Warn,
    Wind,
)
from offhook.offline.manners import Manners, Timers
from offhook.offline.script import Script, Turn
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent

TALKER = ScriptedMind(Script(turn=[Turn("Hello.", ["One sentence that takes a while to say.", "And another one."])]))


async def status_of(agent: OfflineAgent) -> tuple[int, Any]:
    try:
        async with websockets.connect(agent.url, additional_headers=KEY):
            return 101, {}
    except websockets.InvalidStatus as refused:
        return refused.response.status_code, refused.response.headers


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 502, 503])
async def test_a1_to_a5_the_handshake_is_refused(status: int) -> None:
    async with OfflineAgent(TALKER, faults=Faults(refuse=status, retry_after_s=2)) as agent:
        got, headers = await status_of(agent)
        assert (got, headers["Retry-After"]) == (status, "2")
        assert headers["dg-error"]
        assert agent.handshakes == 1


async def test_a4_refused_once_then_fine_and_faults_per_connection() -> None:
    async with OfflineAgent(TALKER, faults=Faults(refuse=503, refuse_times=1)) as agent:
        assert [(await status_of(agent))[0] for _ in range(3)] == [503, 101, 101]
        agent.faults = lambda n: Faults(refuse=429) if n % 2 else Faults()
        assert [(await status_of(agent))[0] for _ in range(3)] == [429, 101, 429]
        agent.faults = Faults()
        assert (await status_of(agent))[0] == 101


async def test_a7_the_upgrade_is_never_answered() -> None:
    async with OfflineAgent(TALKER, faults=Faults(never_upgrade=True)) as agent:
        opening = asyncio.create_task(status_of(agent))
        await fact(lambda: agent.handshakes == 1)
        assert await asyncio.wait([opening], timeout=0.2) == (set(), {opening})
        opening.cancel()
        await asyncio.wait([opening])


async def test_a8_no_welcome_or_no_settings_applied() -> None:
    async with OfflineAgent(TALKER, faults=Faults(never_welcome=True)) as agent, connected(agent) as client:
        await client.sends(settings())
        await client.gets("SettingsApplied")
        assert not client.all("Welcome")
    faults = Faults(never_apply=True, at=((At("Settings", delay_s=0.2), Die("close", 1000)),))
    async with on_a_call(faults, TALKER) as (_, client):
        assert await client.is_closed() == 1000
        assert client.kinds() == ["Welcome"]


@in_wound_time
async def test_late_welcome_and_late_settings_applied() -> None:
    async with on_a_call(Faults(welcome_delay_s=0.1, apply_delay_s=0.1), TALKER) as (agent, client):
        await client.says(SPEECH)
        await client.gets("SettingsApplied")
        assert agent.calls[0].heard_early_bytes == len(SPEECH), "audio before SettingsApplied is counted"


async def test_settings_sent_before_a_late_welcome_are_answered_after_it() -> None:
    async with on_a_call(Faults(welcome_delay_s=0.2), TALKER) as (_, client):
        await client.gets("SettingsApplied")
        assert client.kinds() == ["Welcome", "SettingsApplied"]


async def test_a9_an_error_instead_of_settings_applied() -> None:
    faults = Faults(never_apply=True, at=((At("Settings"), Fail("INVALID_SETTINGS", "No such model.")),))
    async with on_a_call(faults, TALKER) as (_, client):
        assert await client.is_closed() == 1005
        assert client.messages[-1] == {"type": "Error", "code": "INVALID_SETTINGS", "description": "No such model."}
        assert client.kinds() == ["Welcome", "Error"]


@pytest.mark.parametrize(
    ("die", "code"),
    [(Die("reset"), 1006), (Die("eof"), 1006), (Die("close", 1011), 1011), (Die("close", 1000), 1000)],
)
async def test_a10_death_in_the_middle_of_a_sentence(die: Die, code: int) -> None:
    async with on_a_call(Faults(at=((At("AgentStartedSpeaking", audio_ms=400), die),)), TALKER) as (agent, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        assert await client.is_closed() == code
        assert not client.all("AgentAudioDone")
    assert agent.calls[0].ended_by == "fault"
    assert 0 < len(agent.calls[0].spoke) < len(tone("One sentence that takes a while to say."))


async def test_a11_death_after_a_whole_turn() -> None:
    async with on_a_call(Faults(at=((At("AgentAudioDone"), Die("close", 1011)),)), TALKER, greeting="Hi.") as (
        _,
        client,
    ):
        assert await client.is_closed() == 1011
        assert bytes(client.audio) == tone("Hi.")


async def test_a12_stalling_and_a13_going_deaf() -> None:
    async with on_a_call(Faults(at=((At("UserStartedSpeaking"), Stall()),)), TALKER) as (agent, client):
        await client.says(SPEECH, PAUSE, SPEECH, PAUSE)
        await client.gets("UserStartedSpeaking")
        await fact(lambda: len(agent.calls[0].heard) == 2 * len(SPEECH + PAUSE))
        assert client.kinds() == ["Welcome", "SettingsApplied", "UserStartedSpeaking"]
    async with on_a_call(Faults(deaf=True), TALKER, greeting="Hi.") as (agent, client):
        await client.gets("AgentAudioDone")
        await client.says(SPEECH, PAUSE)
        await client.gets("UserStartedSpeaking")
        await fact(lambda: len(agent.calls[0].heard) == len(SPEECH + PAUSE))
        assert client.kinds()[-1] == "UserStartedSpeaking"
        assert client.closed is None


@in_wound_time
async def test_a14_it_stops_reading_and_a15_reads_slowly() -> None:
    stops = Faults(at=((At("SettingsApplied"), StopReading()),))
    async with on_a_call(stops, TALKER, Manners(timers=Timers(idle_s=1.5))) as (agent, client):
        await client.gets("SettingsApplied")
        with pytest.raises(TimeoutError):  # noqa: PT012
            async with asyncio.timeout(1):
                while True:
                    await client.socket.send(b"\xff" * 65536)
        assert len(agent.calls[0].heard) < 1_000_000
        client.socket.transport.abort()
    async with on_a_call(Faults(read_bytes_per_s=4000), TALKER) as (agent, client):
        await client.says(SPEECH)
        await client.until(lambda: agent.calls[0].heard)
        assert len(agent.calls[0].heard) < len(SPEECH)


async def test_a16_a_flood_of_audio() -> None:
    async with on_a_call(Faults(at=((At("SettingsApplied"), Flood(120)),)), TALKER) as (agent, client):
        await client.until(lambda: len(client.audio) == 120 * 8000)
        assert bytes(client.audio) == bytes(agent.calls[0].spoke)


async def test_a16_unpaced_turns_arrive_whole() -> None:
    async with on_a_call(Faults(unpaced=True), TALKER) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        await client.gets("AgentAudioDone")
        assert bytes(client.audio) == b"".join(map(tone, TALKER.script.turn[0].says))


@pytest.mark.parametrize("faults", [Faults(odd_frames=7), Faults(frame_bytes=1), Faults(frame_bytes=40_000)])
async def test_a17_frame_sizes_change_nothing_but_sizes(faults: Faults) -> None:
    async with on_a_call(faults, TALKER, greeting="Hi.") as (_, client):
        await client.gets("AgentAudioDone")
        assert bytes(client.audio) == tone("Hi.")
        sizes = {len(frame) for frame in client.frames if isinstance(frame, bytes)}
        assert sizes != {160}
        last = max(index for index, frame in enumerate(client.frames) if isinstance(frame, bytes))
        done = next(index for index, frame in enumerate(client.frames) if "AgentAudioDone" in str(frame))
        assert last < done, "all audio before AgentAudioDone"


async def test_odd_frames_are_the_same_each_time() -> None:
    seen = []
    for _ in range(2):
        async with on_a_call(Faults(odd_frames=3), TALKER, greeting="Hi.") as (_, client):
            await client.gets("AgentAudioDone")
            seen.append([len(frame) for frame in client.frames if isinstance(frame, bytes)])
    assert seen[0] == seen[1]


async def test_a18_unknown_and_broken_messages() -> None:
    nested = "[" * 64 + "]" * 64
    faults = Faults(
        unknown=True,
        at=(
            (At("SettingsApplied"), Send('{"type":"AgentStartedSpeaking"}')),
            (At("SettingsApplied"), Send("this is not json")),
            (At("SettingsApplied"), Send(f'{{"type":"Nested","deep":{nested}}}')),
            (At("SettingsApplied"), Send(hex="0001")),
        ),
    )
    async with on_a_call(faults, TALKER) as (_, client):
        await client.gets("Nested")
        assert client.all("EndOfThought")
        assert client.all("Welcome")[0]["offhook_unknown"]
        assert client.all("not json")
        await client.until(lambda: bytes(client.audio) == b"\x00\x01")


async def test_a19_events_twice_and_out_of_order() -> None:
    faults = Faults(doubled=frozenset({"AgentAudioDone"}), early_done=True)
    async with on_a_call(faults, TALKER, greeting="Hi.") as (_, client):
        await client.gets("AgentAudioDone", 3)
        assert client.kinds().index("AgentAudioDone") < client.kinds().index("ConversationText")


async def test_messages_the_vendor_does_not_always_send_can_be_left_out() -> None:
    faults = Faults(omitted=frozenset({"AgentStartedSpeaking", "History"}))
    async with on_a_call(faults, TALKER, greeting="Hi.") as (_, client):
        await client.gets("AgentAudioDone")
        assert client.kinds() == ["Welcome", "SettingsApplied", "ConversationText", "AgentAudioDone"]


async def test_a20_a_storm_of_barge_ins() -> None:
    faults = Faults(at=((At("SettingsApplied"), Storm(count=10, per_second=200)),))
    async with on_a_call(faults, TALKER) as (_, client):
        await client.gets("UserStartedSpeaking", 10)


async def test_a21_audio_of_the_old_turn_after_barge_in() -> None:
    async with on_a_call(Faults(late_audio_ms=200), TALKER) as (_, client):
        await client.says(SPEECH)
        await client.until(lambda: client.audio)
        assert len(client.audio) == 1600
        assert client.kinds()[-1] == "UserStartedSpeaking"


async def test_a22_warnings_do_not_end_anything() -> None:
    warning = json.dumps({"type": "Warning", "code": "SLOW_THINK_REQUEST", "description": "Slow."})
    async with on_a_call(Faults(at=((At("SettingsApplied"), Send(warning)),)), TALKER, greeting="Hi.") as (_, client):
        await client.gets("Warning")
        await client.gets("AgentAudioDone")


async def test_a24_function_calls_that_are_wrong() -> None:
    function = {"name": "look", "parameters": {"type": "object"}}
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": [function]}
    script = json.loads('{"turn": [{"hears": "hello", "calls": [{"name": "look"}], "then": ["Done."]}]}')
    mind = ScriptedMind(msgspec.convert(script, Script))
    async with on_a_call(Faults(bad_arguments=True, cancel_answered=True), mind, think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        asked = (await client.gets("FunctionCallRequest"))["functions"][0]
        with pytest.raises(ValueError):
            json.loads(asked["arguments"])
        await client.sends({"type": "FunctionCallResponse", "id": asked["id"], "name": "look", "content": "x"})
        assert (await client.gets("FunctionCallCancelled"))["functions"] == [{"id": asked["id"], "name": "look"}]


@in_wound_time
async def test_a26_pings_are_not_answered() -> None:
    async with OfflineAgent(TALKER, faults=Faults(no_pong=True)) as agent, connected(agent) as client:
        pong = await client.socket.ping()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await pong
    async with OfflineAgent(TALKER) as agent, connected(agent) as client:
        async with asyncio.timeout(DEADLINE_S):
            await (await client.socket.ping())


async def test_every_error_and_every_warning_can_come_before_and_after_the_settings() -> None:
    for moment in ("Welcome", "Settings", "SettingsApplied", "AgentAudioDone"):
        async with on_a_call(Faults(at=((At(moment), Fail("SERVER_GOING_AWAY")),)), TALKER, greeting="Hi.") as (
            _,
            client,
        ):
            assert await client.is_closed() == 1005
            assert client.messages[-1]["code"] == "SERVER_GOING_AWAY"
            assert ("SettingsApplied" in client.kinds()) is (moment in {"SettingsApplied", "AgentAudioDone"})
    for moment in ("Settings", "SettingsApplied"):
        async with on_a_call(Faults(at=((At(moment), Warn("SLOW_SPEAK_REQUEST")),)), TALKER, greeting="Hi.") as (
            _,
            client,
        ):
            await client.gets("AgentAudioDone")
            assert client.all("Warning")[0]["code"] == "SLOW_SPEAK_REQUEST"


async def test_audio_with_gaps_is_whole_and_in_order() -> None:
    for faults in (
        Faults(gap_s=0.3),
        Faults(at=((At("ConversationText", audio_ms=200), Gap(0.3)),)),
        Faults(gap_s=0.1, odd_frames=5),
    ):
        async with on_a_call(faults, TALKER, greeting="A sentence with a hole in it. And another.") as (_, client):
            await client.gets("AgentAudioDone")
            whole = tone("A sentence with a hole in it.") + tone("And another.")
            assert bytes(client.audio) == whole
            assert client.kinds()[-1] == "AgentAudioDone"


@in_wound_time
async def test_a_barge_in_ends_a_gap() -> None:
    faults = Faults(at=((At("ConversationText", audio_ms=200), Gap(30)),))
    async with on_a_call(faults, TALKER, greeting="A sentence with a hole in it.") as (_, client):
        await client.until(lambda: len(client.audio) >= 1600)
        await client.says(SPEECH)
        await client.gets("UserStartedSpeaking")
        await client.gets("AgentAudioDone")
        assert len(client.audio) < 8 * 800


@in_wound_time
async def test_a_half_open_socket_says_nothing_and_does_not_close() -> None:
    async with on_a_call(Faults(at=((At("AgentAudioDone"), Vanish()),)), TALKER, greeting="Hi.") as (agent, client):
        await client.gets("AgentAudioDone")
        await client.says(SPEECH, PAUSE)
        pong = await client.socket.ping()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await pong
        assert client.kinds()[-1] == "AgentAudioDone"
        assert (client.closed, agent.live) == (None, 1)
    async with (
        OfflineAgent(TALKER, faults=Faults(at=((At("Welcome"), Vanish()),))) as agent,
        connected(agent) as client,
    ):
        await client.gets("Welcome")
        await agent.__aexit__(None, None, None)
        await client.is_closed()


@in_wound_time
async def test_the_session_limit_comes_by_winding() -> None:
    faults = Faults(at=((At("SettingsApplied"), Wind(6900)), (At("AgentAudioDone"), Wind(300))))
    async with on_a_call(faults, TALKER, greeting="Hi.") as (_, client):
        assert await client.is_closed() == 1005
        assert [message["code"] for message in client.messages if "code" in message] == [
            "MAXIMUM_SESSION_LENGTH_APPROACHING",
            "MAXIMUM_SESSION_LENGTH_REACHED",
        ]
    async with on_a_call(mind=TALKER, greeting="Hi.") as (agent, client):
        await client.gets("AgentAudioDone")
        agent.wind(6901)
        assert (await client.gets("Warning"))["code"] == "MAXIMUM_SESSION_LENGTH_APPROACHING"
        agent.wind(300)
        await client.is_closed()
        assert client.messages[-1]["code"] == "MAXIMUM_SESSION_LENGTH_REACHED"


@pytest.mark.parametrize(("extra", "client_side"), [("client", [True, True]), ("server", [True, False])])
async def test_more_than_one_function_and_whose_they_are(extra: Any, client_side: list[bool]) -> None:
    function = {"name": "look", "parameters": {"type": "object"}}
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": [function]}
    script = json.loads('{"turn": [{"hears": "hello", "calls": [{"name": "look"}], "then": ["Done."]}]}')
    mind = ScriptedMind(msgspec.convert(script, Script))
    async with on_a_call(Faults(extra_function=extra), mind, think=think) as (_, client):
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        asked = (await client.gets("FunctionCallRequest"))["functions"]
        assert [one["client_side"] for one in asked] == client_side
        assert len({one["id"] for one in asked}) == 2
        for one in asked:
            await client.sends({"type": "FunctionCallResponse", "id": one["id"], "name": "look", "content": "x"})
        await client.gets("AgentAudioDone")


async def test_a_client_who_leaves_before_a_late_welcome_is_gone_at_once() -> None:
    async with OfflineAgent(TALKER, faults=Faults(welcome_delay_s=30.0)) as agent:
        async with connected(agent):
            await fact(lambda: agent.live == 1)
        await fact(lambda: agent.live == 0)
