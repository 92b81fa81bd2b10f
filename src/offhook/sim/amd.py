"""Answering machine detection: who answered, from what is heard, with Twilio's parameters. Pure; counts frames.

What Twilio documents are the thresholds. How it tells a beep, and how long a silence ends a message, it does not: here
a beep is 200 ms of one tone, and 800 ms more than the end-of-speech threshold are the end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from offhook.sim.outbound import Detection
from offhook.wire.ulaw import DECODE, FRAME_MS, level_dbfs

AUDIBLE_DBFS: Final = -45.0
BEEP_MS: Final = 200
FAX_MS: Final = 1500
MESSAGE_END_MS: Final = 800
#: Zero crossings of 20 ms: beeps between 400 and 1900 Hz, a fax machine's 2100 Hz.
BEEP_CROSSINGS: Final = range(16, 77)
FAX_CROSSINGS: Final = range(82, 87)


class Detector:
    """Feed it every frame of the one who answered; it says a verdict once."""

    def __init__(self, detection: Detection) -> None:
        self._asked = detection
        self._now_ms = 0.0
        self._first_ms: float | None = None
        self._last_ms = 0.0
        self._tone_ms = 0
        self._crossings = -1
        self._is_machine = False
        self.verdict: str | None = None
        self.took_ms = 0.0

    def feed(self, frame: bytes | None) -> None:
        """Take 20 ms; ``None`` is silence."""
        if self.verdict is not None:
            return
        self._now_ms += FRAME_MS
        if frame is not None and level_dbfs(frame) > AUDIBLE_DBFS:
            self._first_ms = self._now_ms - FRAME_MS if self._first_ms is None else self._first_ms
            self._last_ms = self._now_ms
            self._tone(frame)
        else:
            self._tone_ms, self._crossings = 0, -1
        self.verdict = self._verdict()
        self.took_ms = self._now_ms

    def _tone(self, frame: bytes) -> None:
        """Count how long one tone lasts: as many zero crossings in each frame."""
        signs = [DECODE[byte] >= 0 for byte in frame]
        crossings = sum(a != b for a, b in pairwise(signs))
        same = self._crossings > 0 and abs(crossings - self._crossings) <= 1
        self._tone_ms = self._tone_ms + FRAME_MS if same else FRAME_MS
        self._crossings = crossings

    def _is_tone(self, crossings: range, lasts_ms: int) -> bool:
        return self._crossings in crossings and self._tone_ms >= lasts_ms

    def _verdict(self) -> str | None:
        asked = self._asked
        if self._is_tone(FAX_CROSSINGS, FAX_MS) and not self._is_machine:
            return "fax"
        if self._first_ms is None:
            return "unknown" if self._now_ms >= min(asked.silence_timeout_ms, asked.timeout_ms) else None
        silent_ms = self._now_ms - self._last_ms
        if not self._is_machine:
            spoke_ms = self._last_ms - self._first_ms
            if spoke_ms >= asked.speech_threshold_ms or self._is_tone(BEEP_CROSSINGS, BEEP_MS):
                self._is_machine = True
            elif silent_ms >= asked.speech_end_threshold_ms:
                return "human"
        if self._is_machine:
            return self._message_end(silent_ms)
        return "unknown" if self._now_ms >= asked.timeout_ms else None

    def _message_end(self, silent_ms: float) -> str | None:
        if self._asked.mode == "Enable":
            return "machine_start"
        if self._is_tone(BEEP_CROSSINGS, BEEP_MS):
            return "machine_end_beep"
        if silent_ms >= self._asked.speech_end_threshold_ms + MESSAGE_END_MS:
            return "machine_end_silence"
        return "machine_end_other" if self._now_ms >= self._asked.timeout_ms else None
