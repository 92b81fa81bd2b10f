"""Performs many scenarios: some at once where each has its own server, one after another at a bridge.

A scenario that failed while this machine was too slow to tell is performed again, alone.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from offhook.errors import ConfigError
from offhook.scenario.performance import is_spoken, perform
from offhook.scenario.reading import Named, ScenarioError
from offhook.scenario.seen import Seen
from offhook.scenario.verdict import verdict
from offhook.scenario.world import Bridge, Own, Stage

Result = Literal["passed", "failed", "skipped", "error"]

#: How late this process may be before a failure is not believed, and how often it is tried again then.
LAG_MS: Final = 80.0
AGAIN: Final = 2
#: A call, its agent and its server on one loop: more at once than this and the machine is what is tested.
AT_ONCE: Final = 16
#: What comes before and after a call: starting, the record, the end of everything.
AROUND_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one scenario. ``reasons`` why it failed, was skipped, or could not be performed."""

    named: Named
    result: Result
    reasons: Sequence[str] = ()
    untold: Sequence[str] = ()
    took_s: float = 0.0
    attempts: int = 1
    seen: Seen | None = None


OnOutcome = Callable[[Outcome], None]


def _nobody(_: Outcome) -> None: ...


async def run_suite(
    scenarios: Sequence[Named], stage: Stage, at_once: int = AT_ONCE, tell: OnOutcome = _nobody
) -> list[Outcome]:
    """Perform all scenarios; ``tell`` hears of each as it ends. Returns them in the order given."""
    if isinstance(stage.world, Bridge):
        at_once = 1
    places = asyncio.Semaphore(max(1, at_once))
    outcomes: list[Outcome | None] = [None] * len(scenarios)
    doubted: list[int] = []

    async def one(index: int) -> None:
        async with places:
            outcome = await run_one(scenarios[index], stage)
        if _is_doubtful(outcome):
            doubted.append(index)
            return
        outcomes[index] = outcome
        tell(outcome)

    spoken = [index for index, named in enumerate(scenarios) if is_spoken(named, stage)]
    async with asyncio.TaskGroup() as group:
        for index in range(len(scenarios)):
            if index not in spoken:
                group.create_task(one(index))
    for index in spoken:  # ears and voices take all the machine has
        await one(index)
    for index in sorted(doubted):
        outcomes[index] = outcome = await _again(scenarios[index], stage)
        tell(outcome)
    return [outcome for outcome in outcomes if outcome is not None]


async def run_one(named: Named, stage: Stage) -> Outcome:
    """Perform one scenario, once."""
    began = time.monotonic()
    skipped = why_not(named, stage)
    if skipped is not None:
        return Outcome(named, "skipped", (skipped,))
    try:
        async with asyncio.timeout(named.scenario.expect.within_s + AROUND_S):
            seen = await perform(named, stage)
    except (ScenarioError, ConfigError) as error:
        return Outcome(named, "error", tuple(error.problems), took_s=time.monotonic() - began)
    except OSError as error:
        return Outcome(named, "error", (_why(error, stage),), took_s=time.monotonic() - began)
    found = verdict(named.scenario.expect, seen)
    result: Result = "failed" if found.reasons else "passed"
    return Outcome(named, result, found.reasons, found.untold, time.monotonic() - began, seen=seen)


def why_not(named: Named, stage: Stage) -> str | None:
    """Return why a scenario cannot be performed here; None where it can."""
    part, world = named.scenario.agent, stage.world
    if isinstance(world, Own) and world.is_real and not part.is_plain:
        return "scripted: it needs the offline agent, not the real one"
    if is_spoken(named, stage) and stage.speech is None:
        return stage.no_speech
    if isinstance(world, Bridge):
        if named.scenario.server:
            return "it needs settings of offhook's own server"
        if part.faulty_from == "start":
            return "it needs a server that starts with the scenario"
    return None


def _why(error: OSError, stage: Stage) -> str:
    if isinstance(error, TimeoutError):
        return "did not come to its end in time"
    if isinstance(stage.world, Bridge) and error.errno == errno.EADDRINUSE:
        return f"port {stage.world.agent_port} is taken: end what listens there, or give another --deepgram-port"
    return f"could not be performed: {error.strerror or error}"


async def _again(named: Named, stage: Stage) -> Outcome:
    outcome = await run_one(named, stage)
    attempts = 2
    while _is_doubtful(outcome) and attempts <= AGAIN:
        outcome, attempts = await run_one(named, stage), attempts + 1
    if _is_doubtful(outcome) and outcome.seen is not None:
        slow = f"this machine was too slow to tell ({outcome.seen.lag_ms:.0f} ms late): run it again when it is quieter"
        outcome = replace(outcome, reasons=(*outcome.reasons, slow))
    return replace(outcome, attempts=attempts)


def _is_doubtful(outcome: Outcome) -> bool:
    return outcome.result == "failed" and outcome.seen is not None and outcome.seen.lag_ms > LAG_MS
