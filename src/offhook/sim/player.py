"""Runs the playback buffer on the clock: hears audio, returns marks in time. Not a socket; the buffer is pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offhook.sim.playback import Cleared, Playback, PlayedMark
from offhook.sim.wheel import Ticket, wheel_of
from offhook.wire.ulaw import FRAME_MS


class Player:
    """Calls ``on_marks`` for every mark that is reached, and ``on_progress`` whenever more was heard."""

    def __init__(
        self,
        playback: Playback,
        now_ms: Callable[[], float],
        on_marks: Callable[[Sequence[PlayedMark], bool], None],
        on_progress: Callable[[], None],
    ) -> None:
        self.playback = playback
        self._now_ms = now_ms
        self._on_marks = on_marks
        self._on_progress = on_progress
        self._timer: Ticket | None = None
        self._is_stopped = False

    def audio(self, audio: bytes) -> int:
        """Queue audio. Return the bytes that did not fit."""
        dropped, played = self.playback.add_audio(audio, self._now_ms())
        self._on_marks(played, False)
        self._arm()
        return dropped

    def mark(self, name: str) -> None:
        """Queue a mark."""
        self._on_marks(self.playback.add_mark(name, self._now_ms()), False)
        self._arm()

    def clear(self) -> Cleared:
        """Empty the buffer; its marks are for the caller of this to return."""
        played, cleared = self.playback.clear(self._now_ms())
        self._on_marks(played, False)
        return cleared

    def play(self) -> None:
        """Hear what is due by now."""
        if not self._is_stopped:
            self._on_marks(self.playback.advance(self._now_ms()), False)
            self._on_progress()

    def stop(self) -> None:
        """Hear what is due by now, return no more marks, and stop for good. Safe to repeat."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self.playback.advance(self._now_ms())
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None or self._is_stopped or (ends_ms := self.playback.ends_ms()) is None:
            return
        now = self._now_ms()
        mark_ms = self.playback.next_mark_ms(before_ms=now + FRAME_MS)
        due_ms = min(now + FRAME_MS, ends_ms, ends_ms if mark_ms is None else mark_ms)
        self._timer = wheel_of().after_ms(due_ms - now, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.play()
        self._arm()
