"""Twilio's socket: decode, find the call at `start`, hand audio and messages to it. No decisions about the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from picows import WSFrame, WSTransport

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import (
    CallerError,
    CallerGone,
    CallerLost,
    CallerOversize,
    CallerProtocolError,
    OffhookError,
    OurError,
)
from offhook.run.leg import TEXT, Leg, harden, nowhere
from offhook.wire import twilio
from offhook.wire.twilio import Media, decode_documented


class CallerEvents(Protocol):
    """What a caller leg tells its call, once it has one."""

    def caller_media(self, media: twilio.Media) -> None:
        """Caller audio came."""
        ...

    def caller_message(self, message: twilio.Message | twilio.UnknownEvent) -> None:
        """A control message came."""
        ...

    def caller_bad(self) -> None:
        """A malformed message came."""
        ...

    def caller_over(self, leg: CallerLeg, error: CallerError | None) -> None:
        """The socket is gone; ``error`` where that was not a clean close."""
        ...

    def caller_blocked(self, blocked: bool) -> None:
        """Twilio does not read fast enough, or does again."""
        ...


class Reception(Protocol):
    """Finds the call of a stream that has said `start`; refuses by raising. Keeps the ``sockets`` that are open."""

    sockets: set[Leg]

    def answer(self, start: twilio.Start, nonce: str, leg: CallerLeg) -> CallerEvents:
        """Return the call this stream belongs to. Raises `AuthError`, `AdmissionRefused`, `CallerProtocolError`."""
        ...

    def refused(self, error: OffhookError) -> None:
        """Note that a stream was turned away."""
        ...

    def defect(self, start: twilio.Start, error: Exception) -> None:
        """Note a defect of ours that surfaced before the stream had a call."""
        ...


class CallerLeg(Leg):
    """One stream. Without a valid `start` in ``timeouts.start_s`` it is closed (C1); ``nonce`` is from the path."""

    live: int = 0

    def __init__(self, reception: Reception, nonce: str, limits: Limits, timeouts: Timeouts) -> None:
        super().__init__(limits.caller_message_bytes, timeouts.close_s, reception.sockets)
        self._reception, self._nonce = reception, nonce
        self._limits, self._timeouts = limits, timeouts
        self._call: CallerEvents | None = None
        self._start_deadline: asyncio.TimerHandle | None = None
        self._bad = 0
        #: Send one text frame.
        self.send: Callable[[bytes], None] = nowhere

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.send = partial(transport.send, TEXT)  # the hot path: no Python frame of ours in between
        CallerLeg.live += 1
        high = self._limits.unsent_caller_bytes
        harden(transport.underlying_transport, self._limits, self._timeouts, high_bytes=high)
        loop = asyncio.get_running_loop()
        self._start_deadline = loop.call_later(self._timeouts.start_s, self._turn_away, CallerGone(why="no start"))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take audio of a call in one go; everything else the long way."""
        call = self._call
        if call is None or not self._takes_whole or frame.msg_type is not TEXT or not frame.fin:
            super().on_ws_frame(transport, frame)
            return
        try:
            message = decode_documented(frame.get_payload_as_memoryview())
        except Exception:  # noqa: BLE001 - what it is, the long way says
            super().on_ws_frame(transport, frame)
            return
        if type(message) is Media:
            call.caller_media(message)
        else:
            call.caller_message(message)

    def text(self, payload: memoryview | bytearray) -> None:
        call = self._call
        try:
            message = twilio.decode(payload)
        except twilio.Malformed:
            self._malformed()
            return
        if call is None:
            self._before_start(message)
        elif type(message) is twilio.Media:
            call.caller_media(message)
        else:
            call.caller_message(message)

    def binary(self, payload: bytes) -> None:  # noqa: ARG002 - Twilio sends none (C12)
        self.close(1003)

    def over(self) -> None:
        CallerLeg.live -= 1
        if self._call is not None:
            self._call.caller_over(self, self._fault())
        elif self._start_deadline is not None:  # else it was turned away, and that was told
            self._reception.refused(self._fault() or CallerGone(why="closed before start"))
        self._disarm()

    def blocked(self, blocked: bool) -> None:
        if self._call is not None:
            self._call.caller_blocked(blocked)

    def _fault(self) -> CallerError | None:
        if self.fault_code == 1009:
            return CallerOversize()
        if self.fault_code:
            return CallerProtocolError(code=self.fault_code)
        return None if self.closed_by_peer else CallerLost()

    def _before_start(self, message: twilio.Message | twilio.UnknownEvent) -> None:
        if isinstance(message, twilio.Stop):
            self._turn_away(CallerGone(why="stop before start"))
        if not isinstance(message, twilio.Start):
            return  # `connected` is expected; early media is ignored (C2)
        try:
            self._call = self._reception.answer(message, self._nonce, self)
        except OffhookError as error:
            self._turn_away(error)
            return
        except Exception as defect:  # noqa: BLE001 - the boundary of a stream that is no call yet
            self._reception.defect(message, defect)
            self._turn_away(OurError())
            return
        self._disarm()
        self._call.caller_message(message)

    def _malformed(self) -> None:
        if self._call is not None:
            self._call.caller_bad()
            return
        self._bad += 1
        if self._bad >= self._limits.bad_messages:
            self._turn_away(CallerGone(why="garbage before start"))

    def _turn_away(self, error: OffhookError) -> None:
        self._disarm()
        self._reception.refused(error)
        self.close(1008)

    def _disarm(self) -> None:
        if self._start_deadline is not None:
            self._start_deadline.cancel()
            self._start_deadline = None
