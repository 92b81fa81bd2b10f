"""One client WebSocket on a real socket, that can also misbehave. Not a general library and not a codec.

It offers no extension and no subprotocol, as Twilio does. Tests make it reset, stop reading, read slowly or vanish.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

from offhook.sim.complaints import LineFault
from offhook.sim.frames import CLOSE, PING, PONG, FrameFault, FrameReader, Message, frame
from offhook.sim.handshake import check_upgrade, upgrade_request

#: The response head of an upgrade may be this long.
HEAD_BYTES: Final = 16 * 1024
CONNECT_S: Final = 10.0
HANDSHAKE_S: Final = 10.0
CLOSE_S: Final = 2.0
#: The system takes about this much that the server has not read: by itself it would take minutes of a call's audio.
SENDS_BYTES: Final = 16 * 1024
#: A writer waits this long for a server that does not read.
ROOM_S: Final = 5.0
#: It waits when this much is unsent.
ROOM_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a socket ended: the peer's close code (1005 without one), or how it broke."""

    how: str  # "closed", "reset", "eof", "broken", "ours"
    code: int | None = None
    text: str = ""


class Socket(asyncio.BufferedProtocol):
    """One client WebSocket. ``on_message`` and ``on_ended`` are called on the loop; `ended` tells the outcome.

    Pings are answered by themselves. Writing never waits; watch `unsent_bytes`.
    """

    def __init__(self, on_message: Callable[[Message], None], on_ended: Callable[[Ended], None]) -> None:
        self._on_message = on_message
        self._on_ended = on_ended
        self._reader = FrameReader()
        self._head = bytearray()
        self._key = base64.b64encode(os.urandom(16)).decode()
        self._loop = asyncio.get_running_loop()
        self._upgraded: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._view = memoryview(bytearray(64 * 1024))
        self._bytes_per_s: float | None = None
        self._resume: asyncio.TimerHandle | None = None
        self._close_sent = False
        self._deaf = False
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.ended: Ended | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        headers: Mapping[str, str],
        on_message: Callable[[Message], None],
        on_ended: Callable[[Ended], None],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> Socket:
        """Connect and upgrade. Raises `LineFault` with Twilio's code: 31901, 31902, 31904, 31910, 31920, 31923."""
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if parts.scheme not in ("ws", "wss") or not host:
            raise LineFault(31923, "not a ws:// or wss:// URL")
        secure = (tls or ssl.create_default_context()) if parts.scheme == "wss" else None
        line = cls(on_message, on_ended)
        try:
            await line._connect(host, port or (443 if secure else 80), secure)
            await line._upgrade(upgrade_request(url, line._key, headers))
        except BaseException:
            line._upgraded.cancel()
            await line.abort()
            raise
        return line

    async def _connect(self, host: str, port: int, secure: ssl.SSLContext | None) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._loop.create_connection(lambda: self, host, port, ssl=secure)
        except TimeoutError:
            raise LineFault(31901, f"no connection within {CONNECT_S:g} s") from None
        except ConnectionRefusedError:
            raise LineFault(31902, "nothing listens there") from None
        except ssl.SSLCertVerificationError as error:
            raise LineFault(31910, f"the certificate is not taken ({error.verify_message})") from None
        except ssl.SSLError as error:
            raise LineFault(31910, f"TLS failed ({error.reason or 'no reason given'})") from None
        except ConnectionResetError:
            raise LineFault(31910 if secure else 31903, "the connection was reset at once") from None
        except socket.gaierror:
            raise LineFault(31904, "the host name is unknown") from None
        except OSError as error:
            raise LineFault(31904, f"the host cannot be reached ({error.strerror or type(error).__name__})") from None

    async def _upgrade(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._upgraded
        except TimeoutError:
            raise LineFault(31920, f"no answer to the upgrade within {HANDSHAKE_S:g} s") from None

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def is_open(self) -> bool:
        """Whether messages may still be sent."""
        return self.ended is None and not self._close_sent

    async def room(self) -> None:
        """Wait until the server has taken enough of what was sent. Raises `TimeoutError` after `ROOM_S`."""
        async with asyncio.timeout(ROOM_S):
            await self._has_room.wait()

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one frame; nothing happens once the socket has ended or vanished."""
        self.send_raw(frame(opcode, payload))

    def send_raw(self, wire_bytes: bytes) -> None:
        """Send bytes as they are, well-formed or not."""
        if self._transport is not None and self.ended is None and not self._deaf:
            self._transport.write(wire_bytes)

    def pause_reading(self) -> None:
        """Stop taking bytes, so that the server's buffers fill."""
        if self._resume is not None:
            self._resume.cancel()
        if self._transport is not None and self.ended is None:
            self._transport.pause_reading()

    def read_slowly(self, bytes_per_s: float) -> None:
        """Take at most ``bytes_per_s`` from now on, ten portions a second."""
        self._bytes_per_s = bytes_per_s
        self._view = memoryview(bytearray(max(1, int(bytes_per_s / 10))))
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def resume_reading(self) -> None:
        """Read at full speed again."""
        if self._resume is not None:
            self._resume.cancel()
        self._bytes_per_s = None
        self._view = memoryview(bytearray(64 * 1024))
        if self._transport is not None and self.ended is None:
            self._transport.resume_reading()

    def vanish(self) -> None:
        """Neither read nor write any more, and do not close: as near to a lost network as loopback allows."""
        self.pause_reading()
        self._deaf = True

    async def close(self, code: int = 1000) -> None:
        """Say goodbye, wait `CLOSE_S` for the peer's, then be gone. Safe to repeat."""
        if self.ended is None and not self._close_sent and not self._deaf:
            self.send(CLOSE, struct.pack("!H", code))
            self._close_sent = True
            try:
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.shield(self._lost)
            except TimeoutError:
                pass
        await self.abort()

    async def abort(self, *, reset: bool = False) -> None:
        """End at once without a closing handshake; with ``reset`` the peer gets a TCP RST."""
        if self._resume is not None:
            self._resume.cancel()
        if self._transport is None:
            return
        if reset and (raw := self._transport.get_extra_info("socket")) is not None:
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if self.ended is None:
            self._end(Ended("ours"))
        self._transport.abort()
        await self._lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports share asyncio.Transport's shape, not always its class.
        writable = cast("asyncio.Transport", transport)
        if (raw := writable.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDS_BYTES)
        writable.set_write_buffer_limits(high=ROOM_BYTES)
        self._transport = writable

    def pause_writing(self) -> None:
        self._has_room.clear()

    def resume_writing(self) -> None:
        self._has_room.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        chunk = bytes(self._view[:nbytes])
        if self._bytes_per_s is not None and self._transport is not None and self.ended is None:
            self._transport.pause_reading()
            self._resume = self._loop.call_later(nbytes / self._bytes_per_s, self._transport.resume_reading)
        if not self._upgraded.done():
            self._read_head(chunk)
        elif not self._upgraded.cancelled() and self._upgraded.exception() is None:
            self._frames(chunk)

    def _read_head(self, chunk: bytes) -> None:
        self._head += chunk
        head, found, rest = bytes(self._head).partition(b"\r\n\r\n")
        if not found:
            if len(self._head) > HEAD_BYTES:
                self._upgraded.set_exception(LineFault(31920, "the answer to the upgrade is too long"))
            return
        try:
            check_upgrade(head, self._key)
        except LineFault as fault:
            self._upgraded.set_exception(fault)
            return
        self._upgraded.set_result(None)
        if rest:
            self._frames(rest)

    def _frames(self, chunk: bytes) -> None:
        if self.ended is not None:
            return
        try:
            for message in self._reader.feed(chunk):
                self._take(message)
        except FrameFault as fault:
            self._end(Ended("broken", text=str(fault)))
            assert self._transport is not None
            self._transport.abort()

    def _take(self, message: Message) -> None:
        if self.ended is not None or self._deaf:
            return
        if message.opcode == PING:
            self.send(PONG, message.payload)
        elif message.opcode == CLOSE:
            if not self._close_sent:
                self.send(CLOSE, message.payload[:2])
                self._close_sent = True
            code = int.from_bytes(message.payload[:2], "big") if len(message.payload) >= 2 else 1005
            self._end(Ended("closed", code))
            assert self._transport is not None
            self._transport.close()
        elif message.opcode != PONG:
            self._on_message(message)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._upgraded.done():
            self._upgraded.set_exception(LineFault(31920, "the server closed the connection instead of answering"))
        self._has_room.set()
        if self.ended is None:
            self._end(Ended("reset" if exc is not None else "eof"))
        if not self._lost.done():
            self._lost.set_result(None)

    def _end(self, ended: Ended) -> None:
        self.ended = ended
        if self._upgraded.done() and not self._upgraded.cancelled() and self._upgraded.exception() is None:
            self._on_ended(ended)
