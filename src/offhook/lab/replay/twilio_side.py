"""Twilio's side of a replay: the webhook, then every message of the recording at its time. Not the simulated caller.

Marks come back under the names that *this* bridge gave them: the n-th recorded one at its time, or once the bridge has
sent its n-th. Nothing else waits for that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import msgspec

from offhook.lab.replay.clock import Clock
from offhook.lab.replay.recording import Recording, ReplayError
from offhook.sim.behaviour import Behaviour, signature_header
from offhook.sim.complaints import LineFault
from offhook.sim.frames import BINARY, TEXT, Message
from offhook.sim.reach import Reach
from offhook.sim.webhook import Webhooks
from offhook.sim.websocket import Ended, Socket
from offhook.trace import Entry, Kind

#: A bridge that ended the call in the recording may do so this much later.
END_S: Final = 5.0


@dataclass(slots=True)
class TwilioSide:
    """Plays one recording at ``url``; ``entries`` is what the bridge said, and when."""

    recording: Recording
    url: str
    auth_token: str
    reach: Reach | None
    clock: Clock
    entries: list[Entry] = field(default_factory=list)
    opened_ms: float = 0.0
    _names: deque[str] = field(default_factory=deque)
    _due: deque[Entry] = field(default_factory=deque)
    _socket: Socket | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False
    _hangs_up: bool = False  # `stop` is said and the close follows: who of the two closes first is chance

    async def play(self) -> None:
        """Make the call. Raises `ReplayError` where the bridge gives no stream."""
        document = await self._ask()
        stream = document.find(".//Stream")
        if stream is None or not stream.get("url"):
            raise ReplayError("the bridge's TwiML has no <Stream>: there is nothing to replay to")
        url = urljoin(self.url, str(stream.get("url")))
        named = {str(p.get("name")): str(p.get("value")) for p in stream.iter("Parameter")}
        headers = signature_header(url, self.auth_token or None, Behaviour())
        target = url if self.reach is None else self.reach.local_url(url)
        try:
            socket = await Socket.open(target, headers, self._on_message, self._on_ended)
        except LineFault as fault:
            raise ReplayError(f"the bridge refused the stream ({fault.status or 'no answer'})") from None
        self.opened_ms, self._socket = self.clock.now_ms(), socket
        try:
            await self._speak(socket, named)
        finally:
            await socket.abort()

    async def _ask(self) -> ET.Element:
        async with Webhooks(self.auth_token or None, reach=self.reach) as webhooks:
            try:
                body = (await webhooks.ask(self.url, "POST", self.recording.voice, total_s=15.0)).body
                self._note("response", channel="http", text=body.decode("utf-8", "replace"), status=200)
                return ET.fromstring(body)  # noqa: S314  # the bridge under test, on the owner's machine
            except LineFault as fault:
                raise ReplayError(f"the bridge's voice webhook failed: {fault}") from None
            except ET.ParseError:
                raise ReplayError("the bridge's voice webhook answered no XML") from None

    async def _speak(self, socket: Socket, named: Mapping[str, str]) -> None:
        part = self.recording.stream
        for entry in part.entries:
            due_ms = self.opened_ms + entry.at_ms - part.opened_ms
            if entry.sender != "twilio":
                if entry.kind == "close":
                    await self._ended_by(due_ms + END_S * 1000)
                continue
            await self.clock.due(due_ms)
            if self._is_over:
                return
            if entry.kind == "close":
                self._is_over = True  # the bridge's answer to it is no end of its own
                await socket.close(entry.code or 1000)
            elif entry.kind == "binary":
                socket.send(BINARY, entry.audio or b"")
            elif entry.kind == "text":
                self._say(socket, entry, named)

    def _say(self, socket: Socket, entry: Entry, named: Mapping[str, str]) -> None:
        message: Any = entry.message()
        match message:
            case {"event": "start", "start": dict(start)}:
                known = {**message, "start": {**start, "customParameters": dict(named)}}
                socket.send(TEXT, msgspec.json.encode(known))
            case {"event": "mark", "mark": {"name": str()}}:
                self._due.append(entry)
                self._return_marks()
            case {"event": "stop"}:
                closed_by = next((e.sender for e in self.recording.stream.entries if e.kind == "close"), None)
                self._hangs_up = closed_by == "twilio"
                socket.send(TEXT, (entry.text or "").encode())
            case _:
                socket.send(TEXT, (entry.text or "").encode())

    def _return_marks(self) -> None:
        while self._due and self._names and self._socket is not None and not self._is_over:
            message: Any = self._due.popleft().message()
            self._socket.send(TEXT, msgspec.json.encode({**message, "mark": {"name": self._names.popleft()}}))

    async def _ended_by(self, at_ms: float) -> None:
        while not self._is_over and (left := at_ms - self.clock.now_ms()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(left / 1000):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _on_message(self, frame: Message) -> None:
        if frame.opcode == BINARY:
            self._note("binary", audio=bytes(frame.payload))
            return
        text = frame.payload.decode("utf-8", "replace")
        self._note("text", text=text)
        match self.entries[-1].message():
            case {"event": "mark", "mark": {"name": str(name)}}:
                self._names.append(name)
                self._return_marks()

    def _on_ended(self, ended: Ended) -> None:
        if ended.how != "ours" and not self._is_over and not self._hangs_up:
            self._note("close", code=ended.code)
        self._is_over = True
        self._changed.set()

    def _note(self, kind: Kind, *, channel: Any = "stream", **content: Any) -> None:
        self.entries.append(Entry(at_ms=self.clock.now_ms(), channel=channel, sender="bridge", kind=kind, **content))
