"""What was sent to Twilio, what is marked, and what the caller has really heard. Pure; ``now`` is an argument.

Twilio plays what we send in order, at 8 bytes per millisecond, out of a buffer we cannot see. Two signals tell where
it is: a mark that comes back was reached (or flushed by `clear`), and time passes. So the ledger keeps an *anchor*: at
``anchor_at`` the playback stood at ``anchor_pos`` (bytes since the stream began), moves on at 1×, and never past what
was sent. An echoed mark of the current epoch moves the anchor; a `clear` starts a new epoch, whose marks alone count.

One way of the network path is paid when our `clear` travels and one when a mark travels back, so the estimate after a
mark is low by a round trip. Low is the right side: a caller must not be credited with words never heard.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from offhook.wire.twilio import MarkName
from offhook.wire.ulaw import BYTES_PER_MS

_BYTES_PER_S: Final = BYTES_PER_MS * 1000
#: An echo this far behind the estimate means that playback stood still; then the anchor moves back to it.
_STALL_BYTES: Final = 250 * BYTES_PER_MS


class PlaybackLedger:
    """The books of one stream's playback. Positions are bytes of µ-law since the stream began.

    `Downlink.take` books the plain frame itself, without a call of `send`; hence the public anchor.
    """

    __slots__ = (
        "_epoch",
        "_every",
        "_flushed",
        "_limit",
        "_marks",
        "_serial",
        "anchor_at",
        "anchor_pos",
        "dry_at",
        "next_mark_at",
        "proven",
        "sent",
    )

    def __init__(self, mark_every_ms: int, marks: int) -> None:
        self.sent = 0
        self._every = mark_every_ms * BYTES_PER_MS
        self._limit = marks
        self.next_mark_at = self._every
        self._marks: deque[tuple[MarkName, int]] = deque()
        self._flushed: set[MarkName] = set()
        self._serial = 0
        self._epoch = 0
        self.anchor_pos = 0
        self.anchor_at = 0.0
        self.dry_at = 0.0
        #: How far playback is known to have come, by marks alone.
        self.proven = 0

    def send(self, size: int, now: float) -> bool:
        """Book ``size`` bytes as sent. Returns whether a mark is due behind them (`mark`)."""
        if now >= self.dry_at:  # the buffer had run dry: playback starts again with these bytes
            self.anchor_pos, self.anchor_at = self.sent, now
            self.dry_at = now
        self.sent += size
        self.dry_at += size / _BYTES_PER_S
        return self.sent >= self.next_mark_at and self.can_mark

    def mark(self) -> MarkName:
        """Book a mark at the end of what was sent and return its name, unique on this stream."""
        self._serial += 1
        name = MarkName(f"{self._epoch}-{self._serial}")
        self._marks.append((name, self.sent))
        self.next_mark_at = self.sent + self._every
        return name

    def echoed(self, name: MarkName, now: float) -> bool:
        """Book a returned mark. Returns whether it was ours, once.

        Marks come back in order; one that overtakes others says that those were reached too (or lost). One that a
        `clear` flushed comes back too, and says nothing.
        """
        if name in self._flushed:
            self._flushed.discard(name)
            return True
        if not any(known == name for known, _ in self._marks):
            return False
        position = 0
        while self._marks:
            known, position = self._marks.popleft()
            if known == name:
                break
        self.proven = position
        estimate = self.heard(now)
        if position > estimate or estimate - position > _STALL_BYTES:
            self._move_anchor(position, now)
        return True

    def clear(self, now: float) -> int:
        """Book a `clear`: everything unheard is gone, its marks will not count. Returns the bytes that were heard."""
        heard = self.heard(now)
        self._epoch += 1
        self._flushed = {known for known, _ in self._marks}
        self._marks.clear()
        self._move_anchor(self.sent, now)
        self.next_mark_at = self.sent + self._every
        return heard

    def heard(self, now: float) -> int:
        """Return how many bytes have been played to the caller."""
        return min(self.sent, self.anchor_pos + max(0, round((now - self.anchor_at) * _BYTES_PER_S)))

    def unheard_s(self, now: float) -> float:
        """Return how many seconds of audio wait to be played."""
        return max(0.0, self.dry_at - now)

    def may_sound(self, now: float) -> bool:
        """Whether a `clear` may still have something to silence: audio by the clock, or marks not come back."""
        return bool(self._marks) or now < self.dry_at

    def _move_anchor(self, position: int, now: float) -> None:
        self.anchor_pos, self.anchor_at = position, now
        self.dry_at = now + (self.sent - position) / _BYTES_PER_S

    @property
    def has_unmarked(self) -> bool:
        """Whether audio was sent behind the last mark (or no mark was sent)."""
        last = self._marks[-1][1] if self._marks else self.next_mark_at - self._every
        return self.sent > last

    @property
    def can_mark(self) -> bool:
        """Whether one more mark may be outstanding."""
        return len(self._marks) < self._limit

    @property
    def outstanding(self) -> int:
        """How many marks have not come back."""
        return len(self._marks)
