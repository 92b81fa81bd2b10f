"""Time that can be wound: a call's age by hand, a whole process by its event loop. Measures nothing.

Two ways to see in a minute what takes the vendor two hours. `SessionClock` jumps: the session is older at once, as if
the client had behaved all along. `WoundLoop` hurries: every timer of the process (pace, patience, playing time) runs
``rate`` times as fast, or, with ``rate`` None, time passes only where nobody has anything to do.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Final

#: The least that is skipped: less could vanish in the rounding of a large number of seconds.
LEAST_S: Final = 1e-6


class SessionClock:
    """The age of one session in seconds, by the running event loop and by hand."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._opened = self._now()
        self._ahead = 0.0
        self.was_wound = asyncio.Event()

    def age(self) -> float:
        """Return how long the session has lasted."""
        return self._now() - self._opened + self._ahead

    def wind(self, seconds: float) -> None:
        """Make the session ``seconds`` older now."""
        self._ahead += seconds
        self.was_wound.set()


class _Hurried(selectors.DefaultSelector):
    """Waits for files as always, and for time a fraction of it."""

    def __init__(self, rate: float | None, settle_s: float) -> None:
        super().__init__()
        self._rate = rate
        self._settle_s = settle_s
        self.skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._rate is not None:
            return super().select(timeout / self._rate)
        ready = super().select(min(self._settle_s, timeout))
        if not ready:
            self.skipped += max(timeout, LEAST_S)
        return ready


class WoundLoop(asyncio.SelectorEventLoop):
    """An event loop whose time runs ``rate`` times as fast; None: skips what everybody only waits for.

    Skipping is for processes that hold both ends of every socket: time also passes while somebody else works. Before
    each skip it really waits ``settle_s``, for what is on its way from one end to the other.
    """

    def __init__(self, rate: float | None = None, *, settle_s: float = 0.0) -> None:
        self._rate = rate
        self._hurried = _Hurried(rate, settle_s)
        self._real = time.monotonic()
        super().__init__(self._hurried)

    def time(self) -> float:
        """Return the wound time in seconds; it starts at the monotonic clock's."""
        passed = time.monotonic() - self._real
        if self._rate is not None:
            return self._real + passed * self._rate
        return self._real + self._hurried.skipped


def wound(rate: float | None = None) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a loop factory: ``asyncio.Runner(loop_factory=wound(60))``."""
    return lambda: WoundLoop(rate)
