"""Ears that hear nothing: the script says when the caller speaks, whatever audio comes. Deterministic, by the clock.

For tests of a bridge that sends silence, or nothing but `KeepAlive`. A turn starts so long after the agent has fallen
silent (or, where it interrupts, after the agent became audible), lasts, may be resumed once after a pause that already
looked like its end, and is confirmed as with other ears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from offhook.offline.energy import Hearing
from offhook.offline.ports import EarEvent, SpeechMaybeOver, SpeechOver, SpeechStarted


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of the caller: its text and its times in milliseconds; ``resumes_ms`` 0: never."""

    text: str
    starts_ms: int = 1000
    lasts_ms: int = 1500
    interrupts: bool = False
    resumes_ms: int = 0


class TimedEars:
    """The scripted mind's `Ears` by the clock. ``utterance(n)`` gives the n-th one (from 0); None: says no more."""

    def __init__(
        self,
        on_event: Callable[[EarEvent], None],
        utterance: Callable[[int], Utterance | None],
        hearing: Hearing,
        heard: int = 0,
    ) -> None:
        self._on_event = on_event
        self._utterance = utterance
        self._hearing = hearing
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._n = heard
        self._is_open = False
        self._agent_speaks = False
        self._wait()

    def hear(self, audio: bytes) -> None:
        """Ignore it."""

    def agent_speaks(self, speaking: bool) -> None:
        """Wait for the next utterance from here, where it is time for it."""
        self._agent_speaks = speaking
        if not self._is_open:
            self._wait()

    def force_end(self) -> None:
        """End an open utterance now."""
        if self._is_open:
            self._over(0)

    async def close(self) -> None:
        """Say nothing more."""
        self._is_open = True
        self._cancel()

    def _wait(self) -> None:
        self._cancel()
        next_one = self._utterance(self._n)
        if next_one is not None and next_one.interrupts == self._agent_speaks:
            self._after(next_one.starts_ms, lambda: self._start(next_one, next_one.resumes_ms))

    def _start(self, said: Utterance, resumes_ms: int) -> None:
        self._is_open = True
        self._on_event(SpeechStarted())
        self._after(said.lasts_ms + self._hearing.eager_ms, lambda: self._maybe(said, resumes_ms))

    def _maybe(self, said: Utterance, resumes_ms: int) -> None:
        if resumes_ms:
            self._after(max(0, resumes_ms - self._hearing.eager_ms), lambda: self._start(said, 0))
        else:
            left_ms = max(0, self._hearing.confirm_ms - self._hearing.eager_ms)
            self._after(left_ms, lambda: self._over(self._hearing.confirm_ms))
        self._on_event(SpeechMaybeOver(said.text))

    def _over(self, silent_ms: int) -> None:
        said = self._utterance(self._n)
        assert said is not None
        self._cancel()
        self._n += 1
        self._is_open = False
        self._on_event(SpeechOver(said.text, silent_ms / 1000))

    def _after(self, ms: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._loop.call_later(ms / 1000, action)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
