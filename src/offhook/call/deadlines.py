"""Which deadline of a call is next. Pure: absolute times in, names out; what a name means is for the session to say.

Re-arming on every frame would cost more than the frame, so the session moves a deadline only when it passes: it
compares the time of last progress and arms it again where progress was made (`Deadlines.pop_due` says which passed).
"""

from __future__ import annotations

from enum import Enum, auto


class Deadline(Enum):
    """Every deadline a call can have; the value of each comes from ``Timeouts``."""

    ADMITTED = auto()
    SETTINGS = auto()
    HOLD = auto()
    KEEP_ALIVE = auto()
    CALLER_SILENT = auto()
    CALLER_STUCK = auto()
    AGENT_SILENT = auto()
    AGENT_STUCK = auto()
    ANSWER_WARN = auto()
    ANSWER = auto()
    PING = auto()
    PONG = auto()
    CLEAR = auto()
    GOODBYE = auto()
    CALL = auto()
    TOOL = auto()


class Deadlines:
    """A handful of absolute times; the smallest is the next."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[Deadline, float] = {}

    def arm(self, which: Deadline, at: float) -> None:
        """Set (or move) a deadline."""
        self._at[which] = at

    def is_armed(self, which: Deadline) -> bool:
        """Whether a deadline is set."""
        return which in self._at

    def disarm(self, *which: Deadline) -> None:
        """Remove deadlines; those not armed are ignored."""
        for one in which:
            self._at.pop(one, None)

    def disarm_all(self) -> None:
        """Remove every deadline."""
        self._at.clear()

    @property
    def next_at(self) -> float | None:
        """The earliest deadline, or None."""
        return min(self._at.values(), default=None)

    def pop_due(self, now: float) -> Deadline | None:
        """Remove and return the earliest deadline that has passed, or None."""
        due = min(self._at.items(), key=lambda item: item[1], default=None)
        if due is None or due[1] > now:
            return None
        del self._at[due[0]]
        return due[0]
