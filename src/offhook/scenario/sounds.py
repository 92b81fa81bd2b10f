"""What a scripted scenario sounds like: the caller's lines and the agent's answers as sound that repeats nowhere.

The judge follows audio by its content, so no stretch may look like another. Nobody could understand it: not speech.
"""

from __future__ import annotations

import functools
import random
from typing import Final

from offhook.wire.ulaw import BYTES_PER_MS, FRAME_MS

SHORTEST_MS: Final = 300
MS_PER_CHARACTER: Final = 20
#: µ-law codes of about an eighth to a half of full scale, both signs: loud, never clipped, never silent.
_LOUD: Final = bytes((*range(0x10, 0x30), *range(0x90, 0xB0)))


@functools.lru_cache(maxsize=512)
def sound(text: str, voice: str = "caller", ms_per_character: float = MS_PER_CHARACTER) -> bytes:
    """Return the sound that stands for a sentence: whole frames, always the same for the same voice and text."""
    frames = max(SHORTEST_MS, int(len(text) * ms_per_character)) // FRAME_MS
    chance = random.Random(f"{voice} {text}")  # noqa: S311  # repeatable, not a secret
    return bytes(chance.choices(_LOUD, k=frames * FRAME_MS * BYTES_PER_MS))


async def say(text: str) -> bytes:
    """Return a caller's line."""
    return sound(text)
