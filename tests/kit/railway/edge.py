"""Railway's edge for one domain: finds a live process behind it, or answers as Railway does. Raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from tests.kit.railway.state import Container, Deployment, Domain, Service, now

_HEAD_BYTES = 32 * 1024
_GONE = b'{"status":"error","code":404,"message":"Application not found","request_id":"%s"}'
_FAILED = b"Application failed to respond"


class Waker(Protocol):
    """Starts what sleeps."""

    def wake(self, deployment: Deployment) -> None:
        """Start its containers again."""
        ...


class Edge:
    """Listens on a port of this machine, which is the domain's name here: plain HTTP where Railway speaks TLS."""

    def __init__(self, service: Service, domain: Domain, waker: Waker, listening: Callable[[Container], set[int]]):
        self.service, self.domain, self._waker, self._listening = service, domain, waker, listening
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._next = 0

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        request = head.split(b"\r\n", 1)[0].decode("latin-1").split()
        target = self._target()
        if target is None:
            await self._answer(writer, 404, "application/json", _GONE % uuid.uuid4().hex.encode())
            return
        deployment, port = target
        log = _http_log(deployment, request, self.domain.name, port)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port) if port else _refused()
        except OSError:
            deployment.http.append(log | {"httpStatus": 502, "upstreamErrors": "connection refused"})
            await self._answer(writer, 502, "text/plain", _FAILED)
            return
        up_writer.write(self._forwarded(head))
        deployment.http.append(log)
        try:
            await _both(_pipe(reader, up_writer), self._answers(up_reader, writer, log))
        finally:
            up_writer.close()
            with contextlib.suppress(OSError):
                await up_writer.wait_closed()

    async def _answers(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, log: dict) -> None:
        first = await upstream.read(_HEAD_BYTES)
        if not first:
            log |= {"httpStatus": 502, "upstreamErrors": "connection closed"}
            await self._answer(writer, 502, "text/plain", _FAILED)
            return
        found = re.match(rb"HTTP/1\.[01] (\d+)", first)
        log["httpStatus"] = int(found[1]) if found else 502
        writer.write(first.replace(b"\r\n", b"\r\nX-Railway-Edge: railway/loopback\r\n", 1))
        await _pipe(upstream, writer)

    def _target(self) -> tuple[Deployment, int] | None:
        """Return the live deployment and the port of this machine that the domain leads to; 0 where nothing is."""
        live = [d for d in self.service.deployments if d.status in ("SUCCESS", "SLEEPING", "CRASHED") and not d.stopped]
        if not live or (self.domain.custom is not None and not self.domain.custom["verified"]):
            return None
        deployment = live[-1]
        if deployment.status == "SLEEPING":
            self._waker.wake(deployment)
            return deployment, 0
        running = [each for each in deployment.containers if each.status == "RUNNING"]
        if not running:
            return deployment, 0
        self._next += 1
        container = running[self._next % len(running)]
        wanted = self.domain.target_port or container.port
        if wanted == container.port:
            return deployment, container.host_port
        return deployment, wanted if wanted in self._listening(container) else 0

    def _forwarded(self, head: bytes) -> bytes:
        """Add what Railway adds; one request per connection, so that each passes here."""
        more = (
            f"X-Forwarded-Proto: https\r\nX-Forwarded-Host: {self.domain.name}\r\nX-Real-IP: 203.0.113.7\r\n"
            f"X-Railway-Edge: railway/loopback\r\nX-Request-Start: {time.time() * 1000:.0f}\r\n"
            f"X-Railway-Request-Id: {uuid.uuid4().hex}\r\n"
        ).encode()
        first, rest = head.split(b"\r\n", 1)
        if b"upgrade: websocket" not in head.lower():
            rest = re.sub(rb"(?im)^connection:[^\r]*\r\n", b"", rest)
            more += b"Connection: close\r\n"
        return first + b"\r\n" + more + rest

    async def _answer(self, writer: asyncio.StreamWriter, status: int, kind: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nServer: railway-edge\r\n"
        writer.write(f"{head}X-Railway-Edge: railway/loopback\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()


def _refused() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    raise ConnectionRefusedError


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()


async def _both(up: object, down: object) -> None:
    """Run both directions until the answer ends, or one breaks."""
    asking, answering = asyncio.ensure_future(up), asyncio.ensure_future(down)
    try:
        await answering
    finally:
        asking.cancel()
        answering.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)


def _http_log(deployment: Deployment, request: list[str], host: str, port: int) -> dict:
    method, path = [*request, "", ""][:2]
    return {
        "clientUa": "", "deploymentId": deployment.id, "deploymentInstanceId": "", "downstreamProto": "HTTP/1.1",
        "edgeRegion": "loopback", "host": host, "httpStatus": 0, "method": method, "path": path.split("?")[0],
        "requestId": uuid.uuid4().hex, "responseDetails": "", "rxBytes": 0, "srcIp": "203.0.113.7", "timestamp": now(),
        "totalDuration": 0, "txBytes": 0, "upstreamAddress": f"http://10.0.0.1:{port}", "upstreamErrors": "",
        "upstreamProto": "HTTP/1.1", "upstreamRqDuration": 0,
    }  # fmt: skip
