"""Bare TCP for tests: a client that sends any bytes, frames no library would write, a server that answers as told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

import psutil

#: How long a fact may take to come true on a crowded machine. Nobody waits that long unless a test fails.
WAIT_S = 30.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Received(asyncio.StreamReader):
    """What came is read to its end: a reset behind it (the other side was done, and we still spoke) loses nothing."""

    def set_exception(self, exc: Exception) -> None:
        """Take a broken connection for the end."""
        self.feed_eof()


class Line:
    """One TCP connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        loop = asyncio.get_running_loop()
        reader = Received()
        transport, protocol = await loop.create_connection(
            lambda: asyncio.StreamReaderProtocol(reader), "127.0.0.1", port
        )
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def send(self, *pieces: bytes) -> None:
        """Send each piece in a segment of its own, as far as the kernel lets us. Raises `ConnectionError`."""
        for piece in pieces:
            try:
                self.writer.write(piece)
            except RuntimeError:  # uvloop's word for a closed transport
                raise ConnectionResetError from None
            await self.writer.drain()
            await asyncio.sleep(0)

    async def to_the_end(self, within_s: float = WAIT_S) -> bytes:
        """Return everything until the server closes. A reset counts as closed."""
        got = b""
        async with asyncio.timeout(within_s):
            try:
                while piece := await self.reader.read(65536):
                    got += piece
            except ConnectionError:
                return got
        return got

    async def head(self, within_s: float = WAIT_S) -> bytes:
        """Return the head of an answer."""
        async with asyncio.timeout(within_s):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def frame(self, within_s: float = WAIT_S) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame of the server."""
        async with asyncio.timeout(within_s):
            first, second = await self.reader.readexactly(2)
            assert not second & 0x80, "a server must not mask"
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def close_code(self, within_s: float = WAIT_S) -> int:
        """Skip to the close frame and return its code."""
        async with asyncio.timeout(within_s):
            while True:
                opcode, payload = await self.frame(within_s)
                if opcode == CLOSE:
                    return int(struct.unpack("!H", payload[:2])[0]) if payload else 1005


def status(answer: bytes) -> int:
    """Return the status of an HTTP answer, 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def request(method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a plain HTTP request."""
    fields = {"Host": "localhost", **({"Content-Length": str(len(body))} if body else {}), **(headers or {})}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def upgrade(target: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the request of a WebSocket handshake."""
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    return request("GET", target, {**fields, **(headers or {})})


def client_frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return one frame as a client sends it, right or wrong. The mask is zeros: legal, and easy to read."""
    first, size = (0x80 if fin else 0) | rsv << 4 | opcode, len(payload)
    mask, key = (0x80, b"\0\0\0\0") if masked else (0, b"")
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + key + payload


def server_frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return one frame as a server sends it, right or wrong."""
    return client_frame(opcode, payload, fin=fin, rsv=rsv, masked=False)


def switching(head: bytes) -> bytes:
    """Return the 101 answer to a handshake whose head is given."""
    key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(
        hashlib.sha1(key.partition(b":")[2].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    )
    return b"\r\n".join(
        (
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept,
            b"",
            b"",
        )
    )


class RawServer:
    """A server whose behaviour is one coroutine per connection; it counts them and ends them all."""

    def __init__(self, serve: Callable[[Line], Awaitable[None]], **listen: object) -> None:
        self._serve, self._listen = serve, listen
        self.accepted = self.live = 0
        self.port = 0
        self.changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()

    async def __aenter__(self) -> Self:
        where = {} if "sock" in self._listen else {"host": "127.0.0.1", "port": 0}
        self._server = await asyncio.start_server(self._one, **where, **self._listen)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.writer.transport.abort()
        await self.until(lambda: self.live == 0)
        await until(lambda: not open_connections(self.port))  # also those whose TLS handshake came to nothing

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        self._lines.add(line)
        self.accepted += 1
        self.live += 1
        self.changed.set()
        try:
            await self._serve(line)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            self._lines.discard(line)
            self.live -= 1
            writer.transport.abort()
            self.changed.set()

    async def until(self, fact: Callable[[], object], within_s: float = WAIT_S) -> None:
        """Wait for a fact about the connections."""
        async with asyncio.timeout(within_s):
            while not fact():
                self.changed.clear()
                await self.changed.wait()


def open_connections(port: int) -> int:
    """Count this process's sockets towards or from a port, both ends where both are ours."""
    found = psutil.Process().net_connections("tcp")
    return sum(1 for c in found if port in (c.laddr.port, c.raddr.port if c.raddr else 0) and c.status != "LISTEN")


async def until(fact: Callable[[], object], within_s: float = WAIT_S) -> None:
    """Poll a fact that no event tells; fail when it does not come true in time."""
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - what is waited for is no event of ours
            await asyncio.sleep(0.005)
