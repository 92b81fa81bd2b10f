"""Ears that need no model: loudness says when somebody speaks, a script says what. Deterministic, byte by byte.

Time is counted in audio received, not on a clock. A 20 ms frame is loud when enough of its samples exceed a level;
counting them is one `bytes.translate`, cheap enough for hundreds of calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from offhook.offline.ports import EarEvent, SpeechMaybeOver, SpeechOver, SpeechStarted
from offhook.wire import ulaw


@dataclass(frozen=True, slots=True)
class Hearing:
    """When an utterance starts and ends, in milliseconds of audio; ``level`` is a sample's magnitude of 32,768.

    ``onset_ms`` of loud frames start it; after ``eager_ms`` of silence it may be over, after ``confirm_ms`` it is.
    """

    onset_ms: int = 60
    eager_ms: int = 300
    confirm_ms: int = 700
    level: int = 600
    loud_share: float = 0.06


class EnergyEars:
    """The scripted mind's `Ears`. ``recognise(n)`` gives the text of the n-th utterance; the first is ``heard``."""

    def __init__(
        self, on_event: Callable[[EarEvent], None], recognise: Callable[[int], str], hearing: Hearing, heard: int = 0
    ) -> None:
        self._on_event = on_event
        self._recognise = recognise
        self._hearing = hearing
        self._quiet = bytes(code for code, sample in enumerate(ulaw.DECODE) if abs(sample) < hearing.level)
        self._enough = max(1, int(hearing.loud_share * ulaw.FRAME_BYTES))
        self._rest = b""
        self._utterances = heard
        self._is_open = False
        self._maybe_over = False
        self._loud_ms = 0
        self._silent_ms = 0

    def hear(self, audio: bytes) -> None:
        """Take caller audio; events follow at once."""
        audio = self._rest + audio
        whole = len(audio) // ulaw.FRAME_BYTES * ulaw.FRAME_BYTES
        self._rest = audio[whole:]
        for start in range(0, whole, ulaw.FRAME_BYTES):
            frame = audio[start : start + ulaw.FRAME_BYTES]
            if len(frame.translate(None, self._quiet)) >= self._enough:
                self._loud()
            else:
                self._silent()

    def agent_speaks(self, speaking: bool) -> None:
        """Ignore it: a script interrupts as easily as it answers."""

    def force_end(self) -> None:
        """End an open utterance now."""
        if self._is_open:
            self._over()

    async def close(self) -> None:
        """Hear nothing more."""
        self._on_event = _nobody

    def _loud(self) -> None:
        self._silent_ms = 0
        self._loud_ms += ulaw.FRAME_MS
        if self._loud_ms >= self._hearing.onset_ms and (not self._is_open or self._maybe_over):
            self._is_open, self._maybe_over = True, False
            self._on_event(SpeechStarted())

    def _silent(self) -> None:
        self._loud_ms = 0
        if not self._is_open:
            return
        self._silent_ms += ulaw.FRAME_MS
        if self._silent_ms >= self._hearing.confirm_ms:
            self._over()
        elif self._silent_ms >= self._hearing.eager_ms and not self._maybe_over:
            self._maybe_over = True
            self._on_event(SpeechMaybeOver(self._recognise(self._utterances)))

    def _over(self) -> None:
        text = self._recognise(self._utterances)
        silent_for_s = self._silent_ms / 1000
        self._utterances += 1
        self._is_open = self._maybe_over = False
        self._silent_ms = self._loud_ms = 0
        self._on_event(SpeechOver(text, silent_for_s))


def _nobody(_: EarEvent) -> None:
    return None
