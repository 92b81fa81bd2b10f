"""What happens in an account, as the simulated REST API keeps it: calls, recordings, messages, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

CallStatus = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
#: A call in one of these is over, and stays so.
OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(slots=True)
class Call:
    """One call."""

    sid: str
    to: str = field(repr=False)
    caller: str = field(repr=False)
    direction: str
    created: datetime
    status: CallStatus = "queued"
    updated: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    answered_by: str | None = None
    number_sid: str | None = None
    queue_ms: int = 0
    caller_name: str | None = None
    parent_sid: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in OVER

    @property
    def duration_s(self) -> int:
        """Whole seconds between answer and end."""
        if self.started is None or self.ended is None:
            return 0
        return round((self.ended - self.started).total_seconds())


@dataclass(slots=True)
class Recording:
    """A recording of a call; ``wav`` once it is completed."""

    sid: str
    call_sid: str
    channels: int
    track: str
    source: str
    started: datetime
    status: Literal["in-progress", "paused", "stopped", "completed"] = "in-progress"
    updated: datetime | None = None
    duration_s: int | None = None
    callback: Callback | None = None
    wav: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """Where Twilio tells what happens, and which events of it."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset()


@dataclass(slots=True)
class Message:
    """A text message that nobody gets."""

    sid: str
    to: str = field(repr=False)
    sender: str = field(repr=False)
    body: str = field(repr=False)
    created: datetime
    status: Literal["queued", "sent", "delivered", "undelivered", "failed"] = "queued"
    sent: datetime | None = None
    error_code: int | None = None
    media: int = 0


@dataclass(slots=True)
class Alert:
    """An entry of the debugger."""

    sid: str
    code: int
    level: Literal["error", "warning"]
    text: str
    created: datetime
    resource_sid: str
    request_url: str = ""
    request_method: str = "POST"
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
