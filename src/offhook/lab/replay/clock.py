"""When things are due in a replay, and how late the replay itself was. Waits; says nothing."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """One for a replay. ``late_ms`` is how late it was at its worst: no bridge is blamed for that."""

    def __init__(self) -> None:
        self.late_ms = 0.0

    @staticmethod
    def now_ms() -> float:
        """Return the monotonic clock, as entries have it."""
        return time.monotonic() * 1000

    async def due(self, at_ms: float) -> None:
        """Wait until a moment of that clock."""
        left = at_ms - self.now_ms()
        if left > 0:
            await asyncio.sleep(left / 1000)
        self.late_ms = max(self.late_ms, self.now_ms() - at_ms)
