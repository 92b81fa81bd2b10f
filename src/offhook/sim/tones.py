"""Tones of a telephone as µ-law. Pure; speech comes from elsewhere."""

from __future__ import annotations

import array
import math
import sys
from functools import cache
from typing import Final

from offhook.wire.ulaw import RATE_HZ, from_pcm16


def tone(hz: float, ms: float, amplitude: int = 8000) -> bytes:
    """Return a sine."""
    count = round(ms * RATE_HZ / 1000)
    samples = array.array("h", (round(amplitude * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(count)))
    if sys.byteorder == "big":
        samples.byteswap()
    return from_pcm16(samples.tobytes())


#: The beep of a voicemail, and of `<Record>`.
BEEP: Final = tone(1000, 500)


@cache
def fax() -> bytes:
    """Return the answer of a fax machine (CED)."""
    return tone(2100, 2600)
