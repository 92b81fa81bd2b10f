"""Both fakes with the server between them: exact audio, either side's end, faults in mid-call, drains, isolation."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.kit.bridge import Bridge, bridged, voice_form
from tests.kit.raw import WAIT_S, until

from offhook.call.session import CallSession
from offhook.offline.faults import At, Die, Fail, Faults, Flood, Send, Stall, Storm
from offhook.offline.script import EarsPart, Script, Turn, VoicePart
from offhook.offline.scripted import ScriptedMind
from offhook.run.agent_leg import AgentLeg
from offhook.run.phrases import load_phrases
from offhook.sim.identity import CallIdentity
from offhook.sim.messages import ServerClear, ServerMark, ServerMedia
from offhook.sim.stream import StreamClient

#: Speaks at once and briefly, so that a test does not wait for sentences.
QUICK = Script(
    greeting="Hello.",
    ears=EarsPart(onset_ms=40, eager_ms=80, confirm_ms=120),
    voice=VoicePart(ms_per_character=20),
    turn=[Turn("One.", ["First answer, which goes on for some time so that it can be interrupted."])],
)
LOUD = bytes([0x10, 0x90] * 80)
#: A frame of what the agent sends of its old turn after a barge-in, where that is the fault (A21).
_NOISE = re.compile(rb"[\x10\x20\x90\xa0]{160}")


def received(client: StreamClient) -> bytes:
    """Return all agent audio that reached Twilio, played or not."""
    return b"".join(m.audio for m in client.heard_of(ServerMedia) if isinstance(m, ServerMedia))


async def speak(client: StreamClient, ms: int) -> None:
    """Say something loud, then fall silent."""
    for _ in range(ms // 20):
        await client.send_media(LOUD)
        await asyncio.sleep(0.005)
    for _ in range(10):
        await client.send_media(b"\xff" * 160)
        await asyncio.sleep(0.005)


class TestQ1Exact:
    @pytest.mark.parametrize("seed", range(3))
    async def test_agent_audio_under_any_segmentation(self, seed):
        """Odd frames, marks in between: what Twilio got is what the agent sent, byte for byte and in order."""
        async with bridged(faults=Faults(odd_frames=seed, unpaced=True)) as bridge:
            client = await bridge.call()
            async with client:
                await until(lambda: bridge.sessions[-1].sent("AgentAudioDone"))
                spoke = bytes(bridge.sessions[-1].spoke)
                await client.wait_until(lambda: len(received(client)) >= len(spoke), WAIT_S)
                assert received(client) == spoke
                assert not list(client.complaints)
                await client.hang_up()

    async def test_a16_two_minutes_of_audio_in_a_second(self):
        faults = Faults(at=((At("SettingsApplied"), Flood(120.0)),))
        async with bridged(faults=faults) as bridge, await bridge.call() as client:
            await client.wait_until(lambda: len(received(client)) >= 120 * 8000, WAIT_S)
            spoke = bytes(bridge.sessions[-1].spoke)
            assert received(client)[: 120 * 8000] == spoke[: 120 * 8000]
            assert len(client.heard_of(ServerMark)) <= 64 + 2  # and one each behind what was held and the turn
            await client.hang_up()

    async def test_caller_audio_of_every_value_and_size(self):
        """C25: noise, zeros, silence and tone pass untouched; frames of odd sizes too."""
        chance = random.Random(1)
        async with bridged() as bridge, await bridge.call() as client:
            await until(lambda: bridge.sessions[-1].sent("SettingsApplied"))
            frames = [bytes(160), b"\xff" * 160, LOUD, bytes(range(256)), b"\x00", b"\x7f" * 3]
            frames += [chance.randbytes(chance.choice((1, 80, 160, 161, 320))) for _ in range(200)]
            record = bridge.sessions[-1]
            before = len(record.heard)
            for frame in frames:
                await client.send_media(frame)
                await asyncio.sleep(0.002)
            sent = b"".join(frames)
            await until(lambda: len(record.heard) - before >= len(sent))
            assert bytes(record.heard[before:]) == sent
            await client.hang_up()

    async def test_nothing_is_sent_before_settings_were_applied(self):
        async with bridged(faults=Faults(apply_delay_s=0.3)) as bridge, await bridge.call() as client:
            for _ in range(20):
                await client.send_media(LOUD)
            await until(lambda: bridge.sessions[-1].sent("SettingsApplied"))
            await client.send_media(LOUD)
            await until(lambda: bridge.sessions[-1].heard)
            assert bridge.sessions[-1].heard_early_bytes == 0
            assert bridge.sessions[-1].received()[0]["type"] == "Settings"
            await client.hang_up()


class TestA10DiesMidSentence:
    @pytest.mark.parametrize(
        "death",
        [Die("reset"), Die("eof"), Die("close", 1011), Die("close", 1000), Die("close", 4001), Die("close")],
        ids=lambda death: f"{death.how}-{death.code}",
    )
    async def test_clear_apology_and_twilio_goes_on(self, death):
        faults = Faults(at=((At("AgentStartedSpeaking", audio_ms=300), death),), unpaced=True)
        async with bridged(faults=faults, OFFHOOK_CALL__WHEN_AGENT_FAILS__DIAL="+441632960000") as bridge:
            client = await bridge.call(who := CallIdentity(), behaviour={"playback_speed": 20.0})
            async with client:
                ended = await client.wait_ended(WAIT_S)
                assert ended.code == 1000
                apology = load_phrases().apology
                assert client.heard.endswith(apology)
                assert client.heard_of(ServerClear)
                assert not list(client.complaints)
            assert (await bridge.cause(who.call_sid)).startswith("agent_error/agent_gone")
            text = (await bridge.post("/twilio/after", voice_form(who)))[1]
            assert [verb.tag for verb in ET.fromstring(text)] == ["Say", "Dial", "Hangup"]
            assert AgentLeg.live == 0

    @pytest.mark.parametrize(
        ("faults", "cause"),
        [
            (Faults(at=((At("AgentStartedSpeaking"), Fail("FAILED_TO_SPEAK")),)), "agent_error/agent_failed"),
            (Faults(at=((At("open"), Die("reset")),)), "agent_error/agent_gone"),
            (Faults(at=((At("Settings"), Die("eof")),)), "agent_error/agent_gone"),
            (Faults(at=((At("Settings"), Fail("USER_AUDIO_FORMAT")),), never_apply=True), "agent_error/settings"),
            (Faults(at=tuple((At("Welcome"), Send("x")) for _ in range(10))), "agent_error/agent_failed"),
            (Faults(refuse=503), "agent_error/agent_unavailable"),
            (Faults(refuse=429), "agent_error/agent_busy"),
            (Faults(never_upgrade=True), "agent_error/agent_unavailable"),
            (Faults(never_apply=True), "agent_error/agent_unavailable"),
            (Faults(never_welcome=True), "agent_error/agent_unavailable"),
        ],
        ids=["error", "at open", "at settings", "settings refused", "garbage", "503", "429", "A7", "A8", "no welcome"],
    )
    async def test_i1_whatever_happens_is_heard(self, faults, cause):
        environ = {"OFFHOOK_TIMEOUTS__DIAL_PAUSE_MAX_S": "0.05", "OFFHOOK_TIMEOUTS__DIAL_PAUSE_MIN_S": "0.01"}
        says_nothing = faults.never_upgrade or faults.never_apply or faults.never_welcome
        if says_nothing and not faults.at:
            environ |= {"OFFHOOK_TIMEOUTS__DIAL_S": "0.3", "OFFHOOK_TIMEOUTS__SETTINGS_S": "0.3"}
        async with bridged(faults=faults, **environ) as bridge:
            client = await bridge.call(who := CallIdentity(), behaviour={"playback_speed": 20.0})
            async with client:
                await client.wait_ended(WAIT_S)
                assert client.heard.endswith(load_phrases().apology)
            assert await bridge.cause(who.call_sid) == cause
            await until(lambda: AgentLeg.live == 0)
            assert not bridge.events("defect")


class TestCallerEnds:
    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            ({}, "caller_hung_up"),
            ({"send_stop": False}, "caller_hung_up"),
            ({"send_stop": False, "ending": "reset"}, "caller_lost"),
            ({"send_stop": True, "ending": "reset"}, "caller_hung_up"),
        ],
    )
    async def test_c4_and_the_agent_is_closed_within_a_second(self, behaviour, reason):
        async with bridged() as bridge:
            client = await bridge.call(who := CallIdentity(), behaviour=behaviour)
            await client.wait_until(lambda: client.heard, WAIT_S)
            await client.hang_up()
            await until(lambda: AgentLeg.live == 0)
            await until(lambda: not bridge.agent.live)
            assert await bridge.cause(who.call_sid) == f"completed/{reason}"
            await client.aclose()

    async def test_c6_a_caller_who_vanishes(self):
        async with bridged(OFFHOOK_TIMEOUTS__CALLER_SILENT_S="0.5") as bridge:
            client = await bridge.call(who := CallIdentity())
            client.vanish()
            assert await bridge.cause(who.call_sid) == "caller_error/caller_stuck"
            await until(lambda: AgentLeg.live == 0)
            await client.aclose()

    async def test_c21_the_newest_stream_of_a_call_wins(self):
        """Twilio redirected and came back; the old socket's end must not end the call."""
        async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true") as bridge:
            who = CallIdentity()
            old = await bridge.stream(who)
            await old.begin()
            await old.wait_until(lambda: old.heard, WAIT_S)
            new = await bridge.stream(who)
            await new.begin()
            await old.wait_ended(WAIT_S)
            await new.wait_until(lambda: new.heard, WAIT_S)
            await old.aclose()
            assert bridge.causes(who.call_sid) == ["indeterminate/superseded"]
            await speak(new, 60)
            assert new.ended is None
            await new.hang_up()
            await until(lambda: len(bridge.causes(who.call_sid)) == 2)
            assert bridge.causes(who.call_sid)[1] == "completed/caller_hung_up"
            await new.aclose()

    async def test_a_call_that_comes_back_by_a_redirect(self):
        async with bridged() as bridge:
            who = CallIdentity()
            for times in (1, 2, 3):
                async with await bridge.call(who) as client:
                    await client.wait_until(lambda: client.heard, WAIT_S)
                    await client.hang_up()
                await until(lambda: len(bridge.causes(who.call_sid)) == times)  # noqa: B023
            assert set(bridge.causes(who.call_sid)) == {"completed/caller_hung_up"}
            assert bridge.dials == 3


