"""Deepgram's side of a replay: takes the bridge's sockets in order and answers as recorded, in order and time.

A recorded answer waits for what it answered: no message goes out before the bridge has sent as many messages (not
audio, not signs of life) as it had sent then, though no longer than `ANSWER_S` more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiohttp import WSMsgType, web

from offhook.lab.replay.clock import Clock
from offhook.lab.replay.recording import Part, Recording
from offhook.trace import Entry

PATH: Final = "/v1/agent/converse"
ANSWER_S: Final = 3.0
MESSAGE_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class DeepgramSide:
    """Listens on ``port`` (0: any free one). ``sockets`` holds what the bridge said on each, and when it opened it.

    Before `arm` and after the last recorded handshake it answers 503.
    """

    recording: Recording
    clock: Clock
    port: int = 0
    sockets: list[tuple[float, list[Entry]]] = field(default_factory=list)
    _is_armed: bool = False
    _live: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the bridge finds it."""
        return f"ws://127.0.0.1:{self.port}{PATH}"

    @property
    def live(self) -> int:
        """How many sockets are open."""
        return self._live

    def arm(self) -> None:
        """Take the call's handshakes from now on."""
        self._is_armed = True

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(PATH, self._converse)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        number = len(self.sockets)
        if not self._is_armed:
            return web.Response(status=503)
        said: list[Entry] = []
        self.sockets.append((self.clock.now_ms(), said))
        part = self.recording.sockets[number] if number < len(self.recording.sockets) else None
        if part is None or part.status is not None:
            return web.Response(status=503 if part is None else part.status or 503)
        ws = web.WebSocketResponse(protocols=("token", "bearer"), compress=False, max_msg_size=MESSAGE_BYTES)
        ws.headers["dg-request-id"] = part.entries[0].call
        try:
            await ws.prepare(request)
        except ConnectionResetError:  # the bridge is gone, and nobody reads this answer
            return web.Response(status=400)
        self._live += 1
        try:
            await self._serve(ws, part, said)
        finally:
            self._live -= 1
        return ws

    async def _serve(self, ws: web.WebSocketResponse, part: Part, said: list[Entry]) -> None:
        told = asyncio.Event()
        speaking = asyncio.create_task(self._speak(ws, part, said, told))
        try:
            async for frame in ws:
                content: dict[str, Any] = (
                    {"kind": "text", "text": frame.data}
                    if frame.type is WSMsgType.TEXT
                    else {"kind": "binary", "audio": bytes(frame.data)}
                )
                said.append(Entry(at_ms=self.clock.now_ms(), channel="agent", sender="bridge", **content))
                told.set()
            if not (speaking.done() and speaking.result()):
                code = ws.close_code
                said.append(Entry(at_ms=self.clock.now_ms(), channel="agent", sender="bridge", kind="close", code=code))
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, ws: web.WebSocketResponse, part: Part, said: list[Entry], told: asyncio.Event) -> bool:
        """Say what was recorded; return whether the recording ended the socket."""
        opened_ms, wanted = self.clock.now_ms(), 0
        for entry in part.entries[1:]:
            if entry.sender == "bridge":
                wanted += is_message(entry)
                continue
            due_ms = opened_ms + entry.at_ms - part.opened_ms
            await self._answered(wanted, said, told, due_ms)
            await self.clock.due(max(due_ms, self.clock.now_ms()))
            if ws.closed:
                return False
            if entry.kind == "text":
                await ws.send_str(entry.text or "")
            elif entry.kind == "binary":
                await ws.send_bytes(entry.audio or b"")
            elif entry.kind == "close":
                await ws.close(code=entry.code or 1000)
                return True
        return False

    async def _answered(self, wanted: int, said: list[Entry], told: asyncio.Event, due_ms: float) -> None:
        until_ms = due_ms + ANSWER_S * 1000
        while sum(map(is_message, said)) < wanted and (left := until_ms - self.clock.now_ms()) > 0:
            told.clear()
            try:
                async with asyncio.timeout(left / 1000):
                    await told.wait()
            except TimeoutError:
                return


def is_message(entry: Entry) -> bool:
    """Say whether it is a message that means something: neither audio nor a sign of life."""
    if entry.kind != "text":
        return False
    message = entry.message()
    return not (isinstance(message, dict) and message.get("type") == "KeepAlive")
