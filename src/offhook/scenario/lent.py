"""A mind that others use too: an agent that starts and stops with its scenario leaves it running. Adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from offhook.offline.ports import Brain, EarEvent, Ears, Mind, Voice


class Lent:
    """Passes everything on but `start` and `close`."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def start(self) -> None:
        """It is started already."""

    def ears(self, on_event: Callable[[EarEvent], None], listen: Mapping[str, Any], heard: int = 0) -> Ears:
        """Make ears for one call."""
        return self._mind.ears(on_event, listen, heard)

    def brain(self, settings: Mapping[str, Any]) -> Brain:
        """Make a brain for one call."""
        return self._mind.brain(settings)

    def voice(self, speak: Mapping[str, Any]) -> Voice:
        """Make a voice for one call."""
        return self._mind.voice(speak)

    async def close(self) -> None:
        """Its owner closes it."""
