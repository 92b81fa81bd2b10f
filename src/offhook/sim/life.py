"""What a caller does beside the script: loses patience, talks over the agent, plays with the keys. By seed; no audio.

A script says what a caller *wants*; this says what people are like. It never ends a call that the script would not,
except out of impatience.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

#: Nothing here looks at the line more often.
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a caller says without being asked: µ-law audio, and its text for the report."""

    audio: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """A caller's temper. Everything is off by default.

    ``patience_s``: hang up when neither side was heard for this long. ``stays_s``: hang up after this long anyway.
    ``remarks`` are said over the agent, one every so often (``remark_every_s``, from and to); ``keys`` are pressed one
    at a time, at random moments (``key_every_s``).
    """

    patience_s: float | None = None
    stays_s: float | None = None
    remarks: Sequence[Remark] = ()
    remark_every_s: tuple[float, float] = (4.0, 9.0)
    keys: str = ""
    key_every_s: tuple[float, float] = (3.0, 8.0)
    #: What is heard around the caller who says nothing (µ-law), again and again.
    background: bytes = b""
    seed: int = 0

    @property
    def is_eventful(self) -> bool:
        """Whether there is anything to live."""
        return bool(self.patience_s or self.stays_s or self.remarks or self.keys)


class Quiet(Protocol):
    """What a caller notices and can do, beside the script."""

    def now_ms(self) -> float:
        """Return the time of the call."""
        ...

    def last_sound_ms(self) -> float:
        """Return when either side was last heard, or 0."""
        ...

    def agent_speaks(self) -> bool:
        """Say whether the agent is being heard right now."""
        ...

    async def remark(self, remark: Remark) -> None:
        """Say something at once; return when said."""
        ...

    async def press(self, digit: str) -> None:
        """Press one key."""
        ...

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact; ``False`` when the time is up. Raises `LineOver` when the call is over."""
        ...


async def live(life: Life, line: Quiet) -> str:
    """Live beside the script until patience ends. Return what was wrong, in words, or nothing.

    Raises `LineOver`.
    """
    chance = random.Random(f"life {life.seed}")  # noqa: S311 - repeatable, not a secret
    remark_ms = line.now_ms() + 1000 * chance.uniform(*life.remark_every_s)
    key_ms = line.now_ms() + 1000 * chance.uniform(*life.key_every_s)
    keys = life.keys
    while (bored := _bored(life, line)) is None:
        if life.remarks and line.now_ms() >= remark_ms and line.agent_speaks():
            await line.remark(chance.choice(life.remarks))
            remark_ms = line.now_ms() + 1000 * chance.uniform(*life.remark_every_s)
        if keys and line.now_ms() >= key_ms:
            await line.press(keys[0])
            keys = keys[1:]
            key_ms = line.now_ms() + 1000 * chance.uniform(*life.key_every_s)
        await line.wait_until(lambda: False, _LOOK_S)
    return bored


def _bored(life: Life, line: Quiet) -> str | None:
    if life.stays_s is not None and line.now_ms() >= life.stays_s * 1000:
        return ""
    if life.patience_s is not None and line.now_ms() - line.last_sound_ms() >= life.patience_s * 1000:
        return f"bored: nothing was heard for {life.patience_s:g} s"
    return None
