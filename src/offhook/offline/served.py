"""One connection of the offline agent: its socket, its timers and its end. What is said on it: `exchange`, `engine`.

The vendor's session starts with Welcome and ends, after an `Error`, with a close frame that has no status code
(Voice Agent reference, "Closing").
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from offhook.offline import events, rules
from offhook.offline import messages as m
from offhook.offline.clock import SessionClock
from offhook.offline.exchange import Exchange
from offhook.offline.faults import Action, Faults
from offhook.offline.line import Ending, Line
from offhook.offline.manners import Manners
from offhook.offline.outbox import ClientStuckError, Outbox
from offhook.offline.ports import Mind
from offhook.offline.record import CallRecord

_log: Final = logging.getLogger(__name__)
#: For the last messages to leave, and for the client to answer our close frame.
FLUSH_S: Final = 1.0
CLOSE_S: Final = 1.0
#: The shortest wait of the timers.
LEAST_S: Final = 0.001
#: How often a call that vanished looks whether the client has gone too.
LOOK_S: Final = 0.05
OUR_ERROR: Final = "our_error"
_FRAMES: Final = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG)
_FAILED: Final = msgspec.json.encode(events.error("INTERNAL_SERVER_ERROR", "This call failed; see the server's log."))


class ServedCall:
    """One accepted WebSocket."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        mind: Mind,
        manners: Manners,
        faults: Faults,
        record: CallRecord,
        agents: Callable[[str], Mapping[str, Any] | None] | None = None,
    ) -> None:
        self._ws = ws
        self._transport = transport
        self._mind = mind
        self._manners = manners
        self._faults = faults
        self._record = record
        self._agents = agents
        self._is_stopping = False
        self._welcomed = asyncio.Event()
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(self._write_one)
        self._line = Line(self._outbox, faults, manners, self.end, self._transport.pause_reading)
        self._now = asyncio.get_running_loop().time
        self._active_at = self._now()

    @property
    def clock(self) -> SessionClock:
        """Return the session's clock, which can be wound."""
        return self._line.clock

    def end(self, ending: Ending) -> None:
        """End this connection; the first reason counts."""
        self._is_stopping = self._is_stopping or ending.why == "stopping"
        if not self._ended.done():
            self._ended.set_result(ending)

    def inject(self, action: Action) -> None:
        """Let a fault happen now."""
        self._line.inject(action)

    async def run(self) -> None:
        """Serve until one side ends it. A defect of ours or of the mind ends this call and nothing else."""
        self._record.passed("open", "bridge")
        ending = Ending(OUR_ERROR)
        try:
            async with asyncio.TaskGroup() as group:
                exchange = Exchange(
                    self._mind, self._manners, self._faults, self._line, group.create_task, agents=self._agents
                )
                work = (self._write(), self._open(), self._read(exchange), self._watch(exchange))
                parts = [group.create_task(part) for part in work]
                try:
                    ending = await self._ended
                    await self._outbox.flushed(FLUSH_S if ending.is_polite else 0.0)
                finally:
                    self._line.close()
                    await exchange.close()
                for part in parts:
                    part.cancel()
        except* Exception as failures:  # noqa: BLE001  # the boundary of a call: logged once, by id
            _log.exception("offline agent: call %s failed", self._record.request_id, exc_info=failures)
        finally:
            self._record.ended_by = ending.why
        await self._hang_up(ending)

    async def _open(self) -> None:
        self._line.moment("open")
        await asyncio.sleep(self._faults.welcome_delay_s)
        if not self._faults.never_welcome:
            self._line.event({"type": "Welcome", "request_id": self._record.request_id})
        self._welcomed.set()

    # The socket

    async def _write(self) -> None:
        try:
            await self._outbox.run()
        except ClientStuckError:
            self.end(Ending("client stuck", "reset"))
        except ConnectionError:
            self.end(Ending("client gone", "eof"))

    async def _write_one(self, payload: bytes, is_text: bool) -> None:
        await self._ws.send_frame(payload, WSMsgType.TEXT if is_text else WSMsgType.BINARY)
        if is_text:
            self._record.text(_loosely(payload), sent=True)
            self._record.passed("text", "deepgram", text=payload)
        else:
            self._record.audio(payload, sent=True)
            self._record.passed("binary", "deepgram", audio=payload)

    async def _before_welcome(self) -> deque[WSMessage]:
        """Return what came before Welcome, to be read after it; an end of the socket is returned at once, alone."""
        welcome = asyncio.create_task(self._welcomed.wait())
        try:
            return await self._early(welcome)
        finally:
            welcome.cancel()

    async def _early(self, welcome: asyncio.Task[bool]) -> deque[WSMessage]:
        early: deque[WSMessage] = deque()
        while not welcome.done():
            receiving = asyncio.create_task(self._ws.receive())
            try:
                await asyncio.wait((receiving, welcome), return_when=asyncio.FIRST_COMPLETED)
            finally:
                receiving.cancel()  # where it still waits; a frame that comes now stays in the socket's queue
                await asyncio.wait((receiving,))
            if receiving.cancelled():
                continue
            frame: WSMessage = receiving.result()
            if frame.type not in _FRAMES:
                return deque((frame,))
            early.append(frame)
        return early

    async def _read(self, exchange: Exchange) -> None:
        early = await self._before_welcome()
        while not self._ended.done():
            frame = early.popleft() if early else await self._ws.receive()
            if frame.type in (WSMsgType.PING, WSMsgType.PONG):
                if frame.type is WSMsgType.PING and not self._faults.no_pong:
                    await self._ws.pong(frame.data)
                continue
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                code = frame.data if frame.type is WSMsgType.CLOSE else None
                if frame.type is not WSMsgType.CLOSING:
                    self._record.passed("close", "bridge", code=code if isinstance(code, int) else None)
                self.end(Ending("client gone", "close", 1000))
                return
            try:
                if frame.type is WSMsgType.TEXT:
                    self._text(exchange, frame.data.encode())
                else:
                    self._audio(exchange, frame.data)
            except m.UnparsableError as bad:
                self._line.fail(rules.UNPARSABLE, rules.mismatch(bad.path))
            except rules.RefusedError as bad:
                self._line.fail(bad.code, bad.description)
            if self._faults.read_bytes_per_s:
                await asyncio.sleep(len(frame.data) / self._faults.read_bytes_per_s)

    def _text(self, exchange: Exchange, text: bytes) -> None:
        self._record.text(_loosely(text), sent=False)
        self._record.passed("text", "bridge", text=text)
        if not self._manners.timers.idle_needs_audio:
            self._active_at = self._now()
        exchange.text(text)

    def _audio(self, exchange: Exchange, audio: bytes) -> None:
        self._record.audio(audio, sent=False)
        self._record.passed("binary", "bridge", audio=audio)
        if audio:
            self._active_at = self._now()
            self._line.moment("audio")
            exchange.audio(audio)
            self._record.heard_early_bytes = exchange.early_audio_bytes
            return
        self._record.empty_frames += 1
        if self._manners.empty_audio == "end":
            self.end(Ending("empty audio frame", "close", 1000))

    async def _watch(self, exchange: Exchange) -> None:
        """Keep the timers: nothing heard, the session's warning and its end."""
        timers, clock = self._manners.timers, self._line.clock
        is_warned = False
        while True:
            clock.was_wound.clear()
            now, age = self._now(), clock.age()
            patience = timers.idle_s if exchange.settings_came else timers.settings_s
            if not is_warned and age >= timers.warn_s:
                is_warned = True
                self._line.event(events.warning("MAXIMUM_SESSION_LENGTH_APPROACHING", "The session ends soon."))
            if age >= timers.end_s:
                return self._line.fail("MAXIMUM_SESSION_LENGTH_REACHED", "The session reached its maximum length.")
            if now >= self._active_at + patience:
                return self._line.fail("CLIENT_MESSAGE_TIMEOUT", "The client sent nothing for too long.")
            # Settings may arrive during the wait and change the patience, so the shorter one is waited for first.
            quiet_s = now - self._active_at
            left = (timers.settings_s - quiet_s, timers.idle_s - quiet_s, timers.end_s - age, timers.warn_s - age)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(LEAST_S, min(seconds for seconds in left if seconds > 0))):
                    await clock.was_wound.wait()

    async def _hang_up(self, ending: Ending) -> None:
        if ending.how == "vanish":
            await self._be_gone()
            return
        if ending.why != "client gone":
            self._record.passed("close", "deepgram", code=ending.code if ending.how == "close" else None)
        if ending.how == "reset":
            _abort(self._transport)
            return
        if ending.how == "close" and not self._ws.closed and not self._transport.is_closing():
            status = b"" if ending.code == 1005 else struct.pack("!H", ending.code)
            try:
                async with asyncio.timeout(CLOSE_S):
                    if ending.why == OUR_ERROR:
                        await self._write_one(_FAILED, is_text=True)
                    await self._ws.send_frame(status, WSMsgType.CLOSE)
                    while ending.why != "client gone":
                        if (await self._ws.receive()).type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                            break
            except (TimeoutError, ConnectionError, RuntimeError):
                pass
        self._transport.close()

    async def _be_gone(self) -> None:
        """Keep the socket open and silent until the client's end of it is gone, or this server stops."""
        while not self._is_stopping and not self._transport.is_closing():
            if not self._ws.closed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._ws.receive()
            await asyncio.sleep(LOOK_S)
        self._transport.abort()


def _loosely(text: bytes) -> Any:
    """Decode for the record; None where it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text.decode("utf-8", "replace")


def _abort(transport: asyncio.Transport) -> None:
    """End with a TCP reset: linger of zero, then close. The client may have been first."""
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    with contextlib.suppress(OSError, ValueError):  # ValueError: uvloop's word for a closed socket
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
