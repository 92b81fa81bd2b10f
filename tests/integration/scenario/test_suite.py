"""A machine that is too slow to tell is no fault of the bridge: such a failure is tried again, alone, and then said."""

from __future__ import annotations

import asyncio
import time

from offhook.scenario.expect import Expect
from offhook.scenario.reading import Named
from offhook.scenario.seen import Seen
from offhook.scenario.shape import CallerPart, Scenario
from offhook.scenario.suite import LAG_MS, Outcome, run_suite
from offhook.scenario.world import Stage
from offhook.sim.scenario import WaitForAgentStep

GREETED = CallerPart(steps=[WaitForAgentStep(quiet_ms=100)])


def named(tmp_path, name: str, **expect) -> Named:
    return Named(name, Scenario(caller=GREETED, expect=Expect(**expect)), tmp_path, is_ours=True)


async def block_the_loop() -> None:
    """Keep everybody waiting for longer than is believed, again and again."""
    while True:
        await asyncio.sleep(0.1)
        time.sleep(2 * LAG_MS / 1000)  # noqa: ASYNC251  # a busy machine is what is tested


async def test_a_failure_on_a_busy_machine_is_tried_again_and_said(tmp_path):
    busy = asyncio.create_task(block_the_loop())
    try:
        (outcome,) = await run_suite([named(tmp_path, "fails", answers=3)], Stage())
    finally:
        busy.cancel()
        await asyncio.wait({busy})

    assert (outcome.result, outcome.attempts) == ("failed", 3)
    assert "this machine was too slow to tell" in outcome.reasons[-1]
    assert isinstance(outcome.seen, Seen)


async def test_outcomes_come_in_the_order_given_and_are_told_as_they_end(tmp_path):
    told: list[Outcome] = []
    scenarios = [named(tmp_path, name) for name in ("one", "two", "three")]

    outcomes = await run_suite(scenarios, Stage(), tell=told.append)

    assert [outcome.named.name for outcome in outcomes] == ["one", "two", "three"]
    assert {outcome.named.name for outcome in told} == {"one", "two", "three"}
    assert {outcome.result for outcome in outcomes} == {"passed"}


async def test_what_takes_longer_than_it_may_is_a_failure_with_its_reason(tmp_path):
    slow = Named("slow", Scenario(caller=GREETED, expect=Expect(within_s=0.3)), tmp_path, is_ours=True)

    (outcome,) = await run_suite([slow], Stage())

    assert outcome.result == "failed"
    assert any("time limit" in reason or "0.3" in reason for reason in outcome.reasons)
