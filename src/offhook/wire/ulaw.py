"""8 kHz µ-law (ITU-T G.711): tables, silence, level, PCM conversion. Pure. Not a resampler and not a codec library.

One byte is one sample; 8 bytes are 1 ms; a frame is 160 bytes, 20 ms. Everything here works on whole buffers
through `bytes.translate` or a table lookup, so that it is cheap enough to stand beside a live call.
"""

from __future__ import annotations

import array
import math
import sys
from functools import cache
from typing import Final

RATE_HZ: Final = 8000
BYTES_PER_MS: Final = 8
FRAME_BYTES: Final = 160
FRAME_MS: Final = 20
#: A positive zero. Never pad with 0x00: that is -32124, a loud click.
SILENCE: Final = 0xFF

_BIAS: Final = 0x84
_CLIP: Final = 32635


def _decode_byte(byte: int) -> int:
    inverted = ~byte & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + _BIAS << ((inverted >> 4) & 7)) - _BIAS
    return -magnitude if inverted & 0x80 else magnitude


def _encode_sample(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), _CLIP) + _BIAS
    exponent = biased.bit_length() - 8
    mantissa = (biased >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


DECODE: Final = tuple(_decode_byte(byte) for byte in range(256))


@cache
def encode_table() -> bytes:
    """Return the 65,536 codes for samples 0…32767, -32768…-1 (indexed by the sample modulo 65,536).

    Built on first use (about 30 ms), so that a server that never encodes never pays for it.
    """
    return bytes(_encode_sample(s) for s in (*range(32768), *range(-32768, 0)))


def silence(ms: int) -> bytes:
    """Return ``ms`` milliseconds of silence."""
    return bytes((SILENCE,)) * (ms * BYTES_PER_MS)


def duration_ms(audio: bytes | bytearray | memoryview) -> float:
    """Return how long ``audio`` plays, in milliseconds."""
    return len(audio) / BYTES_PER_MS


def to_pcm16(audio: bytes | bytearray | memoryview) -> bytes:
    """Decode to 16-bit little-endian PCM, 8 kHz, mono."""
    samples = array.array("h", map(DECODE.__getitem__, audio))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def from_pcm16(pcm: bytes | bytearray | memoryview) -> bytes:
    """Encode 16-bit little-endian mono PCM. A trailing odd byte is dropped."""
    samples = array.array("H", bytes(pcm[: len(pcm) & ~1]))
    if sys.byteorder == "big":
        samples.byteswap()
    table = encode_table()
    return bytes(map(table.__getitem__, samples))


def level_dbfs(audio: bytes | bytearray | memoryview) -> float:
    """Return the RMS level in dB relative to full scale; -96.0 for silence or no audio."""
    if not audio:
        return -96.0
    power = sum(DECODE[byte] ** 2 for byte in audio) / len(audio)
    return -96.0 if power < 1 else max(-96.0, 10 * math.log10(power / 32768**2))
