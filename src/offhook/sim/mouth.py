"""The caller's mouth: what is said next, in 20 ms frames, and the clock that asks for them. Not a socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offhook.sim.wheel import Ticket, wheel_of
from offhook.wire.ulaw import FRAME_BYTES, FRAME_MS, SILENCE

_SILENT: Final = bytes((SILENCE,)) * FRAME_BYTES


@dataclass(slots=True)
class _Speech:
    audio: bytes
    done: asyncio.Future[bool]
    sent: int = 0


class Mouth:
    """Speeches one after the other; between them silence, or the ``background`` again and again."""

    def __init__(self, background: bytes = b"") -> None:
        self._speeches: list[_Speech] = []
        self._is_shut = False
        self._background = background
        self._place = 0

    @property
    def is_speaking(self) -> bool:
        """Whether something is being said."""
        return bool(self._speeches)

    async def say(self, audio: bytes) -> bool:
        """Speak µ-law audio after what is being said already. Return when its last frame went out.

        ``False`` where the line ended first. A cancelled `say` falls silent at once.
        """
        if self._is_shut or not audio:
            return not self._is_shut
        speech = _Speech(audio, asyncio.get_running_loop().create_future())
        self._speeches.append(speech)
        try:
            return await speech.done
        finally:
            if speech in self._speeches:
                self._speeches.remove(speech)

    def next_frame(self) -> bytes:
        """Return the next 20 ms; silence, or the background, where nothing is to be said."""
        if not self._speeches:
            return self._around() if self._background else _SILENT
        frame = b""
        while self._speeches and len(frame) < FRAME_BYTES:
            speech = self._speeches[0]
            piece = speech.audio[speech.sent : speech.sent + FRAME_BYTES - len(frame)]
            frame += piece
            speech.sent += len(piece)
            if speech.sent >= len(speech.audio):
                self._speeches.pop(0)
                if not speech.done.done():
                    speech.done.set_result(True)
        return frame.ljust(FRAME_BYTES, _SILENT[:1])

    def _around(self) -> bytes:
        around = self._background[self._place : self._place + FRAME_BYTES]
        self._place += FRAME_BYTES
        if self._place >= len(self._background):
            self._place = 0
        return around.ljust(FRAME_BYTES, _SILENT[:1])

    def shut(self) -> None:
        """Say no more: everybody who waits for the end of a speech is told it was not said."""
        self._is_shut = True
        for speech in self._speeches:
            if not speech.done.done():
                speech.done.set_result(False)


class FrameClock:
    """Calls ``on_frame(start_ms)`` once per 20 ms / pace, late by up to twice the jitter, never early, none lost.

    ``start_ms`` is when the frame's first sample was spoken: a frame can go out only when it is complete.
    """

    def __init__(
        self,
        on_frame: Callable[[float], None],
        now_ms: Callable[[], float],
        *,
        pace: float,
        jitter_ms: float,
        chance: random.Random,
    ) -> None:
        self._on_frame = on_frame
        self._now_ms = now_ms
        self._interval_ms = FRAME_MS / pace
        self._late_ms = 2 * min(jitter_ms, self._interval_ms / 4)
        self._chance = chance
        self._next_ms = 0.0
        self._timer: Ticket | None = None

    def start(self) -> None:
        """Begin now, unless it runs already."""
        if self._timer is None:
            self._next_ms = self._now_ms() + self._interval_ms
            self._schedule()

    def stop(self) -> None:
        """Call nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        wait_ms = self._next_ms + self._chance.uniform(0, self._late_ms) - self._now_ms()
        self._timer = wheel_of().after_ms(wait_ms, self._tick)

    def _tick(self) -> None:
        while self._timer is not None and self._next_ms <= self._now_ms():
            start_ms, self._next_ms = self._next_ms - self._interval_ms, self._next_ms + self._interval_ms
            self._on_frame(start_ms)
        if self._timer is not None:
            self._schedule()
