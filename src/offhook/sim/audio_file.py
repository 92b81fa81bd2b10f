"""Reads an audio file as µ-law 8 kHz: WAV of any usual rate and width, or raw µ-law. Not a general decoder.

Pure Python on purpose: a caller's sentence takes about as long to convert as a breath, and needs nothing installed.
"""

from __future__ import annotations

import array
import math
import operator
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from offhook.wire.ulaw import DECODE, RATE_HZ, from_pcm16

#: Larger files are refused: ten minutes of 48 kHz stereo.
FILE_BYTES: Final = 128 * 1024 * 1024
#: Half the length of the low-pass in output samples: 16 gives a stop band below -60 dB from 4 kHz on.
_HALF: Final = 16
_PASS: Final = 0.93
_PCM, _FLOAT, _ULAW, _EXTENSIBLE = 1, 3, 7, 0xFFFE


class AudioFileError(ValueError):
    """The file is not audio we can read. The text says what is wrong and what would do."""


def read_ulaw(path: Path) -> bytes:
    """Return a file's audio as 8 kHz mono µ-law. Raises `AudioFileError` or `OSError`."""
    if path.stat().st_size > FILE_BYTES:
        raise AudioFileError(f"{path.name} is larger than {FILE_BYTES >> 20} MiB")
    return ulaw_of(path.read_bytes(), path.name)


def ulaw_of(content: bytes, name: str) -> bytes:
    """Return the audio of a file's content; ``name`` says by its ending whether it is raw. Raises `AudioFileError`."""
    if name.lower().endswith((".ulaw", ".mulaw", ".ul", ".pcmu")) and not content.startswith(b"RIFF"):
        return content
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise AudioFileError(f"{name} is neither a WAV file nor raw µ-law (.ulaw)")
    return _wave(content, name)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 12
    while offset + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, offset)
        # A writer that could not seek back leaves 0 or 0xFFFFFFFF: then the rest is the chunk.
        if name == b"data" and size in (0, 0xFFFFFFFF):
            size = len(content) - offset - 8
        yield name, content[offset + 8 : offset + 8 + size]
        offset += 8 + size + (size & 1)


def _wave(content: bytes, name: str) -> bytes:
    chunks = dict(reversed(list(_chunks(content))))
    layout = chunks.get(b"fmt ", b"")
    if len(layout) < 16 or b"data" not in chunks:
        raise AudioFileError(f"{name} has no format or no audio in it")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", layout)
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack_from("<H", layout, 24)[0]
    if not 1 <= channels <= 8 or not 4000 <= rate <= 192_000:
        raise AudioFileError(f"{name}: {channels} channels at {rate} Hz are out of range")
    audio = chunks[b"data"]
    if (kind, channels, rate) == (_ULAW, 1, RATE_HZ):
        return audio
    mono = _mixed(_samples(audio, kind, bits, name), channels)
    return from_pcm16(_pcm16(resample(mono, rate)))


def _samples(audio: bytes, kind: int, bits: int, name: str) -> list[float]:
    """Return samples between -32768 and 32767, channels interleaved."""
    if kind == _ULAW:
        return [float(DECODE[byte]) for byte in audio]
    if kind == _PCM and bits == 8:
        return [(byte - 128) * 256.0 for byte in audio]
    if kind == _PCM and bits == 16:
        return [float(sample) for sample in _array("h", audio, 2)]
    if kind == _PCM and bits == 24:
        wide = bytearray(len(audio) // 3 * 4)
        for place in range(3):
            wide[place + 1 :: 4] = audio[place : len(audio) // 3 * 3 : 3]
        return [sample / 65536 for sample in _array("i", bytes(wide), 4)]
    if kind == _PCM and bits == 32:
        return [sample / 65536 for sample in _array("i", audio, 4)]
    if kind == _FLOAT and bits == 32:
        return [sample * 32767 for sample in _array("f", audio, 4)]
    raise AudioFileError(f"{name}: encoding {kind} with {bits} bits is not supported; save it as 16-bit PCM")


def _array(kind: str, audio: bytes, width: int) -> array.array[float]:
    samples: array.array[float] = array.array(kind, audio[: len(audio) // width * width])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _mixed(samples: list[float], channels: int) -> list[float]:
    if channels == 1:
        return samples
    whole = len(samples) // channels * channels
    sides = [samples[channel:whole:channels] for channel in range(channels)]
    return [sum(values) / channels for values in zip(*sides, strict=True)]


def resample(samples: list[float], rate: int) -> list[float]:
    """Convert to 8 kHz with a windowed-sinc low-pass below 4 kHz (below half the source's rate when it is lower)."""
    if rate == RATE_HZ:
        return samples
    shared = math.gcd(rate, RATE_HZ)
    up, down = RATE_HZ // shared, rate // shared
    half = math.ceil(_HALF * max(1.0, down / up))
    kernels = [_kernel(phase / up, half, min(1.0, up / down) * _PASS) for phase in range(up)]
    padded = [0.0] * half + samples + [0.0] * (half + 1)
    converted = []
    for index in range(len(samples) * up // down):
        whole, phase = divmod(index * down, up)
        window = padded[whole + 1 : whole + 1 + 2 * half]
        converted.append(sum(map(operator.mul, window, kernels[phase])))
    return converted


def _kernel(shift: float, half: int, cutoff: float) -> list[float]:
    """Return 2·half taps around a point ``shift`` samples after the middle; they sum to 1."""
    taps = []
    for place in range(-half + 1, half + 1):
        distance = place - shift
        angle = math.pi * distance * cutoff
        sinc = 1.0 if abs(angle) < 1e-9 else math.sin(angle) / angle
        window = 0.42 + 0.5 * math.cos(math.pi * distance / half) + 0.08 * math.cos(2 * math.pi * distance / half)
        taps.append(sinc * window if abs(distance) < half else 0.0)
    total = sum(taps)
    return [tap / total for tap in taps]


def _pcm16(samples: list[float]) -> bytes:
    clipped = array.array("h", (max(-32768, min(32767, round(sample))) for sample in samples))
    if sys.byteorder == "big":
        clipped.byteswap()
    return clipped.tobytes()
