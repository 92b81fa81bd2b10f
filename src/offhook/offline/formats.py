"""Audio formats of one call: what the client declared, turned into 8 kHz µ-law and back. No sockets, no protocol.

The minds hear and speak 8 kHz µ-law only. Linear PCM at a multiple of 8 kHz is band-limited by a windowed-sinc
low-pass (3.5 kHz) on the way; with numpy it is a convolution, without it the same sums in plain Python.
"""

from __future__ import annotations

import array
import functools
import importlib
import math
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any, Final

from offhook.wire import ulaw


@functools.cache
def _numpy() -> Any:
    """Return numpy, or None: the `offline` extra brings it, the scripted mind works without."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


_LINEAR: Final = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
INPUT_RATES: Final = {
    "mulaw": (8000, 16000),
    "alaw": (8000, 16000),
    "linear16": _LINEAR,
    "linear32": _LINEAR,
}
#: Voice Agent reference, "Output audio": what Aura (v1) voices and what Flux (v2) voices can be asked for.
AURA_RATES: Final = {"mulaw": (8000, 16000), "alaw": (8000, 16000), "linear16": (8000, 16000, 24000, 32000, 48000)}
FLUX_RATES: Final = {**AURA_RATES, "linear16": (8000, 16000, 24000, 32000, 44100, 48000)}
DEFAULT_OUTPUT_RATE: Final = {"mulaw": 8000, "alaw": 8000, "linear16": 24000}
#: The multiple of 8 kHz by which a rate that is none is reached.
_NEAR: Final = {22050: 24000, 44100: 48000}
_CUT_HZ: Final = 3500.0
_TAPS_PER_PHASE: Final = 24


@dataclass(frozen=True, slots=True)
class Format:
    """An encoding, its rate in Hz, and the container: ``none``, or ``wav`` with a header before every sentence."""

    encoding: str = "linear16"
    sample_rate: int = 24000
    container: str = "none"

    @property
    def frame_bytes(self) -> int:
        """Bytes of 20 ms."""
        return self.sample_rate // 50 * self.sample_bytes

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return {"linear16": 2, "linear32": 4}.get(self.encoding, 1)


def low_pass(factor: int) -> list[float]:
    """Return the taps of a linear-phase low-pass at 3.5 kHz for a rate of ``factor`` × 8 kHz; their sum is 1."""
    count = _TAPS_PER_PHASE * factor
    cut = _CUT_HZ / (8000 * factor)
    middle = (count - 1) / 2
    taps = []
    for n in range(count):
        x = n - middle
        sinc = 2 * cut if x == 0 else math.sin(2 * math.pi * cut * x) / (math.pi * x)
        taps.append(
            sinc
            * (0.42 - 0.5 * math.cos(2 * math.pi * n / (count - 1)) + 0.08 * math.cos(4 * math.pi * n / (count - 1)))
        )
    total = sum(taps)
    return [tap / total for tap in taps]


def _samples(pcm: bytes) -> array.array[int]:
    samples = array.array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _pcm(samples: Sequence[float]) -> bytes:
    whole = array.array("h", [max(-32768, min(32767, round(sample))) for sample in samples])
    if sys.byteorder == "big":
        whole.byteswap()
    return whole.tobytes()


class Decimator:
    """Linear PCM at ``factor`` × 8 kHz → linear PCM at 8 kHz, with memory between buffers."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._taps = low_pass(factor)
        self._past = array.array("h", [0]) * (len(self._taps) - 1)

    def convert(self, pcm: bytes) -> bytes:
        line = self._past + _samples(pcm)
        count = (len(line) - len(self._taps)) // self._factor + 1
        self._past = line[max(count, 0) * self._factor :]
        if count <= 0:
            return b""
        if (np := _numpy()) is not None:
            return self._with_numpy(np, line, count)
        taps, width = self._taps, len(self._taps)
        starts = range(0, count * self._factor, self._factor)
        return _pcm([sum(map(mul, taps, line[start : start + width])) for start in starts])

    def _with_numpy(self, np: Any, line: array.array[int], count: int) -> bytes:
        windows = np.lib.stride_tricks.sliding_window_view(np.asarray(line, dtype=np.float64), len(self._taps))
        mixed = windows[: count * self._factor : self._factor] @ np.asarray(self._taps)
        return bytes(np.clip(np.rint(mixed), -32768, 32767).astype("<i2").tobytes())


