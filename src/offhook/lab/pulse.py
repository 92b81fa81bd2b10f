"""A clock that should strike every 20 ms and notes when it does not: how late this process is itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Self

BEAT_S: Final = 0.02
#: Less is the timer's own.
LEAST_MS: Final = 10.0
KEPT: Final = 100_000


class Pulse:
    """Use as an async context manager. ``lags``: at what moment (monotonic, ms) a beat came, late by how many ms."""

    def __init__(self) -> None:
        self.lags: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._beating: asyncio.Task[None] | None = None

    @property
    def worst_ms(self) -> float:
        """How late it was at its worst."""
        return max((late_ms for _, late_ms in self.lags), default=0.0)

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if (late_ms := (now - due) * 1000) >= LEAST_MS:
                self.lags.append((now * 1000, late_ms))
