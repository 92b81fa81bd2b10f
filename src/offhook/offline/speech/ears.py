"""The ears of one call: windows of audio → detector → turn → recognition → ear events. Owns no process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from offhook.offline.ports import EarEvent, SpeechMaybeOver, SpeechOver, SpeechStarted
from offhook.offline.speech import orders, sound
from offhook.offline.speech.crew import Crew, Priority, Ticket
from offhook.offline.speech.endpoint import Endpoint, Rules, Sign
from offhook.offline.speech.patience import patience_for
from offhook.offline.speech.vad import WINDOW_SAMPLES, Vad
from offhook.wire import ulaw

#: Audio kept from before the onset: the first consonant is quieter than what the detector calls speech.
_PRE_ROLL_WINDOWS: Final = 10
#: Silence left behind the last word; less clips it, more invites the recogniser to invent another.
_TAIL_S: Final = 0.25
#: A turn longer than this is recognised in parts, cut where the caller paused.
_PART_S: Final = 9.0
#: The words of a turn nobody could recognise. It has been told that it began, and may have cut the agent: somebody
#: waits for an answer, and a bridge for a sign of life.
INAUDIBLE: Final = "..."
#: Audio arrives in real time on a phone line; where it stops in a turn, the missing time is silence.
_GAP_S: Final = 0.25
_TICK_S: Final = 0.1
_MAX_PENDING_BYTES: Final = 8000 * 60


class CallerEars:
    """Hears one caller; see `offhook.offline.ports.Ears`."""

    def __init__(self, on_event: Callable[[EarEvent], None], detector: Vad, crew: Crew, rules: Rules) -> None:
        self._on_event = on_event
        self._detector = detector
        self._crew = crew
        self._loop = asyncio.get_running_loop()
        self._turn = Endpoint(rules)
        self._pending = bytearray()
        self._recent: deque[bytes] = deque(maxlen=_PRE_ROLL_WINDOWS)
        self._audio = bytearray()
        self._parts: list[str] = []
        self._text: str | None = None
        self._ticket: Ticket | None = None
        self._asked_at = self._took_s = 0.0
        self._must_end = self._is_closed = False
        self._heard_at = 0.0
        self._ticker: asyncio.TimerHandle | None = None

    def hear(self, audio: bytes) -> None:
        """Take caller audio: about 0.1 ms of work per 32 ms, the rest happens in a worker."""
        if self._is_closed:
            return
        self._heard_at = self._loop.time()
        self._pending += audio[-_MAX_PENDING_BYTES:]
        while len(self._pending) >= WINDOW_SAMPLES and not self._is_closed:
            window = bytes(self._pending[:WINDOW_SAMPLES])
            del self._pending[:WINDOW_SAMPLES]
            self._hear_window(window)

    def agent_speaks(self, speaking: bool) -> None:
        """Ask for more evidence of speech while the agent is audible."""
        self._turn.agent_speaks = speaking

    def force_end(self) -> None:
        """End an open turn now: with the text of what was heard until now, whatever it suggests."""
        if self._turn.is_open and not self._must_end:
            self._must_end = True
            if self._ticket is not None and self._turn.silent_s < _TAIL_S:
                self._forget_text()  # it is about less than was heard
            self._end_of_silence()

    async def close(self) -> None:
        """Stop; a recognition that is under way is forgotten."""
        self._is_closed = True
        self._forget_text()
        if self._ticker is not None:
            self._ticker.cancel()

    def _hear_window(self, window: bytes) -> None:
        sign = self._turn.window(self._detector(sound.from_ulaw(window)))
        if sign is Sign.STARTED:
            self._start()
        self._recent.append(window)
        if self._turn.is_open:
            self._audio += window
        match sign:
            case Sign.PAUSED:
                self._recognise(Priority.SPECULATIVE)
            case Sign.RESUMED:
                self._resume()
            case Sign.OVER:
                self._end_of_silence()
            case Sign.FULL:
                self.force_end()

    def _start(self) -> None:
        self._audio = bytearray(b"".join(self._recent))
        self._parts.clear()
        self._forget_text()
        self._tick()
        self._on_event(SpeechStarted())

    def _resume(self) -> None:
        if self._must_end:
            return
        if self._text and len(self._audio) > _PART_S * ulaw.RATE_HZ:
            self._parts.append(self._text)
            self._audio = bytearray(b"".join(self._recent))
        self._forget_text()
        self._on_event(SpeechStarted())

    def _forget_text(self) -> None:
        self._text = None
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None

    def _recognise(self, priority: Priority) -> None:
        surplus = int(max(0.0, self._turn.silent_s - _TAIL_S) * ulaw.RATE_HZ)
        audio = bytes(self._audio[: len(self._audio) - surplus])
        self._asked_at = self._loop.time()
        self._ticket = self._crew.submit(orders.Recognise(audio), priority, self._recognised)

    def _recognised(self, result: orders.Result) -> None:
        self._ticket = None
        self._took_s = self._loop.time() - self._asked_at
        text = result.text if isinstance(result, orders.Recognised) else ""
        self._text = " ".join((*self._parts, text)).strip()
        if self._must_end:
            self._finish()
            return
        # The silence that was enough before the words were known may be too short for these words.
        self._turn.expect(patience_for(self._text))
        if self._turn.is_due:
            self._finish()
        elif self._text:
            self._on_event(SpeechMaybeOver(self._text))

    def _end_of_silence(self) -> None:
        """The turn is over as far as the sound goes: say so, or hurry its text."""
        if self._text is not None:
            self._finish()
        elif self._ticket is None:
            self._recognise(Priority.CONFIRMED)
        else:
            self._ticket.confirm()

    def _finish(self) -> None:
        text = self._text or INAUDIBLE
        silent_s = self._silent_for_s()
        self._turn.close()
        self._must_end = False
        self._forget_text()
        self._parts.clear()
        self._audio.clear()
        self._on_event(SpeechOver(text, silent_s, self._took_s))

    def _silent_for_s(self) -> float:
        """Measure on the audio: the detector lets go about 0.1 s after the last audible sample."""
        tail = sound.from_ulaw(self._audio[-int((self._turn.silent_s + 0.5) * ulaw.RATE_HZ) :])
        _, end = sound.audible_span(tail)
        return max(0.0, (len(tail) - end) / ulaw.RATE_HZ if end else self._turn.silent_s)

    def _tick(self) -> None:
        """Stand in for a line that stopped sending in mid-turn."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        if self._is_closed or not self._turn.is_open:
            return
        if self._loop.time() - self._heard_at > _GAP_S:
            missing = ulaw.silence(int(_TICK_S * 1000))
            heard_at = self._heard_at
            self.hear(missing)
            self._heard_at = heard_at
        self._ticker = self._loop.call_later(_TICK_S, self._tick)