class Interpolator:
    """Linear PCM at 8 kHz → linear PCM at ``factor`` × 8 kHz, with memory between buffers."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        taps = low_pass(factor)
        # Phase k of the filter, reversed so that it lines up with samples in time order; ×factor keeps the level.
        self._phases = [[tap * factor for tap in taps[k::factor]][::-1] for k in range(factor)]
        self._past = array.array("h", [0]) * (_TAPS_PER_PHASE - 1)

    def convert(self, pcm: bytes) -> bytes:
        line = self._past + _samples(pcm)
        count = len(line) - _TAPS_PER_PHASE + 1
        self._past = line[count:]
        if (np := _numpy()) is not None:
            return self._with_numpy(np, line)
        wide: list[float] = []
        for start in range(count):
            window = line[start : start + _TAPS_PER_PHASE]
            wide.extend(sum(map(mul, phase, window)) for phase in self._phases)
        return _pcm(wide)

    def _with_numpy(self, np: Any, line: array.array[int]) -> bytes:
        windows = np.lib.stride_tricks.sliding_window_view(np.asarray(line, dtype=np.float64), _TAPS_PER_PHASE)
        mixed = windows @ np.asarray(self._phases).T
        return bytes(np.clip(np.rint(mixed.ravel()), -32768, 32767).astype("<i2").tobytes())


def _alaw_byte(sample: int) -> int:
    """Encode one 16-bit sample as A-law (ITU-T G.711: 13 bits, even bits inverted)."""
    sign, magnitude = (0x80, sample >> 3) if sample >= 0 else (0, (-sample - 1) >> 3)
    magnitude = min(magnitude, 0xFFF)
    exponent = max(0, magnitude.bit_length() - 5)
    mantissa = (magnitude >> max(1, exponent)) & 0x0F
    return (sign | exponent << 4 | mantissa) ^ 0x55


def _alaw_sample(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


_ULAW_TO_ALAW: Final = bytes(_alaw_byte(sample) for sample in ulaw.DECODE)


@functools.cache
def _alaw_to_ulaw() -> bytes:
    table = ulaw.encode_table()
    return bytes(table[_alaw_sample(code) & 0xFFFF] for code in range(256))


class Bender:
    """Linear PCM at one rate → linear PCM at another near it, sample between samples; with memory between buffers."""

    def __init__(self, given: int, wanted: int) -> None:
        self._step = given / wanted
        self._at = 0.0
        self._past = array.array("h", [0])

    def convert(self, pcm: bytes) -> bytes:
        line = self._past + _samples(pcm)
        bent = array.array("h")
        at, last = self._at, len(line) - 1
        while at < last:
            whole = int(at)
            bent.append(round(line[whole] + (line[whole + 1] - line[whole]) * (at - whole)))
            at += self._step
        self._at, self._past = at - last, line[last:]
        return _pcm(bent)


class Incoming:
    """Caller audio in the declared format → 8 kHz µ-law."""

    def __init__(self, declared: Format) -> None:
        self._format = declared
        near = _NEAR.get(declared.sample_rate, declared.sample_rate)
        self._bender = Bender(declared.sample_rate, near) if near != declared.sample_rate else None
        self._decimator = Decimator(near // 8000) if near > 8000 else None
        self._odd = b""

    def convert(self, audio: bytes) -> bytes:
        encoding = self._format.encoding
        if self._decimator is None and encoding == "mulaw":
            return audio
        if self._decimator is None and encoding == "alaw":
            return audio.translate(_alaw_to_ulaw())
        pcm = self._pcm(audio)
        if self._bender is not None:
            pcm = self._bender.convert(pcm)
        return ulaw.from_pcm16(self._decimator.convert(pcm) if self._decimator else pcm)

    def _pcm(self, audio: bytes) -> bytes:
        match self._format.encoding:
            case "mulaw":
                return ulaw.to_pcm16(audio)
            case "alaw":
                return ulaw.to_pcm16(audio.translate(_alaw_to_ulaw()))
        width = self._format.sample_bytes
        audio = self._odd + audio
        whole = len(audio) - len(audio) % width
        audio, self._odd = audio[:whole], audio[whole:]
        if width == 4:  # the upper half of each little-endian sample
            return b"".join(audio[n + 2 : n + 4] for n in range(0, whole, 4))
        return audio


class Outgoing:
    """8 kHz µ-law → agent audio in the declared format."""

    def __init__(self, declared: Format) -> None:
        self._format = declared
        near = _NEAR.get(declared.sample_rate, declared.sample_rate)
        self._interpolator = Interpolator(near // 8000) if near > 8000 else None
        self._bender = Bender(near, declared.sample_rate) if near != declared.sample_rate else None
        self._header = b""

    def begin(self) -> None:
        """Begin a sentence: in a WAV container its audio has a header of its own, on a telephone a click."""
        if self._format.container == "wav":
            self._header = wav_header(self._format)

    def convert(self, audio: bytes) -> bytes:
        if not audio:
            return b""
        header, self._header = self._header, b""
        converted = self._convert(audio)
        return header + converted if header else converted

    def _convert(self, audio: bytes) -> bytes:
        encoding = self._format.encoding
        if self._interpolator is None and encoding == "mulaw":
            return audio
        if self._interpolator is None and encoding == "alaw":
            return audio.translate(_ULAW_TO_ALAW)
        pcm = ulaw.to_pcm16(audio)
        pcm = self._interpolator.convert(pcm) if self._interpolator else pcm
        if self._bender is not None:
            pcm = self._bender.convert(pcm)
        if encoding == "linear16":
            return pcm
        coded = ulaw.from_pcm16(pcm)
        return coded.translate(_ULAW_TO_ALAW) if encoding == "alaw" else coded


def wav_header(audio: Format) -> bytes:
    """Return the RIFF header of a stream whose length is not known yet (RFC 2361 numbers of the encodings)."""
    code = {"linear16": 1, "alaw": 6, "mulaw": 7}[audio.encoding]
    width = audio.sample_bytes
    shape = struct.pack("<HHIIHH", code, 1, audio.sample_rate, audio.sample_rate * width, width, width * 8)
    unknown = b"\xff\xff\xff\xff"
    return b"RIFF" + unknown + b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + unknown


def describe(rates: dict[str, tuple[int, ...]]) -> str:
    """Return a sentence part that lists what is spoken here, for an `Error`."""
    return ", ".join(f"{name} at {'/'.join(map(str, hertz))}" for name, hertz in rates.items())


def is_spoken(rates: dict[str, tuple[int, ...]], encoding: Any, sample_rate: Any) -> bool:
    """Return whether this server takes the pair."""
    return sample_rate in rates.get(encoding, ())
