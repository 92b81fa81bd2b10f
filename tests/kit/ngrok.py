"""A stand-in of a running ngrok agent: its local inspection API, and an edge that leads to the upstream.

Real sockets on this machine. The edge passes bytes on, so webhooks and WebSockets alike; where nothing listens behind
it, it answers as ngrok's does (502 and ERR_NGROK_8012). It is not ngrok: no TLS, no account, no limits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

NOBODY_BEHIND = (
    b"HTTP/1.1 502 Bad Gateway\r\nngrok-error-code: ERR_NGROK_8012\r\nContent-Type: text/html\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class Edge:
    """The public side: every connection is passed on to the upstream port, byte by byte."""

    def __init__(self, upstream: int) -> None:
        self.upstream, self.connections, self.port = upstream, 0, 0
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._one, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._server.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pumps.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, to_behind = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(NOBODY_BEHIND)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        try:
            await asyncio.gather(pump(reader, to_behind), pump(behind, writer))
        finally:
            to_behind.transport.abort()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends; pass the end on."""
    while piece := await source.read(65536):
        sink.write(piece)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


@dataclass(slots=True)
class NgrokAgent:
    """The agent. ``old`` has no `/api/endpoints`; one that ``is_gone`` lists nothing any more.

    ``others`` are further entries of its list, as it would give them.
    """

    edge: Edge
    api: str = ""
    old: bool = False
    is_gone: bool = False
    policy: str = ""
    leads_to: str = ""
    others: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://127.0.0.1:{self.edge.port}"

    def entries(self) -> list[dict[str, Any]]:
        """Return the list in the form of this agent's age."""
        upstream = self.leads_to or f"http://localhost:{self.edge.upstream}"
        if self.old:
            config = {"addr": upstream, "inspect": True}
            here = {"name": "command_line", "public_url": self.url, "proto": "http", "config": config, "metrics": {}}
            return [here, *self.others]
        here = {"name": "command_line", "uri": "/api/endpoints/command_line", "url": self.url, "inspect": True}
        here |= {"upstream": {"url": upstream, "protocol": "http1"}, "pooling_enabled": False}
        return [here | ({"traffic_policy": self.policy} if self.policy else {}), *self.others]

    async def listed(self, request: web.Request) -> web.Response:
        """Answer a listing, or 404 as an agent of that age does."""
        self.asked.append(request.path)
        kind = request.path.rpartition("/")[2]
        if self.is_gone:
            return web.json_response({kind: [], "uri": request.path})
        if kind == ("endpoints" if self.old else "tunnels"):
            return web.json_response({"error_code": 100, "status_code": 404, "msg": "resource not found"}, status=404)
        return web.json_response({kind: self.entries(), "uri": request.path})


@asynccontextmanager
async def ngrok_agent(upstream: int, **options: Any) -> AsyncIterator[NgrokAgent]:
    """Start a stand-in that leads to a port of this machine."""
    edge = Edge(upstream)
    await edge.start()
    agent = NgrokAgent(edge, **options)
    app = web.Application()
    for path in ("/api/endpoints", "/api/tunnels"):
        app.router.add_get(path, agent.listed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        agent.api = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield agent
    finally:
        await runner.cleanup()
        await edge.stop()
