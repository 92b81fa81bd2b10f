"""A call that a TwiML Bin answers: the printed text, filled in as Twilio does, at a real server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.bridge import AUTH_TOKEN, PUBLIC, bridged

from offhook.cli.twiml import bin_document
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, WaitForAgent
from offhook.sim.identity import CallIdentity
from offhook.sim.reach import Reach
from offhook.sim.report import CallReport

STREAM = "wss://voice.example.com/twilio"


async def called(bridge: Any, *steps: Any) -> CallReport:
    who = CallIdentity()
    text = bin_document(STREAM, "Sorry.", None).replace("{{From}}", who.caller).replace("{{To}}", who.called)
    options = CallOptions(AUTH_TOKEN, identity=who, reach=Reach(PUBLIC, bridge.base), limit_s=30)
    return await SimulatedCall(text, steps or (WaitForAgent(quiet_ms=300, timeout_s=15), HangUp()), options).run()


async def test_the_agent_is_heard():
    async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true") as bridge:
        report = await called(bridge)

    assert not report.complaints
    assert [turn.who for turn in report.turns] == ["agent"]


async def test_without_static_streams_the_stream_is_refused():
    async with bridged() as bridge:
        report = await called(bridge)

    assert report.turns == ()
    assert bridge.dials == 0


@pytest.mark.parametrize("minutes", ["0.02"])
async def test_a_call_that_ends_well_ends_without_an_apology(minutes: str):
    """Our server ends it: what is behind `<Connect>` must not be said, as the server is asked what comes next."""
    async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true", OFFHOOK_CALL__MAX_MINUTES=minutes) as bridge:
        report = await called(bridge, WaitForAgent(quiet_ms=60_000, timeout_s=25, longest_s=25))

    assert any("Hangup" in verb for verb in report.twiml), report.twiml
    assert not any("Say" in verb for verb in report.twiml), report.twiml
