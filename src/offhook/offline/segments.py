"""Sentences of agent speech on their way out: text, audio as far as it is ready, pace, times. Sends nothing."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Annotated, Final

from msgspec import Meta

from offhook.offline.events import Behavior
from offhook.offline.ports import Said

_END_OF_SENTENCE: Final = re.compile(r"(?<![A-Z])(?<!Mr)(?<!Ms)(?<!Dr)(?<!St)(?<!Mrs)([.!?…]+[\"'”’)]?)\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Pace:
    """How agent audio leaves: ``frame_bytes`` of µ-law at a time, bursts of ``burst_ms``, ``speed`` × real time.

    ``speed`` 0: everything at once. ``hold`` False: the next sentence does not wait for the previous one.
    """

    frame_bytes: Annotated[int, Meta(ge=1)] = 160
    burst_ms: Annotated[int, Meta(ge=1)] = 400
    speed: Annotated[float, Meta(ge=0)] = 16.0
    hold: bool = True


@dataclass(slots=True)
class Figures:
    """Loop times of one turn; ``None`` until they happen."""

    asked: float = 0.0
    first_action: float | None = None
    first_text: float | None = None
    first_audio: float | None = None
    tools_s: float | None = None
    user_silent_at: float | None = None
    recognised_in_s: float | None = None


@dataclass(eq=False, slots=True)
class Segment:
    """One sentence: its text, the audio as far as it is ready, and when it will have played."""

    said: Said
    behavior: Behavior = "default"
    audio: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    grew: asyncio.Event = field(default_factory=asyncio.Event)
    is_released: bool = False
    plays_until: float = 0.0

    def add(self, audio: bytes) -> None:
        self.audio += audio
        self.grew.set()

    def finish(self) -> None:
        self.is_whole = True
        self.grew.set()

    async def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes; fewer only at the end, none when it is over."""
        while len(self.audio) < size and not self.is_whole:
            self.grew.clear()
            await self.grew.wait()
        taken = bytes(self.audio[:size])
        del self.audio[:size]
        return taken


def sentences(text: str) -> list[str]:
    """Split a text into sentences, one voice request each."""
    return [part.strip() for part in _END_OF_SENTENCE.sub(r"\1\n", text).splitlines() if part.strip()]
