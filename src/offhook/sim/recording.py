"""Writes what was said and heard as a stereo WAV: caller left, agent right as heard, on one clock. Reads nothing."""

from __future__ import annotations

import array
import sys
import wave
from pathlib import Path

from offhook.wire.ulaw import BYTES_PER_MS, RATE_HZ, SILENCE, to_pcm16

#: Longer calls are recorded up to here (two hours).
LONGEST_MS = 2 * 3600 * 1000


class Track:
    """One side of a call: pieces of µ-law audio, each with the time of its first sample, in order."""

    def __init__(self) -> None:
        self._audio = bytearray()

    def add(self, start_ms: float, audio: bytes) -> None:
        """Put audio at its time. What lies before the end so far is written after it, so that nothing is lost."""
        start = round(start_ms * BYTES_PER_MS)
        if start + len(audio) > LONGEST_MS * BYTES_PER_MS:
            return
        # A gap below 5 ms is the clock's grain, not silence: closing it keeps the waveform whole.
        gap = start - len(self._audio)
        if gap > 5 * BYTES_PER_MS:
            self._audio += bytes((SILENCE,)) * gap
        self._audio += audio

    def __len__(self) -> int:
        return len(self._audio)

    def padded(self, size: int) -> bytes:
        """Return the µ-law audio from the start of the call, filled with silence up to ``size`` bytes."""
        return bytes(self._audio.ljust(size, bytes((SILENCE,))))


def write_stereo(path: Path, caller: Track, agent: Track) -> None:
    """Write 16-bit stereo at 8 kHz. Raises `OSError`."""
    size = max(len(caller), len(agent))
    samples = array.array("h", bytes(4 * size))
    samples[0::2] = _pcm(caller.padded(size))
    samples[1::2] = _pcm(agent.padded(size))
    if sys.byteorder == "big":
        samples.byteswap()
    with path.open("wb") as opened, wave.open(opened, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def _pcm(audio: bytes) -> array.array[int]:
    samples = array.array("h", to_pcm16(audio))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
