"""What a server says on one stream: read strictly, kept, played. Not a socket, and sends nothing itself but marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from offhook.sim import messages
from offhook.sim.behaviour import Behaviour
from offhook.sim.complaints import HEADER_AUDIO
from offhook.sim.events import ClearReceived, MarkReturned, OnEvent
from offhook.sim.frames import BINARY, Message
from offhook.sim.messages import InvalidMessage, ServerClear, ServerMark, ServerMedia, ServerMessage
from offhook.sim.playback import Listener, Playback, PlayedMark
from offhook.sim.player import Player
from offhook.sim.wheel import wheel_of
from offhook.wire.ulaw import BYTES_PER_MS

#: Entries of ``received`` that are kept; a ten-minute call of one message per frame fits.
RECEIVED_KEPT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the server; ``message`` is ``None`` where it was invalid."""

    at_ms: float
    message: ServerMessage | None
    text: str = ""


class Inbox:
    """The receiving half of one stream. ``is_listening_only``: a stream of `<Start>`; a server says nothing on it."""

    def __init__(
        self,
        behaviour: Behaviour,
        now_ms: Callable[[], float],
        complain: Callable[[int, str], None],
        send_mark: Callable[[str], None],
        on_event: OnEvent,
        on_heard: Listener | None,
        on_change: Callable[[], None],
    ) -> None:
        self.received: list[Received] = []
        self.playback = Playback(speed=behaviour.playback_speed, on_heard=on_heard)
        self.player = Player(self.playback, now_ms, self._return_marks, on_change)
        self.stream_sid = ""
        self.is_started = False
        self.is_listening_only = False
        self._behaviour = behaviour
        self._now_ms = now_ms
        self._complain = complain
        self._send_mark = send_mark
        self._on_event = on_event
        self._on_change = on_change

    @property
    def heard(self) -> bytes:
        """What the caller has heard up to now, without the silence in between."""
        self.player.play()
        return self.playback.heard

    def take(self, frame: Message) -> None:
        """Take one message of the server."""
        now = self._now_ms()
        if frame.opcode == BINARY:
            self._keep(Received(now, None))
            self._complain(31950, "all messages are text frames")
            return
        text = ""
        try:
            text = frame.payload.decode()
            message = self._read(text)
        except (InvalidMessage, UnicodeDecodeError) as broken:
            self._keep(Received(now, None, text))
            self._complain(31951, str(broken) if isinstance(broken, InvalidMessage) else "not UTF-8")
            return
        self._keep(Received(now, message))
        if self.is_listening_only:
            self._complain(31924, "nothing may be sent on a stream of <Start>")
        else:
            self._apply(message, now)

    def _read(self, text: str) -> ServerMessage:
        if not self.is_started:
            raise InvalidMessage("a message before `start`")
        return messages.read_server_message(text, self.stream_sid)

    def _keep(self, entry: Received) -> None:
        if len(self.received) < RECEIVED_KEPT:
            self.received.append(entry)
        self._on_change()

    def _apply(self, message: ServerMessage, now: float) -> None:
        match message:
            case ServerMedia(audio):
                if audio.startswith((b"RIFF", b".snd")):
                    self._complain(HEADER_AUDIO, "`media.payload` is a WAV or AU file; send bare µ-law")
                if self.player.audio(audio):
                    self._complain(31931, "more than ten minutes wait to be played")
            case ServerMark(name):
                self.player.mark(name)
            case ServerClear():
                cleared = self.player.clear()
                self._on_event(ClearReceived(now, cleared.discarded_bytes / BYTES_PER_MS, len(cleared.marks)))
                self._return_marks([PlayedMark(name, now) for name in cleared.marks], True)

    def _return_marks(self, marks: Sequence[PlayedMark], cleared: bool) -> None:
        if self._behaviour.marks == "never":
            return
        for played in marks:
            for _ in range(2 if self._behaviour.marks == "twice" else 1):
                self._echo(played.name)
            self._on_event(MarkReturned(played.at_ms, played.name, cleared))

    def _echo(self, name: str) -> None:
        if self._behaviour.mark_delay_ms:
            wheel_of().after_ms(self._behaviour.mark_delay_ms, lambda: self._send_mark(name))
        else:
            self._send_mark(name)
