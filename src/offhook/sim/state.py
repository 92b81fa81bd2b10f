"""What is known of one simulated call at one moment, as the Calls resource tells it. A value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

CallStatus = Literal[
    "queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]
Direction = Literal["inbound", "outbound-api", "outbound-dial"]
FINAL: Final[frozenset[CallStatus]] = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class CallState:
    """One call, or one leg that a `<Dial>` called (then with ``parent_sid``)."""

    sid: str
    account_sid: str
    direction: Direction
    caller: str = field(repr=False)
    called: str = field(repr=False)
    status: CallStatus
    created: datetime
    answered: datetime | None = None
    ended: datetime | None = None
    answered_by: str | None = None
    parent_sid: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL

    @property
    def duration_s(self) -> int:
        """Return the seconds it has lasted since it was answered; 0 when it never was."""
        if self.answered is None:
            return 0
        return round(((self.ended or datetime.now(UTC)) - self.answered).total_seconds())

    @property
    def minutes(self) -> int:
        """Return what is billed: minutes, rounded up."""
        return math.ceil(self.duration_s / 60) if self.answered is not None else 0

    def becomes(self, status: CallStatus) -> CallState:
        """Return the state after a change. A final state never changes, an answered call never rings again."""
        if self.is_over or status == self.status or (self.answered is not None and status not in FINAL):
            return self
        now = datetime.now(UTC)
        answered = now if status == "in-progress" and self.answered is None else self.answered
        return replace(self, status=status, answered=answered, ended=now if status in FINAL else None)


OnState = Callable[[CallState], None]
