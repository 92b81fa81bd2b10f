"""One port for everything: reads the request head under limits and a deadline, then hands the connection on.

A stream goes to picows, anything else to the web app; neither has a deadline for a half-sent head (RELIABILITY
finding 3), so no connection reaches them before its head is whole and sane. Not a web server: it answers refusals only.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from picows import WSListener, WSUpgradeRequest

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import BadSignature, OffhookError
from offhook.run.caller_leg import CallerLeg, Reception
from offhook.run.sockets import hand_over, server_socket
from offhook.run.taps import NO_TAPS, Taps

_END: Final = b"\r\n\r\n"
_BODIES: Final = {
    400: "bad request",
    403: "not allowed",
    404: "no such stream",
    408: "too slow",
    431: "request head too large",
    503: "too many connections",
}
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{1,20} [!-~]{1,8000} HTTP/1\.[01]")
_FIELD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")
_LINGER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Head:
    """A request head: the target as sent, and the fields in lower case."""

    target: str
    fields: dict[str, str]

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asks for a WebSocket."""
        return self.fields.get("upgrade", "").lower() == "websocket"


class BadHead(ValueError):
    """A head that no honest client sends; ``status`` says how it is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def parse_head(raw: bytes, limits: Limits) -> Head:
    """Parse a whole head, strictly: what two parsers could read differently is refused (H7)."""
    lines = raw.split(b"\r\n")
    if len(lines) > limits.header_lines or any(len(line) > limits.header_line_bytes for line in lines):
        raise BadHead(431)
    if not _REQUEST_LINE.fullmatch(lines[0]):
        raise BadHead(400)
    fields: dict[str, str] = {}
    for line in lines[1:]:
        if not _FIELD.fullmatch(line):
            raise BadHead(400)
        name, _, value = line.decode("latin-1").partition(":")
        name = name.lower()
        if name in fields and name in ("host", "content-length", "transfer-encoding", "upgrade"):
            raise BadHead(400)
        fields[name] = value.strip()
    if "content-length" in fields and ("transfer-encoding" in fields or not fields["content-length"].isdecimal()):
        raise BadHead(400)
    if fields.get("transfer-encoding", "chunked").lower() != "chunked":
        raise BadHead(400)
    return Head(lines[0].split(b" ")[1].decode("ascii"), fields)


@dataclass(frozen=True, slots=True)
class Streams:
    """Where streams are, and who they are for. ``check`` raises `BadSignature`; ``path`` has no trailing slash."""

    path: str
    reception: Reception
    check: Callable[[Head], None]
    taps: Taps = NO_TAPS

    def nonce(self, head: Head) -> str | None:
        """Return the per-call segment ("" for the bare path) where the target is a stream's, else None."""
        path = head.target.partition("?")[0]
        if path.rstrip("/") == self.path:
            return ""
        if not path.startswith(self.path + "/"):
            return None
        segment = path[len(self.path) + 1 :].rstrip("/")
        return segment if re.fullmatch(r"[A-Za-z0-9_-]{12,64}", segment) else None


class FrontDoor:
    """Accepts connections. ``web`` makes a protocol of the web app; ``web_live`` counts its connections."""

    def __init__(
        self,
        streams: Streams,
        web: Callable[[], asyncio.Protocol],
        web_live: Callable[[], int],
        limits: Limits,
        timeouts: Timeouts,
    ) -> None:
        self.streams, self.web, self.limits, self.timeouts = streams, web, limits, timeouts
        self.waiting: set[Visitor] = set()
        self._web_live = web_live

    def __call__(self) -> Visitor:
        """Make the protocol of a new connection."""
        return Visitor(self)

    @property
    def is_full(self) -> bool:
        """Whether one more connection is one too many (O3)."""
        return len(self.waiting) + self._web_live() + CallerLeg.live >= self.limits.connections

    def close(self) -> None:
        """Turn away everybody whose head is not whole yet."""
        for visitor in list(self.waiting):
            visitor.turn_away(503)


class Visitor(asyncio.Protocol):
    """A connection whose head is being read."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline of the head."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are asyncio's by behaviour
        if self._door.is_full:
            self.turn_away(503)
            return
        self._door.waiting.add(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._door.timeouts.request_s, self.turn_away, 408)

    def data_received(self, data: bytes) -> None:
        """Collect the head; hand the connection on as soon as it is whole."""
        self._received += data
        end = self._received.find(_END)
        if (len(self._received) if end < 0 else end) > 2 * self._door.limits.header_line_bytes:
            self.turn_away(431)
            return
        if end < 0:
            return
        try:
            head = parse_head(bytes(self._received[:end]), self._door.limits)
        except BadHead as bad:
            self.turn_away(bad.status)
            return
        if head.is_upgrade:
            self._to_stream(head)
        else:
            self._to_web()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client went away."""
        self._leave()

    def turn_away(self, status: int) -> None:
        """Answer with a bare refusal and close."""
        self._leave()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        text = _BODIES[status] + "\n"
        transport.write(
            f"HTTP/1.1 {status} {_BODIES[status].title()}\r\nConnection: close\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        transport.close()
        asyncio.get_running_loop().call_later(_LINGER_S, transport.abort)

    def _to_stream(self, head: Head) -> None:
        streams, limits, timeouts = self._door.streams, self._door.limits, self._door.timeouts
        nonce = streams.nonce(head)
        if nonce is None:
            self.turn_away(404)
            return
        try:
            streams.check(head)
        except OffhookError as error:
            streams.reception.refused(error)
            self.turn_away(403 if isinstance(error, BadSignature) else 503)
            return

        def listener(_: WSUpgradeRequest) -> WSListener:
            return streams.taps.caller(CallerLeg(streams.reception, nonce, limits, timeouts), streams.path)

        self._leave()
        assert self._transport is not None
        hand_over(self._transport, server_socket(listener, limits, timeouts), bytes(self._received))

    def _to_web(self) -> None:
        """Make the web app the owner of the connection, as if it had accepted it."""
        self._leave()
        assert self._transport is not None
        web = self._door.web()
        self._transport.set_protocol(web)
        web.connection_made(self._transport)
        web.data_received(bytes(self._received))

    def _leave(self) -> None:
        self._door.waiting.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
