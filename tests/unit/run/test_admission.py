"""Whether one more call is taken: numbers, rates, an agent that refuses, is busy, or is gone. On a clock of its own."""

from __future__ import annotations

import pytest

from offhook.config.limits import Limits
from offhook.errors import (
    AdmissionRefused,
    AgentBusy,
    AgentGone,
    AgentRefused,
    AgentRejectedSettings,
    AgentUnavailable,
)
from offhook.run.admission import Admission

UNREACHED = AgentUnavailable(why="connection refused")


def admission(calls: int = 50, **limits: float) -> Admission:
    """Return one that has been there for a while, with room for every start."""
    made = Admission(calls, Limits(**{"calls_per_second": 1000, "calls_burst": 1000, **limits}))
    made.take(0, 1000.0)
    return made


def takes(door: Admission, live: int, now: float) -> bool:
    """Ask for one more call."""
    try:
        door.take(live, now)
    except AdmissionRefused:
        return False
    return True


class TestNumbers:
    def test_o1_one_more_than_the_limit(self) -> None:
        door = admission(3)
        assert takes(door, 2, 1001)
        assert not takes(door, 3, 1001)
        assert door.refuse_reason(3, 1001) == "at capacity"

    def test_o2_a_burst_and_then_a_rate(self) -> None:
        """500 starts in one second: the burst, and five more."""
        door = Admission(1000, Limits(calls_per_second=5, calls_burst=10))
        assert sum(takes(door, 0, 1000 + n / 500) for n in range(500)) in (14, 15)
        assert takes(door, 0, 1002)

    def test_a_draining_process_takes_none(self) -> None:
        door = admission()
        door.is_draining = True
        assert door.refuse_reason(0, 1001) == "draining"


class TestA1Refused:
    def test_one_call_in_ten_seconds_sees_whether_it_still_refuses(self) -> None:
        door = admission()
        door.agent_failed(AgentRefused(status=401), 1, 1001)
        assert door.agent_trouble == "agent refuses us"
        assert [takes(door, 0, 1001 + n) for n in (0, 5, 9.9, 10, 10.1, 19, 20.1)] == [False] * 3 + [
            True,
            False,
            False,
            True,
        ]
        door.agent_answered()
        assert door.agent_trouble == ""
        assert takes(door, 0, 1022)

    @pytest.mark.parametrize("error", [AgentBusy(status=429), AgentRejectedSettings(code="x"), AgentGone(code=1006)])
    def test_whatever_else_it_says_it_has_let_us_in(self, error) -> None:
        door = admission()
        door.agent_failed(AgentRefused(status=401), 1, 1001)
        door.agent_failed(error, 1, 1002)
        assert door.agent_trouble == ""


class TestA3Busy:
    def test_the_ceiling_is_what_it_was_seen_to_take_for_a_minute(self) -> None:
        door = admission(50)
        door.agent_failed(AgentBusy(status=429), 8, 1001)
        assert [takes(door, live, 1002) for live in (6, 7, 49)] == [True, False, False]
        assert not takes(door, 7, 1060.9)
        assert takes(door, 49, 1061.1)

    def test_one_call_is_always_tried(self) -> None:
        door = admission(50)
        door.agent_failed(AgentBusy(status=429), 0, 1001)
        assert takes(door, 0, 1002)
        assert not takes(door, 1, 1002)


class TestA25Outage:
    def test_a_thousand_failed_dials_are_followed_by_few(self) -> None:
        """The callers of an outage hear the fallback at once; what is still dialled is one call in ten seconds."""
        door = admission(1000)
        for n in range(1000):
            door.agent_failed(UNREACHED, 1000 - n, 1001 + n / 1000)
        assert door.agent_trouble == "agent cannot be reached"
        dialled = 0
        for n in range(600):  # a minute of ten calls a second
            now = 1002 + n / 10
            if takes(door, 0, now):
                dialled += 1
                door.agent_failed(UNREACHED, 1, now)
        assert 4 <= dialled <= 6

    def test_recovered_as_soon_as_one_was_answered(self) -> None:
        door = admission()
        for n in range(5):
            door.agent_failed(UNREACHED, 5, 1001 + n)
        assert not takes(door, 0, 1014.9)
        assert takes(door, 0, 1015.1)
        door.agent_answered()
        assert [takes(door, live, 1016) for live in range(20)] == [True] * 20

    def test_a_few_failures_among_answers_are_none(self) -> None:
        door = admission()
        for n in range(100):
            for _ in range(4):
                door.agent_failed(UNREACHED, 5, 1001 + n)
            door.agent_answered()
        assert door.agent_trouble == ""
