"""Makes the picows protocol of one WebSocket, and makes it deaf once the peer broke the rules. No messages, no call.

picows tells such a fault to nobody but its log; then it sends the close frame and, until it has closed, goes on reading
into a buffer that grows with whatever comes (C11: a frame of 1 GiB). So its log is ours. Nothing stands between picows
and the audio.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from picows import WSAutoPingStrategy, WSError, WSListener, WSUpgradeRequest
from picows.picows import WSProtocol  # type: ignore[attr-defined] # public in the .pyx, absent from its stub

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts

_SERVER_BUFFER: Final = 2048
_CLIENT_BUFFER: Final = 4096
#: Where the bytes of all deaf connections go; nobody reads it.
_NOWHERE: Final = bytearray(65536)


def server_socket(listener: Callable[[WSUpgradeRequest], WSListener], limits: Limits, timeouts: Timeouts) -> WSProtocol:
    """Make the protocol of one connection we accepted; no compression is ever negotiated."""
    log = _Log(timeouts.close_s)
    log.protocol = WSProtocol(
        None,
        None,
        False,
        listener,
        log,
        True,
        timeouts.request_s,
        False,
        timeouts.ping_s,
        timeouts.pong_s,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,
        limits.caller_message_bytes,
        None,
        _SERVER_BUFFER,
    )
    return log.protocol


def client_socket(
    where: tuple[str, str],
    headers: Mapping[str, str],
    listener: Callable[[], WSListener],
    limits: Limits,
    timeouts: Timeouts,
) -> WSProtocol:
    """Make the protocol of one connection to ``where``, host and path; the handshake's deadline and pings are ours."""
    log = _Log(timeouts.close_s)
    log.protocol = WSProtocol(
        *where,
        True,
        listener,
        log,
        True,
        None,
        False,
        timeouts.ping_s,
        timeouts.pong_s,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,
        limits.agent_message_bytes,
        headers or None,
        _CLIENT_BUFFER,
    )
    return log.protocol


class _Log:
    """What picows takes for its log: of one connection, and only good for two words, a peer's fault and our own."""

    __slots__ = ("_close_s", "protocol")

    def __init__(self, close_s: float) -> None:
        self._close_s = close_s
        self.protocol: Any = None

    def isEnabledFor(self, _: int) -> bool:  # noqa: N802 - logging's
        """Nothing is kept."""
        return False

    def log(self, *_: object) -> None:
        """Say nothing: our own events do better."""

    debug = info = log

    def fault(self, *_: object) -> None:
        """Something ends this connection: from now on what comes goes nowhere, and soon it is closed, heard or not.

        What is no fault of the peer is a defect in a listener of ours, and told as one.
        """
        error = sys.exc_info()[1]
        if error is None:
            return
        loop = asyncio.get_running_loop()
        if not isinstance(error, WSError):
            loop.call_exception_handler({"message": "a defect in a socket's callback", "exception": error})
        transport = self.protocol.transport.underlying_transport
        if not isinstance(transport.get_protocol(), _Deaf):
            transport.set_protocol(_Deaf(self.protocol))
            loop.call_later(self._close_s, transport.abort)

    warning = error = exception = fault


class _Deaf(asyncio.BufferedProtocol):
    """Owns a connection that is about to be closed: takes what comes, so that our close is heard; keeps nothing."""

    def __init__(self, before: WSProtocol) -> None:
        self._before = before

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        return _NOWHERE

    def buffer_updated(self, nbytes: int) -> None:
        """Forget it."""

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._before.connection_lost(exc)
        with suppress(Exception):  # picows keeps the fault for who waits; it was told, and nobody need hear it again
            self._before.transport.wait_disconnected().send(None)  # it is over: this waits for nothing


def hand_over(transport: asyncio.Transport, protocol: WSProtocol, received: bytes) -> None:
    """Make ``protocol`` the owner of a connection it has not accepted, on which ``received`` came already."""
    owner = cast("asyncio.BaseProtocol", protocol)  # by behaviour
    transport.set_protocol(owner)
    protocol.connection_made(transport)
    while received and not transport.is_closing() and transport.get_protocol() is owner:
        room = protocol.get_buffer(len(received))
        size = min(len(room), len(received))
        room[:size] = received[:size]
        protocol.buffer_updated(size)
        received = received[size:]
