"""Arrays of sound: µ-law ↔ float, resampling, level, trimming. numpy only. Not a codec library and no models.

Float sound is mono float32 in [-1, 1]. The names carry no rate: callers know it (8 kHz at the seams, 16 kHz for
recognition, 24 kHz from synthesis).
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from offhook.wire import ulaw

Sound = NDArray[np.float32]

_DECODE: Final = np.array(ulaw.DECODE, np.float32) / 32768.0
#: Half-length of the decimation filter in output samples: 16 gives 60 dB at 4.4 kHz for 1 ms of delay.
_HALF_TAPS: Final = 16


def from_ulaw(audio: bytes | bytearray | memoryview) -> Sound:
    """Decode µ-law."""
    return _DECODE[np.frombuffer(audio, np.uint8)]


@functools.cache
def _encode_table() -> NDArray[np.uint8]:
    return np.frombuffer(ulaw.encode_table(), np.uint8)


def to_ulaw(sound: Sound) -> bytes:
    """Encode as µ-law; what is over full scale is clipped."""
    pcm = np.clip(np.rint(sound * 32768.0), -32768, 32767).astype(np.int16)
    coded: NDArray[np.uint8] = _encode_table()[pcm.view(np.uint16)]
    return coded.tobytes()


def resampled(sound: Sound, length: int) -> Sound:
    """Stretch ``sound`` to ``length`` samples by cutting or padding its spectrum. For whole utterances only."""
    if not len(sound) or not length:
        return np.zeros(length, np.float32)
    spectrum = np.fft.rfft(sound)
    bins = length // 2 + 1
    spectrum = spectrum[:bins] if len(spectrum) >= bins else np.pad(spectrum, (0, bins - len(spectrum)))
    return np.asarray(np.fft.irfft(spectrum, length) * (length / len(sound)), np.float32)


class Decimator:
    """Anti-aliased 24 → 8 kHz with a state, so that pieces of one sentence join without a click."""

    FACTOR: Final = 3

    def __init__(self) -> None:
        reach = _HALF_TAPS * self.FACTOR
        position = np.arange(-reach, reach + 1)
        # 3.6 kHz of 24: the telephone band ends at 3.4 kHz and µ-law must see nothing above 4.
        cutoff = 2 * 3600 / 24000
        self._taps = (np.sinc(position * cutoff) * cutoff * np.kaiser(len(position), 7.0)).astype(np.float32)
        self._taps /= self._taps.sum()
        self._held = np.zeros(len(self._taps) - 1, np.float32)
        self._phase = 0

    def __call__(self, sound: Sound) -> Sound:
        """Take 24 kHz, return what is ready at 8 kHz (1 ms less than was taken, over the whole life)."""
        joined = np.concatenate((self._held, sound))
        filtered = np.convolve(joined, self._taps, "valid")
        self._held = joined[len(joined) - len(self._held) :]
        ready = filtered[self._phase :: self.FACTOR]
        self._phase = (self._phase - len(filtered)) % self.FACTOR
        return np.asarray(ready, np.float32)


def limited(sound: Sound, gain_db: float) -> Sound:
    """Amplify, and bend what comes near full scale instead of clipping it (linear to 0.6, never above 0.98)."""
    louder = sound * np.float32(10 ** (gain_db / 20))
    knee, ceiling = 0.6, 0.98
    over = np.abs(louder) - knee
    bent = np.sign(louder) * (knee + (ceiling - knee) * np.tanh(over / (ceiling - knee)))
    return np.where(over > 0, bent, louder).astype(np.float32)


def audible_span(sound: Sound, floor_db: float = -50.0, grain: int = 40) -> tuple[int, int]:
    """Return start and end of what can be heard: grains whose RMS is over ``floor_db`` full scale. (0, 0): nothing."""
    whole = len(sound) // grain * grain
    if not whole:
        return 0, 0
    power = np.mean(np.square(sound[:whole].reshape(-1, grain)), axis=1)
    loud = np.flatnonzero(power > 10 ** (floor_db / 10))
    return (int(loud[0]) * grain, int(loud[-1] + 1) * grain) if len(loud) else (0, 0)


def tonality(sound: Sound, peaks: int = 2) -> float:
    """Return the share of energy in the ``peaks`` strongest spectral lines: near 1 for dial tones, low for speech."""
    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))))
    total = float(power.sum())
    if total <= 0:
        return 0.0
    found = 0.0
    for _ in range(peaks):
        top = int(power.argmax())
        low, high = max(0, top - 2), top + 3
        found += float(power[low:high].sum())
        power[low:high] = 0
    return found / total
