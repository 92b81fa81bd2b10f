"""Measures how late this process is: a machine that is too busy looks like a slow bridge. Judges nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Self

_EVERY_S: Final = 0.02


class Lag:
    """Looks every 20 ms while its block runs; ``worst_ms`` is the longest it was kept from looking."""

    def __init__(self) -> None:
        self.worst_ms = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_EVERY_S)
            self.worst_ms = max(self.worst_ms, (time.monotonic() - before - _EVERY_S) * 1000)
