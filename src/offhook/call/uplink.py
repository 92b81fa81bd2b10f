"""Caller audio on its way to the agent: kept until the agent listens, bounded, refused when flooded. Pure.

The common case is a few comparisons: a listening agent that reads gets every frame untouched.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import Enum, auto
from typing import Final

from offhook.config.limits import Limits
from offhook.wire.twilio import Media
from offhook.wire.ulaw import BYTES_PER_MS

#: Audio may arrive this much faster than real time for long, and this far ahead at once (a stall's burst: C17, C18).
_FLOOD_RATE: Final = 2.0
_FLOOD_SLACK_MS: Final = 6000.0
#: Looking at the flood once a second of audio is enough to end it within two.
_CHECK_BYTES: Final = 1000 * BYTES_PER_MS
#: A sequence number this far back is a repeat; farther back, the counter was started again.
_REPEAT_WINDOW: Final = 1000
#: As many numbers of the newest gap are remembered, in case their frames are only late.
_LATE_WINDOW: Final = 50


class Gate(Enum):
    """What happens to caller audio."""

    SHUT = auto()  # nobody listens, and old audio would be heard as a barge-in over the greeting: drop
    KEEP = auto()  # nobody listens yet, and the caller speaks first: keep the newest
    OPEN = auto()
    SLOW = auto()  # the agent's socket is full: keep the newest


class Uplink:
    """The books of one call's caller audio: ``sent_at``: last on its way to the agent; ``heard_at``: last not so."""

    __slots__ = (
        "_coalesce",
        "_counts",
        "_flood_at",
        "_flood_ms",
        "_granted",
        "_kept",
        "_kept_bytes",
        "_limits",
        "_missing",
        "_next",
        "_room",
        "gate",
        "heard_at",
        "is_streaming",
        "last_frame",
        "sent_at",
    )

    def __init__(self, limits: Limits, counts: Counter[str], *, keep: bool, now: float) -> None:
        self.gate = Gate.KEEP if keep else Gate.SHUT
        self.is_streaming = False
        self.sent_at = self.heard_at = now
        self.last_frame = b""
        self._limits = limits
        self._counts = counts
        self._coalesce = limits.coalesce_ms * BYTES_PER_MS
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._flood_ms = 0.0
        self._flood_at = now
        self._next = 1
        self._missing: set[int] = set()
        self._granted = self._room = 0  # bytes that may pass before anything is looked at

    def take(self, media: Media, now: float) -> bytes | None:
        """Take one frame of a stream; return what to send to the agent now, if anything.

        The plain frame - an agent that listens and reads, the next number, no flood to look for - passes right here.
        """
        facts = media.media
        audio = facts.payload
        number = media.sequence_number
        if self._room <= 0 or number != self._next or not audio or facts.track != "inbound":
            return self._long_way(media, now)
        self._next = number + 1
        self._room -= len(audio)
        self.last_frame = audio
        self.sent_at = now
        return audio

    def _long_way(self, media: Media, now: float) -> bytes | None:
        audio = media.media.payload
        self.heard_at = now
        if not self.is_streaming or media.media.track != "inbound" or not audio:
            self._counts["media_ignored"] += 1
            return None
        if self._is_repeated(media.sequence_number) or self._is_flooded(len(audio), now):
            return None
        self.last_frame = audio
        if self.gate is Gate.SHUT:
            self._counts["uplink_unlistened_bytes"] += len(audio)
            return None
        if self.gate is Gate.OPEN and not self._coalesce:
            self._granted = self._room = _CHECK_BYTES
            self.sent_at = now
            return audio
        self._keep(audio)
        if self.gate is Gate.OPEN and self._kept_bytes >= self._coalesce:
            self.sent_at = now
            return self._take()
        return None

    def passed(self, number: int) -> None:
        """A message that is no audio took a number of the same sequence."""
        if number == self._next:
            self._next = number + 1

    def open(self, now: float) -> bytes:
        """Let audio through from now on; return what was kept (maybe nothing)."""
        self.gate = Gate.OPEN
        self.sent_at = now
        return self._take()

    def shut(self) -> None:
        """Drop audio from now on, and what was kept."""
        self.gate = Gate.SHUT
        self._look()
        self._take()

    def slow_down(self) -> None:
        """Keep the newest audio until `open`."""
        if self.gate is Gate.OPEN:
            self.gate = Gate.SLOW
            self._look()

    def _look(self) -> None:
        """Look at every frame from now on."""
        self._granted, self._room = self._granted - self._room, 0

    def _is_flooded(self, size: int, now: float) -> bool:
        """Book what passed since the last look; a flood is looked at frame by frame until it ebbs."""
        ebbed = max(0.0, self._flood_ms - (now - self._flood_at) * 1000 * _FLOOD_RATE)
        passed = ebbed + (self._granted - self._room) / BYTES_PER_MS
        self._granted = self._room = 0
        self._flood_at = now
        self._flood_ms = passed + size / BYTES_PER_MS
        if self._flood_ms <= _FLOOD_SLACK_MS:
            return False
        self._flood_ms = passed  # this frame is not to pass
        self._counts["flooded_frame"] += 1
        return True

    def _is_repeated(self, number: int) -> bool:
        """Book a number that is not the next: ahead of it there is a gap, behind it a repeat, or one that came late."""
        ahead = number - self._next
        if number and -_REPEAT_WINDOW <= ahead < 0:
            if number in self._missing:  # passed in the order of arrival (C8)
                self._missing.discard(number)
                self._counts["late_frame"] += 1
                return False
            self._counts["repeated_frame"] += 1
            return True
        if ahead > 0 and self._next > 1:
            self._counts["sequence_gap"] += 1
            self._missing = set(range(max(self._next, number - _LATE_WINDOW), number))
        self._next = number + 1
        return False

    def _keep(self, audio: bytes) -> None:
        self._kept.append(audio)
        self._kept_bytes += len(audio)
        limit_ms = self._limits.preroll_ms if self.gate is Gate.KEEP else self._limits.unsent_agent_ms
        while self._kept_bytes > limit_ms * BYTES_PER_MS:
            dropped = len(self._kept.popleft())
            self._kept_bytes -= dropped
            self._counts["uplink_dropped_bytes"] += dropped

    def _take(self) -> bytes:
        kept = b"".join(self._kept)
        self._kept.clear()
        self._kept_bytes = 0
        return kept
