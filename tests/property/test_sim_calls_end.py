"""Whatever a document says, whoever hangs up when: a simulated call ends once, in a final state, and leaves nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from offhook.sim.behaviour import Behaviour
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Pause, Press, Say, Step
from offhook.sim.events import HungUp
from offhook.sim.outbound import Detection, Outbound, Pickup
from offhook.sim.plan import DialOutcome, QueueOutcome
from offhook.sim.state import FINAL, CallState

LOUD = b"\x10\x90" * 400
VERBS = (
    "<Say>Hello there.</Say>",
    '<Say loop="0">x</Say>',
    '<Pause length="3"/>',
    '<Play digits="w1"/>',
    '<Gather timeout="2"><Say>Press.</Say></Gather>',
    '<Gather input="speech" timeout="1"/>',
    "<Dial>+14155550100</Dial>",
    '<Dial answerOnBridge="true"><Number>+14155550100</Number><Sip>sip:a@b</Sip></Dial>',
    "<Dial><Conference>room</Conference></Dial>",
    "<Dial><Queue>q</Queue></Dial>",
    "<Enqueue>q</Enqueue>",
    '<Record timeout="2" playBeep="false"/>',
    '<Connect><Stream url="ws://127.0.0.1:1/s"/></Connect>',
    '<Start><Stream url="ws://127.0.0.1:1/s" name="a"/></Start>',
    '<Stop><Stream name="a"/></Stop>',
    "<Reject/>",
    "<Hangup/>",
    "<Leave/>",
    "<Refer/>",
    "<Nonsense><Say/></Nonsense>",
)
DOCUMENTS = st.lists(st.sampled_from(VERBS), max_size=5).map(lambda verbs: f"<Response>{''.join(verbs)}</Response>")
STEPS = st.lists(
    st.sampled_from([Pause(0.02), Say(LOUD), Press("1#"), Press("*", gap_ms=1), Pause(0.1)]), max_size=4
).map(lambda steps: [*steps, HangUp()])
OUTCOMES = st.sampled_from(
    [DialOutcome(), DialOutcome("busy", 0.5), DialOutcome("answered", 0.5, 2.0), DialOutcome("failed", 0.1)]
)
OUTBOUNDS = st.sampled_from(
    [
        None,
        Outbound(Pickup(rings_s=0.5)),
        Outbound(Pickup("busy", 0.5)),
        Outbound(Pickup(rings_s=0.2), Detection(blocks=True, silence_timeout_ms=100)),
        Outbound(Pickup(rings_s=0.2), Detection(silence_timeout_ms=40), send_digits="w1"),
    ]
)
FROM_OUTSIDE = st.sampled_from(["nothing", "redirect", "complete", "cancel", "cut off"])


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)
@given(
    document=DOCUMENTS,
    steps=STEPS,
    dial=OUTCOMES,
    outbound=OUTBOUNDS,
    outside=FROM_OUTSIDE,
    at_s=st.floats(0, 0.15),
    seed=st.integers(0, 9),
)
def test_every_call_ends_once(
    document: str, steps: list[Step], dial: Any, outbound: Any, outside: str, at_s: float, seed: int
) -> None:
    told: list[CallState] = []
    call = SimulatedCall(
        document,
        steps,
        CallOptions(
            outbound=outbound,
            dial=dial,
            queue=QueueOutcome(1.0),
            verb_speed=100.0,
            limit_s=0.6,  # a caller who wants to be heard may wait for ever
            behaviour=Behaviour(seed=seed),
            on_state=told.append,
        ),
    )

    async def made() -> None:
        task = asyncio.create_task(call.run())
        await asyncio.sleep(at_s)
        match outside:
            case "redirect":
                await call.redirect(twiml="<Response><Say>Elsewhere.</Say></Response>")
            case "complete":
                await call.complete()
            case "cancel":
                await call.complete("canceled")
            case "cut off":
                task.cancel()
        async with asyncio.timeout(20):
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        left = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        assert left == []

    asyncio.run(made())
    report = call.report()
    if outside != "cut off":
        assert sum(isinstance(event, HungUp) for event in report.events) == 1
        assert report.status in FINAL
        assert [state.status for state in told][-1] == report.status
        assert sum(state.is_over for state in told) == 1
