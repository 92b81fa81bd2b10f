"""Twilio's side of a replay: the webhook, then every message of the recording at its time. Not the simulated caller.

Marks come back under the names that *this* bridge gave them: the n-th recorded one waits for the bridge's n-th.
"""

from __future__ import annotations

import asyncio
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

#: A recorded mark waits this much longer than it did for the mark it answers.
MARK_S: Final = 2.0
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
    _names: list[str] = field(default_factory=list)
    _returned: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False

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
        self.opened_ms = self.clock.now_ms()
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
            elif entry.kind == "text" and (text := await self._said(entry, named)) is not None:
                socket.send(TEXT, text)

    async def _said(self, entry: Entry, named: Mapping[str, str]) -> bytes | None:
        """Return the message for this bridge; None for a mark it never asked for."""
        message: Any = entry.message()
        match message:
            case {"event": "start", "start": dict(start)}:
                return msgspec.json.encode({**message, "start": {**start, "customParameters": dict(named)}})
            case {"event": "mark", "mark": {"name": str()}}:
                name = await self._name(self._returned)
                self._returned += 1
                return None if name is None else msgspec.json.encode({**message, "mark": {"name": name}})
        return (entry.text or "").encode()

    async def _name(self, number: int) -> str | None:
        try:
            async with asyncio.timeout(MARK_S):
                while len(self._names) <= number and not self._is_over:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._names[number] if number < len(self._names) else None

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
                self._changed.set()

    def _on_ended(self, ended: Ended) -> None:
        if ended.how != "ours" and not self._is_over:
            self._note("close", code=ended.code)
        self._is_over = True
        self._changed.set()

    def _note(self, kind: Kind, *, channel: Any = "stream", **content: Any) -> None:
        self.entries.append(Entry(at_ms=self.clock.now_ms(), channel=channel, sender="bridge", kind=kind, **content))
