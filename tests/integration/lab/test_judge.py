"""The judge is judged: each known defect gives its finding and no other; the right bridge gives none.

OFFHOOK_JUDGED_CALLS sets how many seeded calls the right bridge makes (default 24; the whole is 1,000). Calls are made
side by side on a machine that may have other work: what is not as it must be is looked at once more, alone.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest
import pytest_asyncio
from tests.kit.known_bad.defects import DEFECTS, Defect, Shape
from tests.kit.known_bad.judged import judged, judged_offhook, noise

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.judge import codes
from offhook.offline.faults import Faults
from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import HangUp, Interrupt, Pause, Press, Say, Step, WaitForAgent

CALLS = int(os.environ.get("OFFHOOK_JUDGED_CALLS", "24"))
#: Calls at once: real time costs waiting, not work.
AT_ONCE = int(os.environ.get("OFFHOOK_JUDGED_AT_ONCE", "8"))


async def _all(work: Sequence[object]) -> list[object]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: object) -> object:
        async with gate:
            return await job  # type: ignore[misc]

    return list(await asyncio.gather(*(one(job) for job in work)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offhook_shared_findings() -> dict[tuple[str, bool], list[Finding]]:
    """The judge's word on every defect, and on the right bridge in the same call. All calls are made side by side."""

    async def one(defect: Defect, right: bool) -> list[Finding]:
        found, _ = await judged(None if right else defect.name, defect)
        return found

    wanted = [(defect, right) for right in (True, False) for defect in DEFECTS]
    done = await _all([one(*each) for each in wanted])
    told: dict[tuple[str, bool], list[Finding]] = {}
    for (defect, right), found in zip(wanted, done, strict=True):
        codes_found = [finding.code for finding in found]  # type: ignore[attr-defined]
        is_expected = codes_found == ([] if right else [defect.code])
        told[defect.name, right] = found if is_expected else await one(defect, right)  # type: ignore[assignment]
    return told


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_known_defect_gives_its_finding_and_no_other(
    defect: Defect, offhook_shared_findings: dict[tuple[str, bool], list[Finding]]
) -> None:
    found = offhook_shared_findings[defect.name, False]
    assert [finding.code for finding in found] == [defect.code], [str(finding) for finding in found]


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_right_bridge_gives_none_in_the_same_call(
    defect: Defect, offhook_shared_findings: dict[tuple[str, bool], list[Finding]]
) -> None:
    assert [str(finding) for finding in offhook_shared_findings[defect.name, True]] == []


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


async def _once_more(one: Callable[[int], Awaitable[list[str]]]) -> list[str]:
    """Make every seeded call side by side, and those with a finding once more, alone; return what is found then."""
    found = await _all([one(seed) for seed in range(CALLS)])
    assert len(found) == CALLS
    odd = [seed for seed, lines in enumerate(found) if lines]
    print("\n".join(f"side by side: {line}" for seed in odd for line in found[seed]))  # type: ignore[attr-defined]
    return [line for seed in odd for line in await one(seed)]


@pytest.mark.slow
async def test_the_right_bridge_gives_none_in_seeded_calls() -> None:
    async def one(seed: int) -> list[str]:
        defect, behaviour, steps = _seeded(seed)
        found, entries = await judged(None, defect, seed=seed, behaviour=behaviour, caller=steps)
        assert sum(entry.kind == "heard" for entry in entries) > 5, f"seed {seed}: nothing was heard"
        return [f"seed {seed}: {finding}" for finding in found]

    assert await _once_more(one) == []


@pytest.mark.slow
async def test_offhook_gives_none_in_seeded_calls() -> None:
    """offhook itself under the judge: legal variants of Deepgram and Twilio, a hang-up at any moment."""

    async def one(seed: int) -> list[str]:
        defect, behaviour, steps = _seeded(seed)
        found, entries = await judged_offhook(seed, defect.faults, behaviour, steps)
        assert sum(entry.kind == "heard" for entry in entries) > 5, f"seed {seed}: nothing was heard"
        return [f"seed {seed}: {finding}" for finding in found]

    assert await _once_more(one) == []
