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


class Gate(Enum):
    """What happens to caller audio."""

    SHUT = auto()  # nobody listens, and old audio would be heard as a barge-in over the greeting: drop
    KEEP = auto()  # nobody listens yet, and the caller speaks first: keep the newest
    OPEN = auto()
    SLOW = auto()  # the agent's socket is full: keep the newest


#: Enum members cost a lookup of their own; the hot path has this one at hand.
_OPEN: Final = Gate.OPEN


class Uplink:
    """The books of one call's caller audio. ``sent_at`` is when audio last went to the agent."""

    __slots__ = (
        "_coalesce",
        "_counts",
        "_flood_at",
        "_flood_ms",
        "_kept",
        "_kept_bytes",
        "_limits",
        "_sequence",
        "_unchecked",
        "gate",
        "last_frame",
        "sent_at",
    )

    def __init__(self, limits: Limits, counts: Counter[str], *, keep: bool, now: float) -> None:
        self.gate = Gate.KEEP if keep else Gate.SHUT
        self.sent_at = now
        self.last_frame = b""
        self._limits = limits
        self._counts = counts
        self._coalesce = limits.coalesce_ms * BYTES_PER_MS
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._flood_ms = 0.0
        self._flood_at = now
        self._sequence = 0
        self._unchecked = 0

    def frame(self, media: Media, now: float) -> bytes | None:
        """Take one frame; return what to send to the agent now, if anything."""
        number = media.sequence_number
        if number != self._sequence + 1 and self._is_repeated(number):
            return None
        self._sequence = number
        audio = media.media.payload
        self._unchecked += len(audio)
        if self._unchecked >= _CHECK_BYTES and self._is_flooded(now):
            return None
        self.last_frame = audio
        if self.gate is _OPEN and not self._coalesce:
            self.sent_at = now
            return audio
        return self._not_at_once(audio, now)

    def _not_at_once(self, audio: bytes, now: float) -> bytes | None:
        if self.gate is Gate.SHUT:
            self._counts["uplink_unlistened_bytes"] += len(audio)
            return None
        self._keep(audio)
        if self.gate is Gate.OPEN and self._kept_bytes >= self._coalesce:
            self.sent_at = now
            return self._take()
        return None

    def passed(self, number: int) -> None:
        """A message that is no audio took a number of the same sequence."""
        if number == self._sequence + 1:
            self._sequence = number

    def open(self, now: float) -> bytes:
        """Let audio through from now on; return what was kept (maybe nothing)."""
        self.gate = Gate.OPEN
        self.sent_at = now
        return self._take()

    def shut(self) -> None:
        """Drop audio from now on, and what was kept."""
        self.gate = Gate.SHUT
        self._take()

    def slow_down(self) -> None:
        """Keep the newest audio until `open`."""
        if self.gate is Gate.OPEN:
            self.gate = Gate.SLOW

    def _is_flooded(self, now: float) -> bool:
        """Book what came since the last look; a flood is looked at frame by frame until it ebbs."""
        level = max(0.0, self._flood_ms - (now - self._flood_at) * 1000 * _FLOOD_RATE) + self._unchecked / BYTES_PER_MS
        self._flood_at = now
        if level > _FLOOD_SLACK_MS:
            self._flood_ms, self._unchecked = _FLOOD_SLACK_MS, _CHECK_BYTES
            self._counts["flooded_frame"] += 1
            return True
        self._flood_ms, self._unchecked = level, 0
        return False

    def _is_repeated(self, number: int) -> bool:
        behind = self._sequence - number
        if number and 0 <= behind < _REPEAT_WINDOW:
            self._counts["repeated_frame"] += 1
            return True
        if behind < -1 and self._sequence:
            self._counts["sequence_gap"] += 1
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
