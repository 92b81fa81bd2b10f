"""What both legs of a call share on the socket: bounds, dead-peer detection, reassembly of fragments. No protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts

_CLOSE_CODES: Final = {code.value: code for code in WSCloseCode}
#: RFC 6455 section 7.4.1: for use inside a program, never in a frame.
_NEVER_SENT: Final = (0, 1005, 1006, 1015)
_LONGEST_MS: Final = 2**31 - 1
#: Enum members cost a lookup of their own; the hot path has these at hand.
TEXT: Final = WSMsgType.TEXT
BINARY: Final = WSMsgType.BINARY


def harden(transport: asyncio.Transport, limits: Limits, timeouts: Timeouts, *, high_bytes: int) -> None:
    """Bound what may be unsent and make a peer that stops acknowledging visible.

    The kernel hides megabytes otherwise, and a cut wire raises no error for minutes (RELIABILITY findings 4 and 5).
    TCP_USER_TIMEOUT exists on Linux only; elsewhere the stuck deadlines alone do the work.
    """
    transport.set_write_buffer_limits(high=high_bytes, low=high_bytes // 4)
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None:
        return
    with contextlib.suppress(OSError):  # a socket that is gone already: that is told by and by
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.socket_buffer_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(timeouts.stuck_s * 1000), _LONGEST_MS))


def nowhere(_: bytes) -> None:
    """Take what is sent to a leg that is not open."""


class Leg(WSListener):
    """A WebSocket of a call: whole messages in, frames out, closed once.

    Subclasses take `text`, `binary`, `ponged`, `over` and `blocked`. ``limit`` bounds a message put together from
    fragments; a single frame is bounded by picows before it is buffered. ``sockets`` holds the legs that are open.
    """

    def __init__(self, limit: int, close_s: float, sockets: set[Leg]) -> None:
        self.transport: WSTransport | None = None
        self.closed_by_peer = False
        self._is_echo = False
        self.close_code = 1006
        self._limit, self._close_s, self._sockets = limit, close_s, sockets
        self._is_closing = False
        self._fragments = bytearray()
        self._fragment_type: WSMsgType | None = None
        self._takes_whole = True  # no message is half received, and no close was said

    # -- for subclasses ------------------------------------------------------------------------------------------

    def text(self, payload: memoryview | bytearray) -> None:
        """Take a text message; the memory is only valid during the call."""

    def binary(self, payload: bytes) -> None:
        """Take a binary message."""

    def ponged(self) -> None:
        """A ping was answered."""

    def over(self) -> None:
        """The socket is gone; called once."""

    def blocked(self, blocked: bool) -> None:
        """What we write piles up beyond its bound, or there is room again."""

    # -- picows --------------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport."""
        self.transport = transport
        self._sockets.add(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Sort frames by type."""
        kind = frame.msg_type
        if self._takes_whole and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
            if kind is TEXT:
                self.text(frame.get_payload_as_memoryview())
                return
            if kind is BINARY:
                self.binary(frame.get_payload_as_bytes())
                return
        self._rare(transport, frame)

    def _rare(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self._peer_closes(transport, frame)
        elif kind is WSMsgType.PONG:
            self.ponged()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(1002)
        elif not self._is_closing:
            self._fragment(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        """Tell the subclass, once."""
        self._sockets.discard(self)
        self.over()

    @property
    def fault_code(self) -> int:
        """The close code we or picows sent because the peer broke the WebSocket protocol, or 0."""
        handshake = self.transport.close_handshake if self.transport is not None else None
        sent = handshake.sent.code.value if handshake is not None and handshake.sent is not None else 0
        return sent if sent in (1002, 1003, 1007, 1009) and not self._is_echo else 0  # an echo of ours accuses nobody

    def pause_writing(self) -> None:
        """More than the bound is unsent."""
        self.blocked(True)

    def resume_writing(self) -> None:
        """There is room again."""
        self.blocked(False)

    # -- for the runner ------------------------------------------------------------------------------------------

    def close(self, code: int) -> None:
        """Send a close frame, once; the socket goes when the other side answers, or after ``close_s`` without.

        Closing the socket right away would answer frames still on their way with a reset, and a reset can overtake
        our last words. Those frames are not looked at any more.
        """
        if self._is_closing or self.transport is None or self.transport.is_disconnected:
            return
        self._is_closing, self._takes_whole = True, False
        self.transport.send_close(_CLOSE_CODES[code])
        asyncio.get_running_loop().call_later(self._close_s, self.abort)

    async def gone(self) -> None:
        """Wait until the socket is gone; at most ``close_s`` where `close` was called."""
        if self.transport is not None:
            with contextlib.suppress(Exception):  # picows tells a fault of the peer here too; `over` knows it
                await self.transport.wait_disconnected()

    def abort(self) -> None:
        """Close at once, unsent bytes and all."""
        if self.transport is not None and not self.transport.is_disconnected:
            self.transport.disconnect(graceful=False)

    def _peer_closes(self, transport: WSTransport, frame: WSFrame) -> None:
        code = frame.get_close_code().value
        if frame.payload_size and code in _NEVER_SENT:
            self.close(1002)
            return
        self.closed_by_peer = True
        self.close_code = code or 1005
        self._is_echo = not transport.is_close_frame_sent
        if self._is_echo:
            transport.send_close(_CLOSE_CODES.get(code or 1000, WSCloseCode.OK))
        transport.disconnect()
        asyncio.get_running_loop().call_later(self._close_s, self.abort)  # a peer that does not read ends here

    def _fragment(self, frame: WSFrame) -> None:
        """Put a message together; only a peer that fragments pays for this."""
        if (frame.msg_type is WSMsgType.CONTINUATION) != (self._fragment_type is not None):
            self.close(1002)
            return
        if self._fragment_type is None:
            self._fragment_type, self._takes_whole = frame.msg_type, False
        self._fragments += frame.get_payload_as_memoryview()
        if len(self._fragments) > self._limit:
            self._fragments.clear()
            self.close(1009)
        elif frame.fin:
            whole, self._fragments = self._fragments, bytearray()
            kind, self._fragment_type, self._takes_whole = self._fragment_type, None, True
            if kind is WSMsgType.TEXT:
                self.text(whole)
            else:
                self.binary(bytes(whole))
