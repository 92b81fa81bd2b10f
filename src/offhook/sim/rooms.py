"""Where several calls of one account meet: conferences and queues. No webhooks and no time: calls ask and wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from offhook.sim.identity import fresh_sid

#: Calls that may wait in one queue, where the document does not say.
QUEUE_SIZE: Final = 100


@dataclass(eq=False, slots=True)
class Member:
    """One call in a conference. ``hear`` takes what the others say."""

    call_sid: str
    hear: Callable[[bytes], None]
    starts: bool = True
    ends: bool = False
    muted: bool = False


@dataclass(slots=True)
class Conference:
    """One conference. It has begun once two are in it and one of them starts it."""

    name: str
    sid: str = field(default_factory=lambda: fresh_sid("CF"))
    members: list[Member] = field(default_factory=list)
    has_begun: bool = False
    is_over: bool = False
    #: How many callbacks it has sent.
    told: int = 0

    def enter(self, member: Member) -> bool:
        """Let one in; say whether that began it."""
        self.members.append(member)
        begins = not self.has_begun and len(self.members) > 1 and any(other.starts for other in self.members)
        self.has_begun = self.has_begun or begins
        return begins

    def leave(self, member: Member) -> bool:
        """Let one out; say whether that ended it."""
        self.members.remove(member)
        was_over = self.is_over
        self.is_over = self.is_over or (member.ends and self.has_begun) or not self.members
        return self.is_over and not was_over

    def speak(self, member: Member, frame: bytes) -> None:
        """Pass what one says to all others."""
        if self.has_begun and not member.muted:
            for other in self.members:
                if other is not member:
                    other.hear(frame)


@dataclass(eq=False, slots=True)
class Waiting:
    """One call in a queue. ``hear`` takes what the one who takes it says; ``taken_by`` is set by that one."""

    call_sid: str
    hear: Callable[[bytes], None]
    entered_ms: float
    taken_by: Member | None = None
    is_released: bool = False


@dataclass(slots=True)
class Queue:
    """One queue, first in first out."""

    name: str
    size: int = QUEUE_SIZE
    sid: str = field(default_factory=lambda: fresh_sid("QU"))
    waiting: list[Waiting] = field(default_factory=list)

    def position(self, call: Waiting) -> int:
        """Return a call's place, from 1."""
        return self.waiting.index(call) + 1 if call in self.waiting else 0

    def take(self, taker: Member) -> Waiting | None:
        """Take the first call out, for ``taker`` to talk to."""
        if not self.waiting:
            return None
        first = self.waiting.pop(0)
        first.taken_by = taker
        return first


class Rooms:
    """The conferences and queues of an account, by name; each is made when it is first named."""

    def __init__(self) -> None:
        self.conferences: dict[str, Conference] = {}
        self.queues: dict[str, Queue] = {}

    def conference(self, name: str) -> Conference:
        """Return the conference of that name that is going on, or a new one."""
        found = self.conferences.get(name)
        if found is None or found.is_over:
            found = self.conferences[name] = Conference(name)
        return found

    def queue(self, name: str, size: int = QUEUE_SIZE) -> Queue:
        """Return the queue of that name."""
        return self.queues.setdefault(name, Queue(name, size))