class TestBargeIn:
    async def test_clear_and_nothing_of_the_old_turn_afterwards(self):
        faults = Faults(late_audio_ms=200)
        async with bridged(mind=ScriptedMind(QUICK), faults=faults) as bridge, await bridge.call() as client:
            await client.wait_until(lambda: received(client), WAIT_S)
            await speak(client, 200)
            await client.wait_until(lambda: client.heard_of(ServerClear), WAIT_S)
            await until(lambda: _NOISE.search(bytes(bridge.sessions[-1].spoke)))
            cleared = next(i for i, e in enumerate(client.received) if isinstance(e.message, ServerClear))
            await until(lambda: bridge.sessions[-1].sent("ConversationText")[-1]["role"] == "assistant")
            late = [e.message.audio for e in client.received[cleared:] if isinstance(e.message, ServerMedia)]
            assert not _NOISE.search(b"".join(late))
            assert not list(client.complaints)
            await client.hang_up()

    async def test_a20_a_storm_of_barge_ins(self):
        faults = Faults(unpaced=True, at=((At("AgentStartedSpeaking", audio_ms=100), Storm(20, 20.0)),))
        async with bridged(faults=faults) as bridge:
            began = asyncio.get_running_loop().time()
            async with await bridge.call() as client:
                await until(lambda: len(bridge.sessions[-1].sent("UserStartedSpeaking")) == 20)
                await client.wait_until(lambda: client.heard_of(ServerClear), WAIT_S)
                lasted_s = asyncio.get_running_loop().time() - began
                assert len(client.heard_of(ServerClear)) <= lasted_s / 0.1 + 1  # at most one each 100 ms
                await client.hang_up()

    @pytest.mark.parametrize("marks", ["never", "twice"])
    async def test_c15_marks_that_never_come_back_or_twice(self, marks):
        async with bridged(mind=ScriptedMind(QUICK)) as bridge:
            client = await bridge.call(who := CallIdentity(), behaviour={"marks": marks})
            async with client:
                await client.wait_until(lambda: client.heard, WAIT_S)
                await speak(client, 200)
                await until(lambda: len(bridge.sessions[-1].sent("AgentStartedSpeaking")) >= 1)
                await client.hang_up()
            assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"


