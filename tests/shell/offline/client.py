"""A plain client of the offline agent for these tests: the `websockets` library, which the server does not use.

A test in which something must happen before something else is over runs `in_wound_time`: there, time passes only where
both ends wait, so that a machine that is slow or busy changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import websockets

from offhook.offline.faults import Faults
from offhook.offline.manners import Manners
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent
from offhook.wire import ulaw

DEADLINE_S = 30.0
KEY = {"Authorization": "Token a-key"}
TELEPHONE = {
    "input": {"encoding": "mulaw", "sample_rate": 8000},
    "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
}
SPEECH = tone("somebody speaks")[: 8 * 400]
PAUSE = ulaw.silence(800)


def settings(**agent: Any) -> dict[str, Any]:
    think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "prompt": "You answer."}
    return {"type": "Settings", "audio": TELEPHONE, "agent": {"think": think, **agent}}


async def fact(holds: Callable[[], object]) -> None:
    """Wait for a fact about the server, which nobody announces."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@dataclass
class Client:
    """Reads everything that comes; a test waits for facts."""

    socket: websockets.ClientConnection
    messages: list[Any] = field(default_factory=list)
    frames: list[str | bytes] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    closed: websockets.ConnectionClosed | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        try:
            while True:
                frame = await self.socket.recv()
                self.frames.append(frame)
                if isinstance(frame, bytes):
                    self.audio += frame
                else:
                    try:
                        self.messages.append(json.loads(frame))
                    except ValueError:
                        self.messages.append({"type": "not json"})
                self.changed.set()
        except websockets.ConnectionClosed as closed:
            self.closed = closed
            self.changed.set()

    async def until(self, fact: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not fact():
                self.changed.clear()
                await self.changed.wait()

    async def gets(self, kind: str, nth: int = 1) -> Any:
        await self.until(lambda: len(self.all(kind)) >= nth or self.closed)
        assert len(self.all(kind)) >= nth, f"closed without {kind}: {self.kinds()}"
        return self.all(kind)[nth - 1]

    async def is_closed(self) -> int | None:
        await self.until(lambda: self.closed)
        return self.socket.close_code

    def all(self, kind: str) -> list[Any]:
        return [message for message in self.messages if message["type"] == kind]

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]

    async def sends(self, *messages: Any) -> None:
        async with asyncio.timeout(DEADLINE_S):
            for message in messages:
                await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def says(self, *audio: bytes) -> None:
        whole = b"".join(audio)
        await self.sends(*(whole[n : n + 160] for n in range(0, len(whole), 160)))


@asynccontextmanager
async def connected(agent: OfflineAgent, *, limit_s: float = 60, **options: Any) -> AsyncIterator[Client]:
    """Open one connection and read it in the background."""
    async with (
        asyncio.timeout(limit_s),
        websockets.connect(agent.url, **{"additional_headers": KEY, "close_timeout": 1, **options}) as socket,
        asyncio.TaskGroup() as group,
    ):
        client = Client(socket)
        reading = group.create_task(client.read())
        try:
            yield client
        finally:
            await socket.close()
            await reading


@asynccontextmanager
async def on_a_call(
    faults: Faults | None = None, mind: Any = None, manners: Manners | None = None, **agent: Any
) -> AsyncIterator[tuple[OfflineAgent, Client]]:
    """Start an agent with `faults` and open a call up to the Settings."""
    async with OfflineAgent(mind or ScriptedMind(), faults=faults, manners=manners) as served:
        async with connected(served) as client:
            await client.sends(settings(**agent))
            yield served, client
        await fact(lambda: not served.live)
