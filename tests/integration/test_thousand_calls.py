"""A thousand calls that end at random moments in random ways: one cause each, nothing left behind (I2, I5, I6)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import replace

import pytest
from tests.kit.bridge import Bridge, bridged, voice_form
from tests.kit.raw import until

from offhook.offline.faults import At, Die, Fail, Faults, Send
from offhook.offline.script import EarsPart, Script, Turn, VoicePart
from offhook.offline.scripted import ScriptedMind
from offhook.run.agent_leg import AgentLeg
from offhook.run.caller_leg import CallerLeg
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity

LOUD = bytes([0x10, 0x90] * 80)
SCRIPT = Script("Hi.", EarsPart(40, 80, 120), VoicePart(20), [], Turn("Utterance {n}.", ["Yes, {n}."]))
#: What the agent does on the n-th connection, besides behaving.
MISCHIEF = (
    Faults(),
    Faults(),
    Faults(),
    Faults(refuse=503, refuse_times=None),
    Faults(welcome_delay_s=0.05),
    Faults(apply_delay_s=0.1),
    Faults(at=((At("AgentStartedSpeaking", audio_ms=100), Die("reset")),)),
    Faults(at=((At("SettingsApplied"), Die("close", 1011)),)),
    Faults(at=((At("AgentStartedSpeaking"), Fail("FAILED_TO_SPEAK")),)),
    Faults(at=tuple((At("SettingsApplied"), Send("not JSON")) for _ in range(10))),
)


async def one(bridge: Bridge, chance: random.Random) -> str | None:
    """Make one call and leave it somehow; return its CallSid where it was admitted."""
    who = CallIdentity()
    ticket = await bridge.voice(who)
    if chance.random() < 0.1:  # never streams
        if chance.random() < 0.5:
            await bridge.post("/twilio/status", {**voice_form(who), "CallStatus": "completed"})
        return who.call_sid
    ending = chance.choice(("close", "reset"))
    behaviour = {"playback_speed": 20.0, "send_stop": chance.random() < 0.5, "ending": ending}
    await asyncio.sleep(chance.random() * 0.1)
    try:
        client = await bridge.stream(who, ticket.path, behaviour=behaviour)
    except LineFault:
        return who.call_sid
    async with client:
        if chance.random() < 0.05:  # upgraded, and never a start
            return who.call_sid
        await client.begin(ticket.parameters)
        frames = chance.randint(0, 40)
        for n in range(frames):
            if client.ended is not None:
                break
            with contextlib.suppress(TimeoutError):
                await client.send_media(LOUD if n % 20 < 10 else b"\xff" * 160)
            await asyncio.sleep(chance.random() * 0.02)
        if chance.random() < 0.2:
            return who.call_sid  # the socket just goes
        if client.ended is None:  # there is nothing to reset on a socket that the server has closed
            with contextlib.suppress(OSError):
                await client.hang_up()
    return who.call_sid


async def drive(calls: int, at_once: int, seed: int) -> Counter[str]:
    """Make the calls, a few at once; check what must hold; return the causes."""
    chance = random.Random(seed)
    limits = {"OFFHOOK_LIMITS__CALLS": "200", "OFFHOOK_LIMITS__CONNECTIONS": "1000"}
    quick = {"OFFHOOK_TIMEOUTS__ADMITTED_S": "3", "OFFHOOK_TIMEOUTS__START_S": "1", "OFFHOOK_TIMEOUTS__GOODBYE_S": "2"}
    pauses = {"OFFHOOK_TIMEOUTS__DIAL_PAUSE_MIN_S": "0.01", "OFFHOOK_TIMEOUTS__DIAL_PAUSE_MAX_S": "0.05"}
    async with bridged(mind=ScriptedMind(SCRIPT), **limits, **quick, **pauses) as bridge:
        bridge.agent.faults = lambda index: replace(MISCHIEF[index % len(MISCHIEF)])
        tasks = len(asyncio.all_tasks())
        made: list[str] = []
        for _ in range(calls // at_once):
            sids = await asyncio.gather(*(one(bridge, chance) for _ in range(at_once)))
            made += [sid for sid in sids if sid is not None]
        await until(lambda: not bridge.server.switchboard.live)
        await until(lambda: AgentLeg.live == 0)
        await until(lambda: not bridge.agent.live and CallerLeg.live == 0)
        assert {event["call"] for event in bridge.events("call_ended")} == set(made)
        for sid in made:  # one that was given up, for want of a stream, begins anew where its stream comes after all
            causes = bridge.causes(sid)
            given_up = causes.count("indeterminate/never_streamed")
            assert len(causes) == 1 or (len(causes), given_up) == (2, 1), "every call ends exactly once"
        assert not bridge.events("defect")
        assert not bridge.events("request_defect")
        assert not bridge.server.switchboard.sockets
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        return Counter(event["cause"] for event in bridge.events("call_ended"))


async def test_a_hundred_calls_with_random_ends():
    causes = await drive(100, 25, seed=7)
    assert causes["completed/caller_hung_up"] > 20


@pytest.mark.slow
async def test_a_thousand_calls_with_random_ends():
    causes = await drive(1000, 25, seed=20261122)
    assert causes["completed/caller_hung_up"] > 200
    assert {"completed/caller_lost", "indeterminate/never_streamed"} <= set(causes)
    assert any(cause.startswith("agent_error/") for cause in causes)
