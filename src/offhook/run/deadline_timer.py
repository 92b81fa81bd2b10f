"""One timer for the next of many deadlines. Does not know what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """Calls ``passed`` at the earliest deadline it was told; one that fires early finds none due, is told again."""

    __slots__ = ("_at", "_handle", "_loop", "_passed")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop, self._passed = loop, passed
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0.0  # kept here: uvloop's handle of a time that has passed does not know it

    def set(self, due: float | None) -> None:
        """Make sure that it fires by ``due``."""
        if self._handle is not None:
            if due is not None and self._at <= due:
                return
            self._handle.cancel()
            self._handle = None
        if due is not None:
            self._at = due
            self._handle = self._loop.call_at(due, self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._passed()
