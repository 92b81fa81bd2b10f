"""The fallback chains of one call: which think and speak entries answer, and what is said of those that fail. Pure.

Voice Agent reference, "agent.think" and "agent.speak": each request tries the entries in order, each failure is a
Warning, and none left is an Error. Every request starts again at the first entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from offhook.offline import events
from offhook.offline.events import Outlet
from offhook.offline.faults import Lose

Part = Literal["think", "speak"]
INJECTED: Final = "the provider answered 503."


class Chain:
    """``entries`` of each part: "" for one that answers, else the reason why it does not."""

    def __init__(self, out: Outlet, entries: Mapping[Part, Sequence[str]]) -> None:
        self._out = out
        self.entries: dict[Part, Sequence[str]] = dict(entries)
        self._losses: list[Lose] = []

    def lose(self, loss: Lose) -> None:
        """Have the next requests fail."""
        self._losses.extend([loss] * loss.times)

    def reaches(self, part: Part) -> bool:
        """Make one request: warn of every entry that fails before one answers; False where none does."""
        entries = self.entries.get(part) or ("",)
        loss = next((loss for loss in self._losses if loss.part == part), None)
        lost = 0
        if loss is not None:
            self._losses.remove(loss)
            lost = len(entries) if loss.entries is None else loss.entries
        for index, reason in enumerate(entries):
            why = INJECTED if index < lost else reason
            if not why:
                return True
            self._out.event(events.warning(f"{part.upper()}_REQUEST_FAILED", f"Entry {index} of {part}: {why}"))
        return False
