"""What is about to leave on one socket, in order, with a bound. Writes it; decides nothing about it.

The engine never waits for the network: it puts messages here and one task writes them. Agent audio that has not
left can be dropped (barge-in). Over the bound the client counts as stuck and the call ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

#: Most bytes waiting for one client; 120 s of agent audio in one burst is under 1 MiB.
OUTBOX_BYTES: Final = 16 * 1024 * 1024
#: For one message to be taken by the socket.
WRITE_S: Final = 10.0


class ClientStuckError(Exception):
    """The client does not read."""


class Outbox:
    """Messages on their way out. ``write`` sends one: text or binary."""

    def __init__(self, write: Callable[[bytes, bool], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, payload: bytes, *, is_text: bool) -> None:
        """Add one message. Raises `ClientStuckError` over the bound."""
        if self._bytes + len(payload) > OUTBOX_BYTES:
            raise ClientStuckError
        self._waiting.append((payload, is_text))
        self._bytes += len(payload)
        self._empty.clear()
        self._changed.set()

    def drop_audio(self) -> None:
        """Forget binary messages that have not left."""
        kept = [entry for entry in self._waiting if entry[1]]
        self._waiting = deque(kept)
        self._bytes = sum(len(payload) for payload, _ in kept)

    async def run(self) -> None:
        """Write what comes, for ever. Raises `ClientStuckError` when the socket takes nothing for `WRITE_S`."""
        while True:
            while self._waiting:
                payload, is_text = self._waiting.popleft()
                self._bytes -= len(payload)
                try:
                    async with asyncio.timeout(WRITE_S):
                        await self._write(payload, is_text)
                except TimeoutError:
                    raise ClientStuckError from None
            self._empty.set()
            self._changed.clear()
            await self._changed.wait()

    async def flushed(self, within_s: float) -> None:
        """Return when everything has left, or after ``within_s``."""
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            return
