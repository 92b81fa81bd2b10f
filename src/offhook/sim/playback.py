"""Twilio's playback buffer: a FIFO of audio and marks that plays at 1×. Pure: `now_ms` is an argument, no I/O.

Rules (Twilio, "Media Streams – WebSocket Messages", `media`, `mark`, `clear`):

* audio plays in order of arrival at 8 bytes per ms; a server need not pace it;
* a mark returns when playback reaches it, at once when nothing is buffered;
* `clear` empties the buffer and returns all marks in order;
* more than ten minutes queued: the excess is dropped.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from offhook.wire.ulaw import BYTES_PER_MS

#: Ten minutes: beyond it Twilio drops and warns 31931.
CAPACITY_BYTES: Final = 600 * 1000 * BYTES_PER_MS
#: Heard audio is kept up to this, so that a server that never stops cannot fill the memory (two hours).
KEPT_BYTES: Final = 2 * 3600 * 1000 * BYTES_PER_MS

Listener = Callable[[float, bytes], None]


@dataclass(slots=True)
class Stretch:
    """Audio heard without a gap, from ``start_ms``."""

    start_ms: float
    audio: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class PlayedMark:
    """A mark that playback has reached, and when it did (which may lie before the call that found out)."""

    name: str
    at_ms: float


@dataclass(frozen=True, slots=True)
class Cleared:
    """What `clear` did: the marks to return, in order, and the audio nobody will hear."""

    marks: tuple[str, ...]
    discarded_bytes: int


class Playback:
    """One stream's buffer. Call any method with a `now_ms` that never goes back.

    ``on_heard(start_ms, audio)`` is told every piece of audio once, when it has been heard.
    """

    def __init__(
        self, *, speed: float = 1.0, capacity_bytes: int = CAPACITY_BYTES, on_heard: Listener | None = None
    ) -> None:
        self._bytes_per_ms = BYTES_PER_MS * speed
        self._capacity = capacity_bytes
        self._on_heard = on_heard
        self._queue: deque[bytes | str] = deque()
        self._head = 0  # bytes of the first queue entry that are heard already
        self._run_start_ms = 0.0
        self._run_bytes = 0
        self.buffered_bytes = 0
        self.received_bytes = 0
        self.heard_bytes = 0
        self.cleared_bytes = 0
        self.overflow_bytes = 0
        self.stretches: list[Stretch] = []

    @property
    def heard(self) -> bytes:
        """All audio heard so far, without the silence between its stretches."""
        return b"".join(bytes(stretch.audio) for stretch in self.stretches)

    @property
    def marks(self) -> tuple[str, ...]:
        """Names of the marks that have not been returned."""
        return tuple(entry for entry in self._queue if isinstance(entry, str))

    def add_audio(self, audio: bytes, now_ms: float) -> tuple[int, list[PlayedMark]]:
        """Queue audio. Return how many bytes did not fit, and the marks that were reached meanwhile."""
        played = self.advance(now_ms)
        self.received_bytes += len(audio)
        room = max(0, self._capacity - self.buffered_bytes)
        kept = audio[:room]
        self.overflow_bytes += len(audio) - len(kept)
        if kept:
            if not self.buffered_bytes:
                self._run_start_ms = now_ms
                self._run_bytes = 0
            self._queue.append(kept)
            self.buffered_bytes += len(kept)
        return len(audio) - len(kept), played

    def add_mark(self, name: str, now_ms: float) -> list[PlayedMark]:
        """Queue a mark. Return the marks reached by now: this one too where nothing is buffered."""
        played = self.advance(now_ms)
        if self.buffered_bytes:
            self._queue.append(name)
        else:
            played.append(PlayedMark(name, now_ms))
        return played

    def clear(self, now_ms: float) -> tuple[list[PlayedMark], Cleared]:
        """Drop everything. Return the marks that were reached before, then what the clear discarded."""
        played = self.advance(now_ms)
        cleared = Cleared(self.marks, self.buffered_bytes)
        self.cleared_bytes += self.buffered_bytes
        self._queue.clear()
        self._head = self.buffered_bytes = 0
        return played, cleared

    def advance(self, now_ms: float) -> list[PlayedMark]:
        """Play up to ``now_ms``. Return the marks reached, in order."""
        due = int((now_ms - self._run_start_ms) * self._bytes_per_ms + 1e-6) - self._run_bytes
        played: list[PlayedMark] = []
        while self._queue:
            entry = self._queue[0]
            if isinstance(entry, str):
                played.append(PlayedMark(entry, self._position_ms()))
                self._queue.popleft()
                continue
            if due <= 0:
                break
            piece = entry[self._head : self._head + due]
            self._hear(piece)
            due -= len(piece)
            self._head += len(piece)
            if self._head == len(entry):
                self._queue.popleft()
                self._head = 0
        return played

    def next_mark_ms(self, before_ms: float = math.inf) -> float | None:
        """Return when playback reaches the next mark, or ``None`` when none is reached before ``before_ms``."""
        before = -self._head
        for entry in self._queue:
            at_ms = self._run_start_ms + (self._run_bytes + before) / self._bytes_per_ms
            if at_ms >= before_ms:
                break
            if isinstance(entry, str):
                return at_ms
            before += len(entry)
        return None

    def ends_ms(self) -> float | None:
        """Return when the buffer will be empty, or ``None`` when it is."""
        if not self.buffered_bytes:
            return None
        return self._run_start_ms + (self._run_bytes + self.buffered_bytes) / self._bytes_per_ms

    def _position_ms(self) -> float:
        return self._run_start_ms + self._run_bytes / self._bytes_per_ms

    def _hear(self, piece: bytes) -> None:
        start_ms = self._position_ms()
        if not self._run_bytes or not self.stretches:
            self.stretches.append(Stretch(start_ms))
        if self.heard_bytes < KEPT_BYTES:
            self.stretches[-1].audio += piece
        self._run_bytes += len(piece)
        self.heard_bytes += len(piece)
        self.buffered_bytes -= len(piece)
        if self._on_heard is not None:
            self._on_heard(start_ms, piece)
