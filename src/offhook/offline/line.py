"""One call's way out: engine output → faults → declared audio format → outbox. Decides no turn.

The only place that acts on the `Faults` of a call once it is open. Moments (`At`) are counted here, because every
message in either direction passes or is reported here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from offhook.offline import events
from offhook.offline.events import Message
from offhook.offline.faults import Action, At, Die, Fail, Faults, Flood, Send, Stall, StopReading, Storm
from offhook.offline.formats import Format, Outgoing
from offhook.offline.outbox import ClientStuckError, Outbox
from offhook.wire import ulaw

#: How long after `UserStartedSpeaking` the audio of the old turn still arrives, where that is the fault asked for.
LATE_S: Final = 0.01
_NOISE_SEED: Final = 20261122


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ends: a close frame (``code``; 1005: none in it), a plain TCP end, or a reset."""

    why: str
    how: str = "close"
    code: int = 1005

    @property
    def is_polite(self) -> bool:
        """Whether what waits to be sent still goes out."""
        return self.how == "close" or self.why == "fault"


@dataclass(slots=True)
class _Armed:
    at: At
    action: Action
    seen: int = 0
    audio_left: float | None = None
    is_done: bool = False


class Line:
    """The `Outlet` of one call."""

    def __init__(
        self, outbox: Outbox, faults: Faults, end: Callable[[Ending], None], stop_reading: Callable[[], None]
    ) -> None:
        self._outbox = outbox
        self._faults = faults
        self._end = end
        self._stop_reading = stop_reading
        self._outgoing = Outgoing(Format("mulaw", 8000))
        self._frame_scale = 1
        self._is_mute = False
        self._armed = [_Armed(at, action) for at, action in faults.at]
        self._timers: list[asyncio.TimerHandle] = []
        self._random = random.Random(faults.odd_frames)  # noqa: S311  # repeatable on purpose
        self._odd = bytearray()
        self._asked: list[Any] = []

    def declare(self, declared: Format) -> None:
        """Send agent audio in this format from now on."""
        self._outgoing = Outgoing(declared)
        self._frame_scale = declared.frame_bytes

    def event(self, message: Message) -> None:
        """Send one JSON message, as the faults will have it."""
        kind = message["type"]
        self._flush_odd()
        if kind == "FunctionCallRequest":
            message = self._ask(message)
        if self._faults.early_done and kind == "ConversationText" and message["role"] == "assistant":
            self._put({"type": "AgentAudioDone"})
        if self._faults.unknown:
            self._put({"type": "EndOfThought", "nested": {"list": [1, None, {}]}})
            message = {**message, "offhook_unknown": {"a": [1, 2.5, None]}}
        times = 0 if kind in self._faults.omitted else 2 if kind in self._faults.doubled else 1
        for _ in range(times):
            self._put(message)
        self.moment(kind)
        if kind == "UserStartedSpeaking":
            if self._faults.late_audio_ms:
                self._later(LATE_S, lambda: self.audio(_noise(self._faults.late_audio_ms)))
            self._is_mute = self._is_mute or self._faults.deaf

    def audio(self, audio: bytes) -> None:
        """Send one frame of 8 kHz µ-law in the declared format."""
        if self._is_mute:
            return
        converted = self._outgoing.convert(audio)
        if self._faults.odd_frames is None:
            self._put_audio(converted)
        else:
            self._odd += converted
            while len(self._odd) > 2 * self._frame_scale:
                self._put_odd(self._random.randint(1, 2 * self._frame_scale))
        self._audio_passed(ulaw.duration_ms(audio))

    def drop_audio(self) -> None:
        """Forget agent audio that has not left."""
        self._odd.clear()
        self._outbox.drop_audio()

    def fail(self, code: str, description: str) -> None:
        """Send `Error` and end the session without a close code, which is what was seen in the wild."""
        self.event(events.error(code, description))
        self._is_mute = True  # nothing follows an Error
        self._end(Ending(code))

    def close(self) -> None:
        """Cancel what was to happen later."""
        self._is_mute = True
        for timer in self._timers:
            timer.cancel()

    def moment(self, kind: str) -> None:
        """Count a message of type ``kind``, sent or received, and do what was to happen then."""
        for armed in self._armed:
            if armed.at.moment == kind and not armed.is_done:
                armed.seen += 1
                if armed.seen == armed.at.nth:
                    if armed.at.audio_ms:
                        armed.audio_left = armed.at.audio_ms
                    else:
                        self._fire(armed)

    def answered(self, call_id: str | None) -> None:
        """Cancel what was just answered, where that is the fault asked for."""
        if self._faults.cancel_answered:
            self._put(
                {"type": "FunctionCallCancelled", "functions": [f for f in self._asked if call_id in {None, f["id"]}]}
            )

    def _ask(self, message: Message) -> Message:
        functions = [{**f, "arguments": "{not json"} if self._faults.bad_arguments else f for f in message["functions"]]
        self._asked.extend({"id": f["id"], "name": f["name"]} for f in functions)
        return {**message, "functions": functions}

    def _audio_passed(self, ms: float) -> None:
        for armed in self._armed:
            if armed.audio_left is not None and not armed.is_done:
                armed.audio_left -= ms
                if armed.audio_left <= 0:
                    self._fire(armed)

    def _fire(self, armed: _Armed) -> None:
        armed.is_done = True
        if armed.at.delay_s:
            self._later(armed.at.delay_s, lambda: self._do(armed.action))
        else:
            self._do(armed.action)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def _do(self, action: Action) -> None:
        match action:
            case Die(how, code):
                self._end(Ending("fault", how, code))
            case Fail(code, description):
                self.fail(code, description)
            case Send(what):
                self._put_raw(what)
            case Stall():
                self._is_mute = True
            case StopReading():
                self._stop_reading()
            case Flood(seconds):
                noise = _noise(int(seconds * 1000))
                for start in range(0, len(noise), ulaw.FRAME_BYTES):
                    self.audio(noise[start : start + ulaw.FRAME_BYTES])
            case Storm(count, per_second):
                for n in range(count):
                    self._later(n / per_second, lambda: self.event({"type": "UserStartedSpeaking"}))

    def _flush_odd(self) -> None:
        while self._odd:
            self._put_odd(self._random.randint(1, 2 * self._frame_scale))

    def _put_odd(self, size: int) -> None:
        self._put_audio(bytes(self._odd[:size]))
        del self._odd[:size]

    def _put(self, message: Message) -> None:
        if not self._is_mute:
            self._send(msgspec.json.encode(message), is_text=True)

    def _put_audio(self, audio: bytes) -> None:
        if audio and not self._is_mute:
            self._send(audio, is_text=False)

    def _put_raw(self, what: str | bytes) -> None:
        self._send(what.encode() if isinstance(what, str) else what, is_text=isinstance(what, str))

    def _send(self, payload: bytes, *, is_text: bool) -> None:
        try:
            self._outbox.put(payload, is_text=is_text)
        except ClientStuckError:
            self._is_mute = True
            self._end(Ending("client stuck", "reset"))


def _noise(ms: int) -> bytes:
    """Return audible, repeatable noise, so that it can be told from any voice."""
    source = random.Random(_NOISE_SEED)  # noqa: S311  # repeatable on purpose
    return bytes(source.choice((0x10, 0x20, 0x90, 0xA0)) for _ in range(ms * ulaw.BYTES_PER_MS))
