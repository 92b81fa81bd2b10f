"""Finds where somebody speaks in µ-law audio, by its energy. Pure. Not a voice detector: it hears what is audible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offhook.wire.ulaw import BYTES_PER_MS, DECODE

#: RMS above which a window counts as audible: -45 dBFS, below any telephone speech, above line noise.
FLOOR: Final = 184
#: Inside an audible window, speech begins with the first sample above this.
EDGE: Final = 120
WINDOW_BYTES: Final = 10 * BYTES_PER_MS
#: Pauses shorter than this are within one utterance.
GAP_MS: Final = 600.0

_SQUARE: Final = tuple(sample * sample for sample in DECODE)
_LOUD: Final = bytes(abs(sample) > EDGE for sample in DECODE)


@dataclass(slots=True)
class Utterance:
    """One stretch of speech, from its first audible sample to its last so far."""

    start_ms: float
    end_ms: float


def _never(_: Utterance) -> None: ...


class Hearing:
    """Listens to one side. Feed it audio in order of time, and `settle` it while nothing comes."""

    def __init__(
        self,
        on_began: Callable[[Utterance], None] = _never,
        on_ceased: Callable[[Utterance], None] = _never,
        *,
        gap_ms: float = GAP_MS,
    ) -> None:
        self._on_began = on_began
        self._on_ceased = on_ceased
        self._gap_ms = gap_ms
        self._open: Utterance | None = None
        self.utterances: list[Utterance] = []

    @property
    def speaking(self) -> Utterance | None:
        """The utterance that is not over yet, as far as is known."""
        return self._open

    @property
    def last_audible_ms(self) -> float | None:
        """When the last audible sample was over, or ``None`` while nothing was audible."""
        return self.utterances[-1].end_ms if self.utterances else None

    def feed(self, start_ms: float, audio: bytes) -> None:
        """Take audio whose first sample was heard at ``start_ms``."""
        for offset in range(0, len(audio), WINDOW_BYTES):
            window = audio[offset : offset + WINDOW_BYTES]
            if sum(map(_SQUARE.__getitem__, window)) < FLOOR * FLOOR * len(window):
                continue
            loud = window.translate(_LOUD)
            first, last = loud.find(1), loud.rfind(1) + 1
            self._audible(start_ms + (offset + first) / BYTES_PER_MS, start_ms + (offset + last) / BYTES_PER_MS)
        self.settle(start_ms + len(audio) / BYTES_PER_MS)

    def settle(self, now_ms: float) -> None:
        """End the open utterance where it has been silent for long enough."""
        if self._open is not None and now_ms - self._open.end_ms >= self._gap_ms:
            self.cut()

    def cut(self) -> None:
        """End the open utterance now: what follows is another one however soon it comes."""
        if self._open is not None:
            ceased, self._open = self._open, None
            self._on_ceased(ceased)

    def _audible(self, first_ms: float, last_ms: float) -> None:
        self.settle(first_ms)
        if self._open is None:
            self._open = Utterance(first_ms, last_ms)
            self.utterances.append(self._open)
            self._on_began(self._open)
        self._open.end_ms = max(self._open.end_ms, last_ms)
