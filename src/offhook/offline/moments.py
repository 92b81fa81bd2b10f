"""The moments of one call at which something was to go wrong, and what is to happen then. Does none of it itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from offhook.offline.faults import Action, At


@dataclass(slots=True)
class _Armed:
    at: At
    action: Action
    seen: int = 0
    audio_left: float | None = None
    is_done: bool = False


class Moments:
    """Counts what passes and calls ``do`` when a moment has come."""

    def __init__(self, armed: Iterable[tuple[At, Action]], do: Callable[[Action], None]) -> None:
        self._armed = [_Armed(at, action) for at, action in armed]
        self._waiting: list[_Armed] = []
        self._do = do
        self._timers: list[asyncio.TimerHandle] = []

    def passed(self, kind: str) -> None:
        """Count one message of type ``kind``, sent or received."""
        for armed in self._armed:
            if armed.at.moment == kind and not armed.is_done:
                armed.seen += 1
                if armed.seen != armed.at.nth:
                    continue
                if armed.at.audio_ms:
                    armed.audio_left = armed.at.audio_ms
                    self._waiting.append(armed)
                else:
                    self._fire(armed)

    def audio_passed(self, ms: float) -> None:
        """Count agent audio that was sent."""
        for armed in list(self._waiting):
            assert armed.audio_left is not None
            armed.audio_left -= ms
            if armed.audio_left <= 0:
                self._waiting.remove(armed)
                self._fire(armed)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after ``seconds``, unless the call is over by then."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def close(self) -> None:
        """Cancel what was to happen later."""
        for timer in self._timers:
            timer.cancel()

    def _fire(self, armed: _Armed) -> None:
        armed.is_done = True
        if armed.at.delay_s:
            self.later(armed.at.delay_s, lambda: self._do(armed.action))
        else:
            self._do(armed.action)
