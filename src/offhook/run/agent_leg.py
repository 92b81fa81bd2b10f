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

from picows import WSHandshakeError, WSTransport, ws_connect

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import AgentBusy, AgentError, AgentGone, AgentRefused, AgentUnavailable
from offhook.run.leg import BINARY, TEXT, Leg, harden
from offhook.wire.ulaw import BYTES_PER_MS

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

    def agent_opened(self, leg: AgentLeg) -> None:
        """The socket is open; called before its first message is delivered."""

    def agent_text(self, leg: AgentLeg, payload: memoryview | bytearray) -> None:
        """A text message came; the memory is only valid during the call."""

    def agent_binary(self, leg: AgentLeg, audio: bytes) -> None:
        """Agent audio came."""

    def agent_ponged(self, leg: AgentLeg) -> None:
        """A ping was answered."""

    def agent_over(self, leg: AgentLeg) -> None:
        """The socket is gone."""

    def agent_blocked(self, leg: AgentLeg, blocked: bool) -> None:
        """The agent does not read fast enough, or does again."""


class AgentLeg(Leg):
    """One open socket to the agent. ``live`` counts those open in this process (promise I6)."""

    live: int = 0

    def __init__(self, events: AgentEvents, limits: Limits, timeouts: Timeouts) -> None:
        super().__init__(limits.agent_message_bytes)
        self._events, self._limits, self._timeouts = events, limits, timeouts
        #: Send caller audio.
        self.send_audio: Callable[[bytes], None] = _not_open

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.send_audio = partial(transport.send, BINARY)  # the hot path: no Python frame of ours in between
        AgentLeg.live += 1
        high = self._limits.unsent_agent_ms * BYTES_PER_MS
        harden(transport.underlying_transport, self._limits, self._timeouts, high_bytes=high)
        self._events.agent_opened(self)

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
        self._url, self._key = url, key
        self._limits, self._timeouts = limits, timeouts
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
        def listener() -> AgentLeg:
            return AgentLeg(events, self._limits, self._timeouts)

        try:
            async with asyncio.timeout(within_s):  # name and route; the upgrade has picows' own timer, which closes
                await ws_connect(
                    listener,
                    self._url,
                    ssl_context=self._ssl,
                    websocket_handshake_timeout=within_s,
                    max_frame_size=self._limits.agent_message_bytes,
                    max_redirects=0,
                    extra_headers={"Authorization": f"Token {self._key}"} if self._key else None,
                    read_buffer_init_size=4096,
                    logger_name="offhook",
                )
        except WSHandshakeError as refusal:
            raise _refused(refusal) from None
        except (TimeoutError, OSError, ssl.SSLError) as failure:
            raise AgentUnavailable(why=_why(failure)) from None

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


def _not_open(_: bytes) -> None:
    raise AssertionError("the leg is not open")


def ended(leg: AgentLeg) -> AgentGone:
    """Return the error of a leg whose socket ended on its own."""
    return AgentGone(code=leg.close_code)