class TestDrain:
    async def test_p1_live_calls_go_on_and_new_ones_go_elsewhere(self):
        async with bridged() as bridge:
            clients = [await bridge.call() for _ in range(5)]
            waiting = await bridge.voice(late := CallIdentity())  # admitted before, streams during the drain
            draining = asyncio.create_task(bridge.server.drain())
            await until(lambda: bridge.events("draining"))
            code, text = await bridge.get("/readyz")
            assert (code, "draining" in text) == (503, True)
            assert (await bridge.get("/livez"))[0] == 200
            code, text = await bridge.post("/twilio/voice", voice_form(CallIdentity()))
            assert [verb.tag for verb in ET.fromstring(text)] == ["Pause", "Redirect"]
            path = str(ET.fromstring(text)[1].text).removeprefix("https://voice.example.com")
            for _ in range(5):
                code, text = await bridge.post(path, voice_form(CallIdentity()))
                verbs = ET.fromstring(text)
                path = str(verbs[-1].text).removeprefix("https://voice.example.com")
            assert [verb.tag for verb in verbs] == ["Say", "Hangup"], "it asks for a successor a few times only"
            for asked in ("9" * 5000, "-1", "x", "²"):
                assert (await bridge.post(f"/twilio/voice?asked={asked}", voice_form(CallIdentity())))[0] in (200, 403)
            admitted = await bridge.stream(late, waiting.path)
            await admitted.begin(waiting.parameters)
            await admitted.wait_until(lambda: admitted.heard, WAIT_S)
            record = bridge.sessions[0]
            before = len(record.heard)
            await clients[0].send_media(LOUD)
            await until(lambda: len(record.heard) > before)
            assert not draining.done()
            for client in (*clients, admitted):
                assert client.ended is None
                await client.hang_up()
                await client.aclose()
            await asyncio.wait_for(draining, WAIT_S)
            assert {event["cause"] for event in bridge.events("call_ended")} == {"completed/caller_hung_up"}

    async def test_p2_at_the_deadline_a_goodbye_is_heard(self):
        async with bridged(OFFHOOK_TIMEOUTS__DRAIN_S="0.2") as bridge:
            clients = [await bridge.call(behaviour={"playback_speed": 20.0}) for _ in range(3)]
            for client in clients:
                await client.wait_until(lambda: received(client), WAIT_S)  # noqa: B023
            await asyncio.wait_for(bridge.server.drain(), WAIT_S)
            for client in clients:
                ended = await client.wait_ended(WAIT_S)
                assert ended.code == 1001
                assert client.heard.endswith(load_phrases().limit)
                await client.aclose()
            assert {event["cause"] for event in bridge.events("call_ended")} == {"completed/drained"}

    async def test_p3_a_stop_ends_everything_now(self):
        """Calls that stream, that wait for their stream, whose agent is silent: all ended, all sockets gone."""
        async with bridged() as bridge:
            clients = [await bridge.call() for _ in range(3)]
            clients[0].vanish()
            bridge.agent.faults = Faults(never_upgrade=True)
            clients.append(await bridge.call())
            await bridge.voice(CallIdentity())
            await bridge.server.switchboard.stop()
            assert not bridge.server.switchboard.sockets
            assert AgentLeg.live == 0
            assert len(bridge.events("call_ended")) == 5
            for client in clients:
                await client.aclose()


