"""Every scenario of the library against the real server, between both twins, on real sockets: each must go as it says.

They are performed together, once, in time that passes only where everybody waits, and each is a test of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from tests.kit.scenarios import PASSED, perform_spoken, told
from tests.kit.wound import wound

from offhook.scenario.catalogue import find_all, library, names
from offhook.scenario.suite import Outcome, run_suite
from offhook.scenario.world import Stage

SPOKEN = [one.name for one in library() if one.scenario.agent.mind == "speaking"]
SCRIPTED = [name for name in names() if name not in SPOKEN]
#: What ends these calls is the kernel's patience with a reader, and the kernel's time cannot be skipped.
BY_THE_KERNEL = ["slow-reader"]


class Tracebacks(logging.Handler):
    """Keeps what would be a traceback on somebody's terminal."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record))


@pytest.fixture(scope="module")
def tracebacks() -> Iterator[Tracebacks]:
    handler = Tracebacks()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def offhook_shared_outcomes(tracebacks) -> dict[str, Outcome]:
    """What became of every scripted scenario."""
    quick = [name for name in SCRIPTED if name not in BY_THE_KERNEL]
    outcomes = wound(run_suite(find_all(quick), Stage())) + asyncio.run(run_suite(find_all(BY_THE_KERNEL), Stage()))
    return {outcome.named.name: outcome for outcome in outcomes}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTED)
def test_it_goes_as_it_must(offhook_shared_outcomes, name):
    outcome = offhook_shared_outcomes[name]

    assert told([outcome]) == [PASSED]
    assert not outcome.untold  # against our own server everything can be looked at


@pytest.mark.slow
def test_nobody_sees_a_traceback(offhook_shared_outcomes, tracebacks):
    assert tracebacks.seen == []


async def test_nothing_is_left_behind():
    """A call that goes well, one whose agent dies, one that is refused: no task, socket or thread stays."""
    outcomes = await run_suite(find_all(["greets-at-once", "dies-mid-sentence", "no-signature", "busy-tone"]), Stage())

    assert told(outcomes) == [PASSED] * 4


async def test_without_models_a_conversation_is_skipped_and_says_so():
    outcomes = await run_suite(find_all(SPOKEN), Stage(no_speech="the extra `offline` is missing"))

    assert {(outcome.result, *outcome.reasons) for outcome in outcomes} == {
        ("skipped", "the extra `offline` is missing")
    }


@pytest.mark.speech
@pytest.mark.slow
def test_conversations_are_understood():
    assert told(perform_spoken(find_all(SPOKEN))) == [PASSED] * len(SPOKEN)
