"""One call's way out: engine output → faults → declared audio format → outbox. Decides no turn.

The only place that acts on the `Faults` of a call once it is open. Moments (`At`) are counted here, because every
message in either direction passes or is reported here.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from offhook.offline import events
from offhook.offline.chain import Chain
from offhook.offline.clock import SessionClock
from offhook.offline.events import Message
from offhook.offline.faults import (
    Action,
    Die,
    Fail,
    Faults,
    Flood,
    Gap,
    Lose,
    Send,
    Stall,
    StopReading,
    Storm,
    Vanish,
    Warn,
    Wind,
)
from offhook.offline.formats import Format, Outgoing
from offhook.offline.manners import Manners
from offhook.offline.moments import Moments
from offhook.offline.outbox import ClientStuckError, Outbox
from offhook.wire import ulaw

#: How long after `UserStartedSpeaking` the audio of the old turn still arrives, where that is the fault asked for.
LATE_S: Final = 0.01
#: How far into a sentence its gap is, where that is the fault asked for.
GAP_AFTER_MS: Final = 300.0
_NOISE_SEED: Final = 20261122


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ends: a close frame (``code``; 1005: none in it), a plain TCP end, a reset, or not at all."""

    why: str
    how: str = "close"
    code: int = 1005

    @property
    def is_polite(self) -> bool:
        """Whether what waits to be sent still goes out."""
        return self.how == "close" or (self.why == "fault" and self.how != "vanish")


