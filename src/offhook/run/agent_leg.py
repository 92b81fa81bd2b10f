"""Deepgram's socket: dial with retries, hand messages to the call. Knows the handshake, not the conversation."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from picows import WSFrame, WSHandshakeError, WSListener, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined] # public in the .pyx, absent from its stub

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import AgentBusy, AgentError, AgentGone, AgentRefused, AgentUnavailable
from offhook.run.leg import BINARY, TEXT, Leg, harden, nowhere
from offhook.run.sockets import client_socket
from offhook.run.taps import NO_TAPS, Taps
from offhook.wire.ulaw import BYTES_PER_MS

_PORTS: Final = {"ws": 80, "wss": 443}
_LONGEST_RETRY_AFTER_S: Final = 5.0
_REFUSALS: Final = {
    400: "the request; is DEEPGRAM_AGENT_URL the agent's address?",
    401: "DEEPGRAM_API_KEY",
    402: "the Deepgram project's credit",
    403: "the Deepgram project's permissions",
    404: "DEEPGRAM_AGENT_URL",
}


class AgentEvents(Protocol):
    """What an agent leg tells its call."""

    @property
    def call_sid(self) -> str:
        """Whose leg it is."""
        ...

    def agent_opened(self, leg: AgentLeg) -> None:
        """The socket is open; called before its first message is delivered."""
        ...

    def agent_text(self, leg: AgentLeg, payload: memoryview | bytearray) -> None:
        """A text message came; the memory is only valid during the call."""
        ...

    def agent_binary(self, leg: AgentLeg, audio: bytes) -> None:
        """Agent audio came."""
        ...

    def agent_ponged(self, leg: AgentLeg) -> None:
        """A ping was answered."""
        ...

    def agent_over(self, leg: AgentLeg) -> None:
        """The socket is gone."""
        ...

    def agent_blocked(self, leg: AgentLeg, blocked: bool) -> None:
        """The agent does not read fast enough, or does again."""
        ...


class AgentLeg(Leg):
    """One open socket to the agent. ``live`` counts those open in this process (promise I6)."""

    live: int = 0

    def __init__(self, events: AgentEvents, limits: Limits, timeouts: Timeouts, sockets: set[Leg]) -> None:
        super().__init__(limits.agent_message_bytes, timeouts.close_s, sockets)
        self._events, self._limits, self._timeouts = events, limits, timeouts
        #: Send caller audio.
        self.send_audio: Callable[[bytes], None] = nowhere

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.send_audio = partial(transport.send, BINARY)  # the hot path: no Python frame of ours in between
        AgentLeg.live += 1
        high = self._limits.unsent_agent_ms * BYTES_PER_MS
        harden(transport.underlying_transport, self._limits, self._timeouts, high_bytes=high)
        self._events.agent_opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take audio in one go; everything else the long way."""
        if frame.msg_type is BINARY and frame.fin and self._takes_whole:
            self._events.agent_binary(self, frame.get_payload_as_bytes())
        else:
            super().on_ws_frame(transport, frame)

    def send_text(self, frame: bytes) -> None:
        """Send one text message."""
        if self.transport is not None:
            self.transport.send(TEXT, frame)

    def ping(self) -> None:
        """Ask whether the other side is there."""
        if self.transport is not None:
            self.transport.send_ping()

    def read(self, wanted: bool) -> None:
        """Stop reading, or read again: back-pressure from a caller leg that is full."""
        transport = self.transport.underlying_transport if self.transport is not None else None
        if transport is not None and not transport.is_closing():
            transport.resume_reading() if wanted else transport.pause_reading()

    def text(self, payload: memoryview | bytearray) -> None:
        self._events.agent_text(self, payload)

    def binary(self, payload: bytes) -> None:
        self._events.agent_binary(self, payload)

    def ponged(self) -> None:
        self._events.agent_ponged(self)

    def over(self) -> None:
        AgentLeg.live -= 1
        self._events.agent_over(self)

    def blocked(self, blocked: bool) -> None:
        self._events.agent_blocked(self, blocked)