class TestP10Isolation:
    @pytest.mark.parametrize("where", ["caller_audio", "agent_audio", "agent_says", "time_passed", "caller_says"])
    async def test_a_defect_in_one_call_is_that_calls_alone(self, where, monkeypatch: pytest.MonkeyPatch):
        broken: set[str] = set()
        begin = CallSession.__init__

        def begins(session: CallSession, *args: Any) -> None:
            begin(session, *args)
            right = getattr(session, where)

            def breaks(*given: object) -> object:
                if session.facts.call_sid in broken:
                    raise RuntimeError("secret transcript +441632960001")
                return right(*given)

            setattr(session, where, breaks)

        monkeypatch.setattr(CallSession, "__init__", begins)
        environ = {"OFFHOOK_TIMEOUTS__KEEP_ALIVE_S": "0.3", "OFFHOOK_TIMEOUTS__GOODBYE_S": "2"}
        async with bridged(**environ) as bridge:
            good, bad = await bridge.call(), await bridge.call(behaviour={"playback_speed": 20.0})
            await bad.wait_until(lambda: received(bad), WAIT_S)
            broken.add(bad.identity.call_sid)
            if where == "caller_says":
                await bad.send_digit("5")
            elif where == "caller_audio":
                await bad.send_media(LOUD)
            await bad.wait_ended(WAIT_S)
            assert await bridge.cause(bad.identity.call_sid) == "our_error/bug"
            assert good.ended is None
            record = bridge.sessions[0]
            before = len(record.heard)
            await good.send_media(LOUD)
            await until(lambda: len(record.heard) > before)
            assert "secret" not in str(bridge.log)
            assert "+441632960001" not in str(bridge.log)
            assert len(bridge.events("defect")) >= 1
            assert bridge.causes(good.identity.call_sid) == []
            for client in (good, bad):
                await client.hang_up()
                await client.aclose()

    async def test_o10_a_flooding_caller_does_not_delay_the_others(self):
        async with bridged() as bridge:
            good, bad = await bridge.call(), await bridge.call()
            await until(lambda: sum(bool(session.sent("SettingsApplied")) for session in bridge.sessions) == 2)
            mine, theirs = bridge.sessions
            before, began = len(mine.heard), asyncio.get_running_loop().time()
            frames = [bytes([n]) * 160 for n in range(50)]
            for frame in frames:
                for _ in range(40):
                    await bad.send_media(LOUD)
                await good.send_media(frame)
            await until(lambda: len(mine.heard) - before == 8000)
            assert bytes(mine.heard[before:]) == b"".join(frames)
            lasted_s = asyncio.get_running_loop().time() - began
            slack_s = 6.0 + 1.0  # of a burst, and of looking once a second
            assert len(theirs.heard) <= (2 * lasted_s + slack_s) * 8000
            for client in (good, bad):
                await client.hang_up()
                await client.aclose()

    async def test_c9_garbage_ends_its_own_call(self):
        async with bridged() as bridge:
            good, bad = await bridge.call(), await bridge.call()
            for n in range(10):
                await bad.send_text("[" * (n * 1000))
            assert (await bad.wait_ended(WAIT_S)).code == 1008
            assert await bridge.cause(bad.identity.call_sid) == "caller_error/caller_protocol"
            assert good.ended is None
            for client in (good, bad):
                await client.hang_up()
                await client.aclose()


