"""Text to speech, blocking: lives in a worker process. Yields 8 kHz µ-law, trimmed. Knows no turns and no sockets."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np

from offhook.offline.speech import sound
from offhook.offline.speech.models import INSTALL, Progress
from offhook.wire import ulaw

#: Kept in front of the first audible sample, so that a soft consonant is not cut.
_LEAD_MS: Final = 8
_TAIL_MS: Final = 20
#: hibari speaks at -27 dBFS RMS; telephone speech is wanted at about -20.
_GAIN_DB: Final = 6.0
#: Below this a piece costs less than 40 ms to make whole; above it the first clause goes ahead.
_LONG_TEXT: Final = 110
_CLAUSE: Final = re.compile(r"(?<=[,;:—])\s+")
_SHORTEST_CLAUSE: Final = 25
#: The caller's voice is played slower by this much, and spoken faster by as much: lower, at the same pace.
_CALLER_PITCH: Final = 0.80


class Synthesiser(Protocol):
    """Turns one sentence into 8 kHz µ-law pieces."""

    name: str

    def __call__(self, text: str, *, caller: bool = False) -> Iterator[bytes]:
        """Yield the pieces; ``caller`` asks for a voice that nobody takes for the agent's."""
        ...


def load_synthesiser(progress: Progress) -> Synthesiser:
    """Return the best engine this machine has, saying through ``progress`` what is missing for a better one."""
    try:
        return Hibari()
    except ImportError as missing:
        progress(f"no neural voice: {missing.name} is not installed; run: {INSTALL}")
    progress("speaking in beeps, one per word")
    return Beeps()


class Hibari:
    """hibari's "heart", the one voice inside the package (all others would be downloaded: never name them)."""

    name = "hibari heart"

    def __init__(self) -> None:
        from hibari import Hibari as Engine

        self._engine = Engine(voice="heart", threads=1)
        for _ in self("Ready to speak."):
            pass  # the first synthesis loads the pronunciation tables

    def __call__(self, text: str, *, caller: bool = False) -> Iterator[bytes]:
        """Yield the pieces; 10-50 ms of CPU to the first."""
        if caller:
            yield from self._as_caller(text)
            return
        parts = clauses(text)
        for index, part in enumerate(parts):
            narrow = sound.Decimator()(np.pad(self._engine(part, seed=0), (0, 96)))
            # Between two clauses of one sentence the voice's own silence is too long by half a second.
            tail = _TAIL_MS if index == len(parts) - 1 else 120
            if piece := _trimmed(sound.limited(narrow, _GAIN_DB), tail):
                yield piece

    def _as_caller(self, text: str) -> Iterator[bytes]:
        # Natural tempo: what playing it slower costs, speaking it faster gives back.
        spoken = self._engine(text, speed=1.0 / _CALLER_PITCH, seed=7)
        narrow = sound.resampled(spoken, int(len(spoken) / 3 / _CALLER_PITCH))
        if piece := _trimmed(sound.limited(narrow, _GAIN_DB), _TAIL_MS):
            yield piece


class Beeps:
    """No engine at all: one short tone per word, so that a call is audibly alive."""

    name = "beeps"

    def __call__(self, text: str, *, caller: bool = False) -> Iterator[bytes]:
        """Yield 180 ms for each word."""
        pitch = 330 if caller else 440
        wave = [int(3000 * math.sin(2 * math.pi * pitch * n / ulaw.RATE_HZ)) for n in range(120 * ulaw.BYTES_PER_MS)]
        table = ulaw.encode_table()
        beep = bytes(table[s] for s in wave) + ulaw.silence(60)
        for _ in text.split():
            yield beep


def clauses(text: str) -> list[str]:
    """Cut a long sentence so that its first clause can be heard while the rest is made."""
    if len(text) <= _LONG_TEXT:
        return [text]
    first, taken = "", 0
    parts = _CLAUSE.split(text)
    while taken < len(parts) - 1 and len(first) < _SHORTEST_CLAUSE:
        first = f"{first} {parts[taken]}".strip()
        taken += 1
    rest = text[text.find(parts[taken], len(first)) :] if first else ""
    return [first, rest] if rest else [text]


def _trimmed(narrow: sound.Sound, tail_ms: int) -> bytes:
    start, end = sound.audible_span(narrow)
    if end == 0:
        return b""
    start = max(0, start - _LEAD_MS * ulaw.BYTES_PER_MS)
    kept = narrow[start : end + tail_ms * ulaw.BYTES_PER_MS].copy()
    ramp = min(len(kept) // 2, 4 * ulaw.BYTES_PER_MS)
    fade = np.linspace(0, 1, ramp, dtype=np.float32)
    kept[:ramp] *= fade
    kept[len(kept) - ramp :] *= fade[::-1]
    return sound.to_ulaw(kept)
