"""Think Live as far as time alone decides: presence checks while nobody speaks, fillers while a function is open.

There is no model here: the lines are fixed, and what would need one (backchannels, frustration) does not happen. What
the vendor does where a count is left out is not published; here that is nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

PRESENCE_LINE: Final = "Are you still there?"
FILLER_LINES: Final = ("One moment, please.", "I am still working on that.")
DYNAMIC_LINE: Final = "I am still here."
#: The first presence check never comes earlier, whatever the interval; the next ones; the interval where none is given.
FLOOR_S: Final = 3.0
LEAST_S: Final = 0.5
INTERVAL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Filling:
    """What one function asks for while its answer is awaited: a line at once, and so many more, each after silence."""

    at_once: bool = False
    more: int = 0
    every_s: float = INTERVAL_S


NO_FILLING: Final = Filling()


class Presence:
    """Asks whether the caller is there. ``is_quiet`` tells whether nobody's turn is open, ``ask`` says the line."""

    def __init__(self, is_quiet: Callable[[], bool], ask: Callable[[str], None]) -> None:
        self._is_quiet = is_quiet
        self._ask = ask
        self._most = 0
        self._every_s = INTERVAL_S
        self._asked = 0
        self._timer: asyncio.TimerHandle | None = None

    def configure(self, live: Mapping[str, Any] | None) -> None:
        """Take `agent.think_live`; None: it is off."""
        provider = (live or {}).get("provider", {})
        self._most = provider.get("presence_check_max_count", 0)
        self._every_s = provider.get("presence_check_interval_ms", INTERVAL_S * 1000) / 1000
        self.wait()

    def wait(self) -> None:
        """Begin to wait anew: somebody has spoken or begins to."""
        self.close()
        if self._asked < self._most:
            wait_s = max(LEAST_S if self._asked else FLOOR_S, self._every_s)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._due)

    def heard(self) -> None:
        """Take it that the caller is there."""
        self._asked = 0
        self.wait()

    def close(self) -> None:
        """Ask nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._is_quiet():
            self._asked += 1
            self._ask(PRESENCE_LINE)
        else:
            self.wait()