class Line:
    """The `Outlet` of one call. ``end`` ends the connection, ``stop_reading`` leaves the socket to fill up."""

    def __init__(
        self,
        outbox: Outbox,
        faults: Faults,
        manners: Manners,
        end: Callable[[Ending], None],
        stop_reading: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._faults = faults
        self._manners = manners
        self._end = end
        self._stop_reading = stop_reading
        self._outgoing = Outgoing(Format("mulaw", 8000))
        self._frame_scale = 1
        self._is_mute = False
        self._moments = Moments(faults.at, self._do)
        self._random = random.Random(faults.odd_frames)  # noqa: S311  # repeatable on purpose
        self._odd = bytearray()
        self._asked: list[Any] = []
        self._sentence_ms: float | None = None
        self._held: deque[Message | bytes] | None = None
        self._is_plain = not faults.at and not faults.gap_s and faults.odd_frames is None
        self.moment = self._moments.passed
        self.chain = Chain(self, {})
        self.clock = SessionClock()

    def declare(self, declared: Format) -> None:
        """Send agent audio in this format from now on."""
        self._outgoing = Outgoing(declared)
        self._frame_scale = declared.frame_bytes

    def event(self, message: Message) -> None:
        """Send one JSON message, as the faults will have it."""
        if self._held is not None:
            self._held.append(message)
            return
        kind = message["type"]
        self._flush_odd()
        if kind == "FunctionCallRequest":
            message = self._ask(message)
        elif kind == "ConversationText":
            self._begin_sentence(message)
            if not self._manners.behavior:
                message = {name: value for name, value in message.items() if name != "conversational_behavior"}
        if self._faults.unknown:
            if kind != "Welcome":  # which is first whatever else comes
                self._put({"type": "EndOfThought", "nested": {"list": [1, None, {}]}})
            message = {**message, "offhook_unknown": {"a": [1, 2.5, None]}}
        times = 0 if kind in self._faults.omitted else 2 if kind in self._faults.doubled else 1
        for _ in range(times):
            self._put(message)
        self.moment(kind)
        if kind == "UserStartedSpeaking":
            if self._faults.late_audio_ms:
                self._moments.later(LATE_S, lambda: self.audio(_noise(self._faults.late_audio_ms)))
            self._is_mute = self._is_mute or self._faults.deaf

    def audio(self, audio: bytes) -> None:
        """Send one frame of 8 kHz µ-law in the declared format."""
        if self._held is not None:
            self._held.append(audio)
            return
        if self._is_mute:
            return
        converted = self._outgoing.convert(audio)
        if self._is_plain:
            self._put_audio(converted)
            return
        if self._faults.odd_frames is None:
            self._put_audio(converted)
        else:
            self._odd += converted
            while len(self._odd) > 2 * self._frame_scale:
                self._put_odd(self._random.randint(1, 2 * self._frame_scale))
        self._audio_passed(ulaw.duration_ms(audio))

    def drop_audio(self) -> None:
        """Forget agent audio that has not left, and end a gap in it."""
        self._odd.clear()
        self._outbox.drop_audio()
        if self._held is not None:
            self._held = deque(entry for entry in self._held if isinstance(entry, dict))
            self._go_on()

    def fail(self, code: str, description: str) -> None:
        """Send `Error` and end the session, without a close code unless the manners name one."""
        self._go_on()
        self.event(events.error(code, description))
        self._is_mute = True  # nothing follows an Error
        self._end(Ending(code, code=self._manners.error_close))

    def close(self) -> None:
        """Cancel what was to happen later."""
        self._is_mute = True
        self._moments.close()

    def answered(self, call_id: str | None) -> None:
        """Cancel what was just answered, where that is the fault asked for."""
        if self._faults.cancel_answered:
            self._put(
                {"type": "FunctionCallCancelled", "functions": [f for f in self._asked if call_id in {None, f["id"]}]}
            )

    def _begin_sentence(self, message: Message) -> None:
        if message["role"] == "assistant":
            self._sentence_ms = 0.0
            self._outgoing.begin()
            if self._faults.early_done:
                self._put({"type": "AgentAudioDone"})

    def _ask(self, message: Message) -> Message:
        functions = [{**f, "arguments": "{not json"} if self._faults.bad_arguments else f for f in message["functions"]]
        if self._faults.extra_function != "none":
            mine = self._faults.extra_function == "client"
            functions += [{**f, "id": f"{f['id']}_beside", "client_side": mine} for f in functions]
        self._asked.extend({"id": f["id"], "name": f["name"]} for f in functions)
        return {**message, "functions": functions}

    def _audio_passed(self, ms: float) -> None:
        self._moments.audio_passed(ms)
        if self._faults.gap_s and self._sentence_ms is not None:
            self._sentence_ms += ms
            if self._sentence_ms >= GAP_AFTER_MS:
                self._sentence_ms = None
                self._hold(self._faults.gap_s)

    def _hold(self, seconds: float) -> None:
        if self._held is None:
            self._held = deque()
            self._moments.later(seconds, self._go_on)

    def _go_on(self) -> None:
        """Send what a gap held back, up to the next gap."""
        held, self._held = self._held or deque(), None
        while held:
            entry = held.popleft()
            if isinstance(entry, dict):
                self.event(entry)
            else:
                self.audio(entry)

    def inject(self, action: Action) -> None:
        """Let a fault happen now."""
        self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Die(how, code):
                self._end(Ending("fault", how, code))
            case Fail(code, description):
                self.fail(code, description)
            case Warn(code, description):
                self.event(events.warning(code, description))
            case Send(what, binary):
                self._send(bytes.fromhex(binary) if binary else what.encode(), is_text=not binary)
            case Stall():
                self._is_mute = True
            case StopReading():
                self._stop_reading()
            case Vanish():
                self._is_mute = True
                self._end(Ending("fault", "vanish"))
            case Gap(seconds):
                self._hold(seconds)
            case Wind(seconds):
                self.clock.wind(seconds)
            case Lose():
                self.chain.lose(action)
            case Flood(seconds):
                noise = _noise(int(seconds * 1000))
                for start in range(0, len(noise), ulaw.FRAME_BYTES):
                    self.audio(noise[start : start + ulaw.FRAME_BYTES])
            case Storm(count, per_second):
                for n in range(count):
                    self._moments.later(n / per_second, lambda: self.event({"type": "UserStartedSpeaking"}))

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
