"""When a caller's turn begins, pauses and is over: a state machine over windows of speech probability. Pure.

Its only clock is the audio: one window is 32 ms. It is told what the text says (`expect`) and whether the agent
speaks, and knows nothing of either otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from offhook.offline.speech.patience import Patience

WINDOW_S: Final = 0.032


class Sign(Enum):
    """What one window changed."""

    STARTED = auto()  # a turn began
    PAUSED = auto()  # silent for long enough to try a recognition
    RESUMED = auto()  # speech after a pause: the same turn goes on
    OVER = auto()  # silent for long enough; said again by every window until `close`
    FULL = auto()  # the turn has reached its cap while the caller is speaking


@dataclass(frozen=True, slots=True)
class Rules:
    """How turns are told apart; all in seconds of audio except where named otherwise."""

    speech_above: float = 0.5  # probability
    silence_below: float = 0.35  # probability; between the two nothing changes
    onset_windows: int = 2
    barge_in_windows: int = 3  # about 100 ms, so that a click or the agent's echo does not cut the agent
    speculate_s: float = 0.22
    short_s: float = 0.36
    usual_s: float = 0.5
    long_s: float = 1.1
    longest_s: float = 28.0
    never_by_silence: bool = False  # only `force`, or `timeout_s`
    timeout_s: float = 5.0

    def silence_s(self, patience: Patience) -> float:
        """Return the silence that ends a turn."""
        if self.never_by_silence:
            return self.timeout_s
        wanted = {Patience.SHORT: self.short_s, Patience.USUAL: self.usual_s, Patience.LONG: self.long_s}[patience]
        return min(wanted, self.timeout_s)


def rules_from(listen: Mapping[str, Any]) -> Rules:
    """Take what the Settings' listen provider says about ends of turns (Flux: ``eot_threshold``, ``eot_timeout_ms``).

    0.7, the vendor's default, is our usual patience; every 0.1 more waits 30 % longer. 1.0 never ends by silence.
    """
    usual = Rules()
    threshold = _number(listen.get("eot_threshold"))
    timeout_ms = _number(listen.get("eot_timeout_ms"))
    timeout_s = usual.timeout_s if timeout_ms is None else timeout_ms / 1000
    if threshold is None:
        return Rules(timeout_s=timeout_s)
    stretch = math.pow(1.3, (min(max(threshold, 0.5), 1.0) - 0.7) * 10)
    return Rules(
        short_s=max(0.3, usual.short_s * stretch),
        usual_s=usual.usual_s * stretch,
        long_s=usual.long_s * stretch,
        never_by_silence=threshold >= 1.0,
        timeout_s=timeout_s,
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class Endpoint:
    """The turn of one caller."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._evidence = 0
        self._silent = 0
        self._length = 0
        self._wanted_s = rules.silence_s(Patience.USUAL)
        self._has_paused = False
        self.is_open = False
        self.agent_speaks = False

    @property
    def silent_s(self) -> float:
        """How long the caller has been silent."""
        return self._silent * WINDOW_S

    def expect(self, patience: Patience) -> None:
        """Take what the text so far says about whether more will come. Forgotten when speech resumes."""
        self._wanted_s = self._rules.silence_s(patience)

    @property
    def is_due(self) -> bool:
        """Whether the silence is as long as it must be."""
        return self.is_open and self.silent_s >= self._wanted_s

    def close(self) -> None:
        """End the turn."""
        self.is_open = self._has_paused = False
        self._evidence = self._silent = self._length = 0
        self._wanted_s = self._rules.silence_s(Patience.USUAL)

    def window(self, speech: float) -> Sign | None:
        """Take the next window's probability of speech."""
        if speech >= self._rules.speech_above:
            self._evidence += 1
        elif speech < self._rules.silence_below:
            self._evidence = max(0, self._evidence - 1)
        return self._in_turn(speech) if self.is_open else self._before_turn()

    def _before_turn(self) -> Sign | None:
        needed = self._rules.barge_in_windows if self.agent_speaks else self._rules.onset_windows
        if self._evidence < needed:
            return None
        self.is_open, self._silent, self._length, self._evidence = True, 0, needed, 0
        return Sign.STARTED

    def _in_turn(self, speech: float) -> Sign | None:
        self._length += 1
        if speech >= self._rules.speech_above:
            return self._speech_goes_on()
        if speech < self._rules.silence_below:
            self._silent += 1
            self._evidence = 0
        if self._length * WINDOW_S >= self._rules.longest_s:
            return Sign.FULL
        if not self._has_paused and self.silent_s >= self._rules.speculate_s:
            self._has_paused = True
            return Sign.PAUSED
        return Sign.OVER if self.is_due else None

    def _speech_goes_on(self) -> Sign | None:
        if not self._has_paused:
            self._silent = 0
        elif self._evidence >= self._rules.onset_windows:
            self._has_paused, self._silent = False, 0
            self._wanted_s = self._rules.silence_s(Patience.USUAL)
            return Sign.RESUMED
        return Sign.FULL if self._length * WINDOW_S >= self._rules.longest_s else None
