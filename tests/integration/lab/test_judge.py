"""The judge is judged: each known defect gives its finding and no other; the right bridge gives none.

The calls are made on real sockets, in time that passes only where everybody waits (`tests.kit.wound`): no machine is
too slow for them. OFFHOOK_JUDGED_CALLS sets how many seeded calls the right bridge makes (default 60; all: 1,000).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import Awaitable, Callable

import pytest
from tests.kit.known_bad.defects import DEFECTS, Defect, Shape
from tests.kit.known_bad.judged import judged, judged_offhook, noise
from tests.kit.wound import wound

from offhook.lab.judge.judge import codes
from offhook.offline.faults import Faults
from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import HangUp, Interrupt, Pause, Press, Say, Step, WaitForAgent

CALLS = int(os.environ.get("OFFHOOK_JUDGED_CALLS", "60"))
#: Calls side by side: an entry is told apart from those of other calls, and the machine from a quiet one.
AT_ONCE = 8


async def side_by_side(calls: int, one: Callable[[int], Awaitable[list[str]]]) -> list[list[str]]:
    """Make the calls with these numbers, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(number: int) -> list[str]:
        async with gate:
            return await one(number)

    return list(await asyncio.gather(*(gated(number) for number in range(calls))))


@pytest.fixture(scope="module")
def told_of() -> dict[tuple[str, bool], list[str]]:
    """The judge's word on every defect, and on the right bridge in the same call."""
    wanted = [(defect, right) for right in (True, False) for defect in DEFECTS]

    async def one(number: int) -> list[str]:
        defect, right = wanted[number]
        found, _ = await judged(None if right else defect.name, defect)
        return [str(finding) for finding in found]

    done = wound(side_by_side(len(wanted), one))
    return {(defect.name, right): found for (defect, right), found in zip(wanted, done, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_known_defect_gives_its_finding_and_no_other(
    defect: Defect, told_of: dict[tuple[str, bool], list[str]]
) -> None:
    found = told_of[defect.name, False]
    assert [line.partition(":")[0] for line in found] == [defect.code], found


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_right_bridge_gives_none_in_the_same_call(
    defect: Defect, told_of: dict[tuple[str, bool], list[str]]
) -> None:
    assert told_of[defect.name, True] == []


def test_every_finding_has_a_bridge_that_gives_it() -> None:
    shown = {defect.code for defect in DEFECTS}
    untold = {"webhook-failed", "stream-refused", "greeting-unheard", "agent-error"}
    assert len(shown) >= 25
    assert set(codes()) - shown == untold


def _seeded(seed: int) -> tuple[Defect, Behaviour, list[Step]]:
    """Return a call of the right bridge: legal variants of Deepgram, a caller with habits, a hang-up at any moment."""
    chance = random.Random(seed)
    faults = Faults(
        unknown=chance.random() < 0.5,
        odd_frames=seed if chance.random() < 0.4 else None,
        omitted=frozenset(
            kind
            for kind in ("AgentThinking", "AgentStartedSpeaking", "LatencyReport", "History")
            if chance.random() < 0.3
        ),
        apply_delay_s=chance.choice((0.0, 0.0, 0.3)),
        welcome_delay_s=chance.choice((0.0, 0.0, 0.2)),
    )
    steps: list[Step] = [WaitForAgent(quiet_ms=300, timeout_s=4)]
    for n in range(chance.randint(0, 2)):
        words = noise(seed * 31 + n, chance.uniform(0.3, 0.7))
        talks = [Say(words), Interrupt(chance.uniform(100, 400), words, timeout_s=3), Press("5")]
        steps += [chance.choice(talks[: 2 if n else 1] + talks[2:]), Pause(chance.uniform(0.1, 1.2))]
    shape: Shape = "talk"
    behaviour = Behaviour(seed=seed, jitter_ms=chance.choice((0.0, 3.0, 8.0)), bunch=chance.choice((1, 1, 3)))
    return Defect("none", "", shape, faults), behaviour, [*steps, HangUp()]


@pytest.mark.slow
def test_the_right_bridge_gives_none_in_seeded_calls() -> None:
    async def one(seed: int) -> list[str]:
        defect, behaviour, steps = _seeded(seed)
        found, entries = await judged(None, defect, seed=seed, behaviour=behaviour, caller=steps)
        assert sum(entry.kind == "heard" for entry in entries) > 5, f"seed {seed}: nothing was heard"
        return [f"seed {seed}: {finding}" for finding in found]

    assert list(itertools.chain(*wound(side_by_side(CALLS, one)))) == []


@pytest.mark.slow
def test_offhook_gives_none_in_seeded_calls() -> None:
    """offhook itself under the judge: legal variants of Deepgram and Twilio, a hang-up at any moment."""

    async def one(seed: int) -> list[str]:
        defect, behaviour, steps = _seeded(seed)
        found, entries = await judged_offhook(seed, defect.faults, behaviour, steps)
        assert sum(entry.kind == "heard" for entry in entries) > 5, f"seed {seed}: nothing was heard"
        return [f"seed {seed}: {finding}" for finding in found]

    assert list(itertools.chain(*wound(side_by_side(CALLS, one)))) == []