async def test_c14_a_caller_who_does_not_read(bridge_with_flood: Bridge):
    """What is unsent is bounded; the agent is not read meanwhile; a socket that stays full ends the call."""
    bridge = bridge_with_flood
    client = await bridge.call(who := CallIdentity())
    client.stop_reading()
    assert await bridge.cause(who.call_sid) == "caller_error/caller_stuck"
    await until(lambda: not bridge.server.switchboard.sockets)
    await client.aclose()


@pytest.fixture
async def bridge_with_flood():
    """An agent that sends half an hour at once, to a caller whose socket is small."""
    environ = {"OFFHOOK_TIMEOUTS__CALLER_STUCK_S": "0.3", "OFFHOOK_LIMITS__UNHEARD_S": "100000"}
    environ |= {"OFFHOOK_LIMITS__UNSENT_CALLER_BYTES": "16384", "OFFHOOK_LIMITS__SOCKET_BUFFER_BYTES": "4096"}
    faults = Faults(at=tuple((At("SettingsApplied"), Send(hex="80" * 1_000_000)) for _ in range(14)))
    async with bridged(faults=faults, **environ) as bridge:
        yield bridge


async def test_a12_a_stalled_agent_is_given_up():
    script = QUICK
    faults = Faults(at=((At("UserStartedSpeaking"), Stall()),))
    environ = {"OFFHOOK_TIMEOUTS__AGENT_SILENT_S": "1", "OFFHOOK_TIMEOUTS__ANSWER_S": "1"}
    async with bridged(mind=ScriptedMind(script), faults=faults, **environ) as bridge:
        client = await bridge.call(who := CallIdentity(), behaviour={"playback_speed": 20.0})
        async with client:
            await client.wait_until(lambda: client.heard, WAIT_S)
            client.start_clock()
            saying = asyncio.create_task(client.say(LOUD * 20))
            await client.wait_ended(WAIT_S)
            await saying
            assert client.heard.endswith(load_phrases().apology)
        assert (await bridge.cause(who.call_sid)) == "agent_error/agent_silent"


async def test_metrics_agree_with_what_happened():
    async with bridged() as bridge:
        for _ in range(3):
            async with await bridge.call() as client:
                await client.wait_until(lambda: client.heard, WAIT_S)
                await client.hang_up()
        await until(lambda: len(bridge.events("call_ended")) == 3)
        await until(lambda: AgentLeg.live == 0)
        text = (await bridge.get("/metrics"))[1]
        assert 'offhook_calls_total{reason="caller_hung_up",result="completed"} 3.0' in text
        assert "offhook_calls_live 0.0" in text
        assert "offhook_agent_sockets 0.0" in text
        assert "offhook_first_audio_seconds_count 3.0" in text