class AgentDialler:
    """Opens agent legs: one address, one key, bounded attempts with jitter (A3, A4, A5, A7)."""

    def __init__(
        self, url: str, key: str, limits: Limits, timeouts: Timeouts, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        #: Who sees, beside a leg, what passes on it.
        self.taps: Taps = NO_TAPS
        self._address, self._key = urlsplit(url), key
        self._limits, self._timeouts = limits, timeouts
        #: Every leg that is open, of either kind: the switchboard adds its caller legs.
        self.sockets: set[Leg] = set()
        if ssl_context is None and url.startswith("wss:"):
            ssl_context = ssl.create_default_context()
        self._ssl = ssl_context

    async def dial(self, events: AgentEvents) -> None:
        """Open a leg; ``events.agent_opened`` is called with it. Raises an `AgentError` within ``dial_total_s``."""
        give_up_at = asyncio.get_running_loop().time() + self._timeouts.dial_total_s
        for attempt in range(1, self._timeouts.dial_attempts + 1):
            left = give_up_at - asyncio.get_running_loop().time()
            try:
                await self._attempt(events, min(self._timeouts.dial_s, left))
                return
            except AgentError as error:
                pause = self._pause(error)
                left = give_up_at - asyncio.get_running_loop().time()
                if not error.retryable or attempt == self._timeouts.dial_attempts or pause >= left:
                    raise
                await asyncio.sleep(pause)

    async def _attempt(self, events: AgentEvents, within_s: float) -> None:
        def listener() -> WSListener:
            leg = AgentLeg(events, self._limits, self._timeouts, self.sockets)
            return self.taps.agent(events.call_sid, leg, self._address.path)

        where = self._address.netloc, self._address.path
        headers = {"Authorization": f"Token {self._key}"} if self._key else {}
        try:
            async with asyncio.timeout(within_s):
                await self._open(client_socket(where, headers, listener, self._limits, self._timeouts))
        except WSHandshakeError as refusal:
            error = _refused(refusal)
            self.taps.agent_refused(events.call_sid, error, self._address.path)
            raise error from None
        except (TimeoutError, OSError, ssl.SSLError) as failure:
            raise AgentUnavailable(why=_why(failure)) from None
        except ValueError:  # a status or a header that is none
            raise AgentUnavailable(why="not a WebSocket answer") from None

    async def _open(self, protocol: WSProtocol) -> None:
        """Connect and shake hands; whatever interrupts that, a cancelled dial above all, closes the socket (A27).

        picows' own `ws_connect` leaves it open until a timer fires, and takes an end before the answer for success.
        """
        host, port = self._address.hostname or "", self._address.port or _PORTS[self._address.scheme]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: protocol, host, port, ssl=self._ssl)
        try:
            await protocol.wait_until_handshake_complete()
            if protocol.listener is None:
                raise ConnectionResetError
        except BaseException:
            transport.abort()
            raise

    def _pause(self, error: AgentError) -> float:
        asked = error.facts.get("retry_after_s")
        if isinstance(asked, (int, float)) and asked <= _LONGEST_RETRY_AFTER_S:
            return float(asked)
        return random.uniform(self._timeouts.dial_pause_min_s, self._timeouts.dial_pause_max_s)  # noqa: S311 - jitter


def _refused(refusal: WSHandshakeError) -> AgentError:
    """Map a handshake that was not 101 to an error; nothing of the body is kept, it may quote the key."""
    if refusal.response is None:
        return AgentUnavailable(why="not a WebSocket answer")
    status, headers = int(refusal.response.status), refusal.response.headers
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = headers.get("Retry-After", "")
        return AgentBusy(status=status, retry_after_s=float(wait) if wait.isdecimal() else None)
    if status in _REFUSALS or 300 <= status < 500:
        return AgentRefused(status=status, setting=_REFUSALS.get(status, "DEEPGRAM_AGENT_URL"))
    return AgentUnavailable(status=status)


def _why(failure: BaseException) -> str:
    """Name the kind of a network failure, distinct per cause (A6), without addresses."""
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (ssl.SSLCertVerificationError, "TLS certificate not valid for this host"),
        (ssl.SSLError, "TLS failed"),
        (socket.gaierror, "name not found"),
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset"),
        (TimeoutError, "no answer in time"),
    )
    return next((name for kind, name in kinds if isinstance(failure, kind)), "network error")


def ended(leg: AgentLeg) -> AgentGone:
    """Return the error of a leg whose socket ended on its own."""
    return AgentGone(code=leg.close_code)
