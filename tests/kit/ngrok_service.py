"""A stand-in of ngrok's own service, as far as a client sees it: it lets ngrok's real library open a tunnel offline.

One TLS connection carries many streams, each frame with eight bytes of head: 24 bits of length, 4 of kind, 4 of flags,
and the stream's number (muxado). A stream begins with its type: 0 asks to be let in, 1 for an address, 3 is a caller
that came to that address, all ones is a heartbeat. Questions and answers are JSON. Source: how ngrok-rust, which is the
library's core, speaks. Not ngrok: one client, no limits, addresses of this machine.

Run the library in a process of its own: it keeps its connection, and looks for it again, for as long as it lives.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

RST, DATA, WNDINC = 0, 1, 2
FIN, SYN = 1, 2
AUTH, BIND, UNBIND, PROXY, HEARTBEAT = 0, 1, 2, 3, 0xFFFFFFFF


@dataclass(slots=True)
class Stream:
    """One stream of the connection."""

    number: int
    arrived: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    rest: bytes = b""

    async def read(self) -> bytes:
        """Return what came, empty at the end."""
        if self.rest:
            piece, self.rest = self.rest, b""
            return piece
        return await self.arrived.get()

    async def exactly(self, size: int) -> bytes:
        """Return so many bytes, or fewer where the stream ends."""
        got = b""
        while len(got) < size and (piece := await self.read()):
            got += piece
        self.rest = got[size:]
        return got[:size]


class NgrokService:
    """The service. ``refuses`` is a question (AUTH, BIND) and the words it is refused with."""

    def __init__(self, refuses: tuple[int, str] | None = None) -> None:
        self.refuses = refuses
        self.tokens: list[str] = []
        self.forwards_to: list[str] = []
        self.unbound = 0
        self.connections = 0
        self.port = self.edge_port = 0
        self._streams: dict[int, Stream] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._next = 2

    @property
    def url(self) -> str:
        """The public address it gives."""
        return f"http://127.0.0.1:{self.edge_port}"

    # -- the client's connection --------------------------------------------------------------------------------

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the library's connection."""
        self._writer = writer
        self.connections += 1
        try:
            while True:
                first, number = struct.unpack("!II", await reader.readexactly(8))
                body = await reader.readexactly(first >> 8)
                self._frame(first >> 4 & 0xF, first & 0xF, number & 0x7FFFFFFF, body)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            for stream in self._streams.values():
                stream.arrived.put_nowait(b"")
            writer.transport.abort()

    def _frame(self, kind: int, flags: int, number: int, body: bytes) -> None:
        if kind == DATA:
            if flags & SYN:
                self._streams[number] = stream = Stream(number)
                self._start(self._asked(stream))
            if (known := self._streams.get(number)) is not None:
                if body:
                    known.arrived.put_nowait(body)
                    self._send(WNDINC, number, struct.pack("!I", len(body)))
                if flags & FIN:
                    known.arrived.put_nowait(b"")
        elif kind == RST and (known := self._streams.pop(number, None)) is not None:
            known.arrived.put_nowait(b"")

    def _send(self, kind: int, number: int, body: bytes = b"", flags: int = 0) -> None:
        assert self._writer is not None
        if not self._writer.transport.is_closing():
            self._writer.write(struct.pack("!II", len(body) << 8 | kind << 4 | flags, number) + body)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- its questions -------------------------------------------------------------------------------------------

    async def _asked(self, stream: Stream) -> None:
        (kind,) = struct.unpack("!I", await stream.exactly(4))
        if kind == HEARTBEAT:
            while beat := await stream.exactly(4):
                self._send(DATA, stream.number, beat)
            return
        question = await self._json(stream)
        if self.refuses is not None and self.refuses[0] == kind:
            answer: dict[str, Any] = {"Error": self.refuses[1]}
        elif kind == AUTH:
            self.tokens.append(question["Extra"]["AuthToken"])
            answer = {"Version": question["Version"][0], "ClientId": "client", "Extra": {}}
        elif kind == BIND:
            self.forwards_to.append(question["ForwardsTo"])
            answer = {"ClientId": "tunnel", "Id": "tunnel", "URL": self.url, "Proto": question["Proto"]}
            answer |= {"Opts": question["Opts"], "BindOpts": question["Opts"], "Extra": {"Token": "again"}}
        else:
            self.unbound += kind == UNBIND
            answer = {}
        self._send(DATA, stream.number, json.dumps(answer).encode(), FIN)

    async def _json(self, stream: Stream) -> dict[str, Any]:
        """Read a question: it ends where it is whole, the client does not say so."""
        text = b""
        while True:
            text += await stream.read()
            try:
                return json.loads(text)
            except ValueError:
                continue

    # -- callers -------------------------------------------------------------------------------------------------

    async def caller(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass somebody who came to the public address on through the tunnel."""
        number, self._next = self._next, self._next + 2
        self._streams[number] = stream = Stream(number)
        header = {"Id": "tunnel", "ClientAddr": "127.0.0.1:1", "Proto": "https", "EdgeType": "3"}
        said = json.dumps({**header, "PassthroughTLS": False}).encode()
        self._send(DATA, number, struct.pack("!I", PROXY) + struct.pack("<q", len(said)) + said, SYN)
        inward = asyncio.create_task(self._inward(reader, number))
        try:
            while piece := await stream.read():
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            inward.cancel()
            await asyncio.gather(inward, return_exceptions=True)
            self._streams.pop(number, None)
            writer.close()

    async def _inward(self, reader: asyncio.StreamReader, number: int) -> None:
        while piece := await reader.read(16384):
            self._send(DATA, number, piece)
        self._send(DATA, number, b"", FIN)

    async def stop(self) -> None:
        """End everything."""
        if self._writer is not None:
            self._writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def ngrok_service(tls: ssl.SSLContext, refuses: tuple[int, str] | None = None) -> AsyncIterator[NgrokService]:
    """Start the service and its public edge."""
    service = NgrokService(refuses)
    front = await asyncio.start_server(service.client, "127.0.0.1", 0, ssl=tls)
    edge = await asyncio.start_server(service.caller, "127.0.0.1", 0)
    service.port = front.sockets[0].getsockname()[1]
    service.edge_port = edge.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        front.close()
        edge.close()
        await service.stop()
        await edge.wait_closed()
        await front.wait_closed()
