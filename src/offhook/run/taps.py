"""Taps on the sockets of a call: who may see, beside its leg, every message that passes. Attached only when asked for.

Without taps (`NO_TAPS`) picows gets the legs themselves and nothing stands on the audio path.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from offhook.errors import AgentError
from offhook.run.leg import Leg


class Taps(Protocol):
    """Gives each leg the listener that picows talks to: the leg, or something before it."""

    def caller(self, leg: Leg, path: str) -> WSListener:
        """Take a stream of Twilio's, asked for under ``path``."""
        ...

    def agent(self, call_sid: str, leg: Leg, path: str) -> WSListener:
        """Take a socket to the agent."""
        ...

    def agent_refused(self, call_sid: str, error: AgentError, path: str) -> None:
        """Note that the agent refused."""
        ...

    def webhook(self, path: str, form: str, call_sid: str, asked_ms: float, answer: tuple[int, str]) -> None:
        """Note a webhook that was answered now, with status and text; ``asked_ms`` is on the monotonic clock."""
        ...

    def close(self) -> None:
        """Note that the server has stopped."""
        ...


class NoTaps:
    """Nobody looks."""

    def caller(self, leg: Leg, path: str) -> WSListener:  # noqa: ARG002 - the port's
        """Return the leg itself."""
        return leg

    def agent(self, call_sid: str, leg: Leg, path: str) -> WSListener:  # noqa: ARG002 - the port's
        """Return the leg itself."""
        return leg

    def agent_refused(self, call_sid: str, error: AgentError, path: str) -> None:
        """Note nothing."""

    def webhook(self, path: str, form: str, call_sid: str, asked_ms: float, answer: tuple[int, str]) -> None:
        """Note nothing."""

    def close(self) -> None:
        """Do nothing."""


NO_TAPS: Final[Taps] = NoTaps()


class Told(Protocol):
    """What a tapped socket tells, in order, as it passes. ``ours`` is what we send."""

    def opened(self) -> None:
        """The socket is open."""
        ...

    def message(self, payload: bytes, *, is_text: bool, ours: bool) -> None:
        """One whole message."""
        ...

    def closed(self, code: int | None, *, ours: bool) -> None:
        """The first close frame, or the end without one (``code`` None); once."""
        ...


class Tapped(WSListener):
    """Stands between picows and a leg, and tells what passes. Copies; changes and delays nothing."""

    def __init__(self, leg: Leg, told: Told) -> None:
        self._leg, self._told = leg, told
        self._sending: _Sending | None = None
        self._fragments = bytearray()
        self._is_text = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Tell, and give the leg a transport that tells too."""
        self._told.opened()
        self._sending = _Sending(transport, self._told)
        self._leg.on_ws_connected(self._sending)  # type: ignore[arg-type] # all that a leg uses of a transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Tell a message once it is whole, then let the leg have the frame."""
        kind = frame.msg_type
        if kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            if kind is not WSMsgType.CONTINUATION:
                self._fragments.clear()
                self._is_text = kind is WSMsgType.TEXT
            self._fragments += frame.get_payload_as_memoryview()
            if frame.fin:
                self._told.message(bytes(self._fragments), is_text=self._is_text, ours=False)
        elif kind is WSMsgType.CLOSE:
            self._told.closed(frame.get_close_code().value or None, ours=False)
        self._leg.on_ws_frame(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell the end."""
        self._told.closed(None, ours=False)
        self._leg.on_ws_disconnected(transport)

    def pause_writing(self) -> None:
        """Pass on."""
        self._leg.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._leg.resume_writing()


class _Sending:
    """A transport that tells what is sent through it."""

    def __init__(self, transport: WSTransport, told: Told) -> None:
        self._transport, self._told = transport, told

    def send(self, kind: WSMsgType, payload: bytes) -> None:
        self._told.message(bytes(payload), is_text=kind is WSMsgType.TEXT, ours=True)
        self._transport.send(kind, payload)

    def send_close(self, code: WSCloseCode, *rest: Any) -> None:
        self._told.closed(code.value, ours=True)
        self._transport.send_close(code, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
