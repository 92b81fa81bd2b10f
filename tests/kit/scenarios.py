"""Performs scenarios that need ears and a voice, and waits for what those leave running."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from offhook.offline.speech.mind import SpeakingMind
from offhook.scenario.reading import Named
from offhook.scenario.suite import Outcome, run_suite
from offhook.scenario.world import Own, Speech, Stage, World


def perform_spoken(scenarios: Sequence[Named], world: World | None = None) -> list[Outcome]:
    """Perform on a loop of their own: with it end the threads that models are asked from."""

    async def all_of_them() -> list[Outcome]:
        mind = SpeakingMind()
        await mind.start()
        try:
            speech = Speech(mind, lambda text: mind.synthesise_line(text, caller=True))
            return await run_suite(scenarios, Stage(world or Own(), speech))
        finally:
            await mind.close()

    return asyncio.run(all_of_them())


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, list[str]]]:
    """Return what is compared: the result, and why."""
    return [(outcome.result, list(outcome.reasons)) for outcome in outcomes]


#: What `told` returns for one that went as it must.
PASSED: tuple[str, list[str]] = ("passed", [])
