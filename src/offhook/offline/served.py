"""One connection of the offline agent: the order of messages, its timers and its end. Turns are the engine's.

Voice Agent reference, "Lifecycle": Welcome, then exactly one Settings, then SettingsApplied; `Error` ends the
session and the socket closes without a status code.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, assert_never

import msgspec
from aiohttp import WSMsgType, web

from offhook.offline import events, rules
from offhook.offline import messages as m
from offhook.offline.engine import TurnEngine
from offhook.offline.faults import Faults
from offhook.offline.formats import Incoming
from offhook.offline.line import Ending, Line
from offhook.offline.outbox import ClientStuckError, Outbox
from offhook.offline.plan import CallPlan, first_voice, merged_listen, plan_call, with_more_prompt, with_think
from offhook.offline.ports import Mind
from offhook.offline.record import CallRecord
from offhook.offline.reply import Pace

_log: Final = logging.getLogger(__name__)
#: For the last messages to leave, and for the client to answer our close frame.
FLUSH_S: Final = 1.0
CLOSE_S: Final = 1.0

Instruction = (
    m.UpdatePrompt
    | m.UpdateThink
    | m.UpdateThinkLive
    | m.UpdateSpeak
    | m.UpdateListen
    | m.InjectUserMessage
    | m.InjectAgentMessage
    | m.FunctionCallResponse
    | m.ForceEndTurn
    | m.KeepAlive
    | m.CustomToThink
)


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds until this server loses patience. The vendor publishes only the last two."""

    settings_s: float = 10.0
    idle_s: float = 10.0
    warn_s: float = 6900.0
    end_s: float = 7200.0
    idle_needs_audio: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """What the vendor's documents leave open, chosen for one server.

    ``early_audio``: binary before Settings ends the session or is dropped. ``refusal``: a refused injection is
    answered with `InjectionRefused` or with a `Warning`. ``greeting``: spoken when the Settings give none.
    """

    timers: Timers = field(default_factory=Timers)
    project: rules.Project = field(default_factory=rules.Project)
    pace: Pace = field(default_factory=Pace)
    early_audio: Literal["error", "drop"] = "error"
    refusal: Literal["message", "warning"] = "message"
    greeting: str = ""
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
    ) -> None:
        self._ws = ws
        self._transport = transport
        self._mind = mind
        self._manners = manners
        self._faults = faults
        self._record = record
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(self._write_one)
        self._line = Line(self._outbox, faults, self.end, self._transport.pause_reading)
        self._engine: TurnEngine | None = None
        self._plan = CallPlan()
        self._incoming = Incoming(self._plan.input)
        self._settings_came = False
        self._active_at = time.monotonic()
        self._group: asyncio.TaskGroup | None = None

    def end(self, ending: Ending) -> None:
        """End this connection; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(ending)

    async def run(self) -> None:
        """Serve until one side ends it. A defect of ours or of the mind ends this call and nothing else."""
        ending = Ending("our_error", "close", 1011)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                parts = [group.create_task(part) for part in (self._write(), self._open(), self._read(), self._watch())]
                ending = await self._ended
                if ending.how == "close" or ending.why == "fault":
                    await self._outbox.flushed(FLUSH_S)
                for part in parts:
                    part.cancel()
                await self._close_engine()
        except* Exception as failures:  # noqa: BLE001  # the boundary of a call: logged once, by id
            _log.exception(
                "offline agent: a call failed", exc_info=failures, extra={"request_id": self._record.request_id}
            )
        finally:
            await self._close_engine()
            self._record.ended_by = ending.why
        await self._hang_up(ending)

    async def _close_engine(self) -> None:
        engine, self._engine = self._engine, None
        self._line.close()
        if engine is not None:
            await engine.close()

    async def _open(self) -> None:
        self._line.moment("open")
        await asyncio.sleep(self._faults.welcome_delay_s)
        if not self._faults.never_welcome:
            self._line.event({"type": "Welcome", "request_id": self._record.request_id})

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
        else:
            self._record.audio(payload, sent=True)

    async def _read(self) -> None:
        while not self._ended.done():
            frame = await self._ws.receive()
            if frame.type is WSMsgType.TEXT:
                self._hear_text(frame.data.encode() if isinstance(frame.data, str) else frame.data)
            elif frame.type is WSMsgType.BINARY:
                self._hear_audio(frame.data)
            else:
                self.end(Ending("client gone", "close", 1000))
                return
            if self._faults.read_bytes_per_s:
                await asyncio.sleep(len(frame.data) / self._faults.read_bytes_per_s)

    async def _watch(self) -> None:
        """Keep the timers: nothing heard, the session's warning and its end."""
        timers, opened = self._manners.timers, self._record.opened_at
        warned = False
        while True:
            patience = timers.idle_s if self._settings_came else timers.settings_s
            due = min(
                self._active_at + patience, opened + (timers.end_s if warned else timers.warn_s), opened + timers.end_s
            )
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            if now >= opened + timers.end_s:
                return self._line.fail("MAXIMUM_SESSION_LENGTH_REACHED", "The session reached its maximum length.")
            if now >= self._active_at + patience:
                return self._line.fail("CLIENT_MESSAGE_TIMEOUT", "The client sent nothing for too long.")
            if not warned and now >= opened + timers.warn_s:
                warned = True
                self._line.event(events.warning("MAXIMUM_SESSION_LENGTH_APPROACHING", "The session ends soon."))

    async def _hang_up(self, ending: Ending) -> None:
        if ending.how == "reset":
            _abort(self._transport)
            return
        if ending.how == "close" and not self._ws.closed and not self._transport.is_closing():
            status = b"" if ending.code == 1005 else struct.pack("!H", ending.code)
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._ws.send_frame(status, WSMsgType.CLOSE)
                    while ending.why != "client gone":
                        if (await self._ws.receive()).type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                            break
            except (TimeoutError, ConnectionError, RuntimeError):
                pass
        self._transport.close()

    # What the client says

    def _hear_audio(self, audio: bytes) -> None:
        self._record.audio(audio, sent=False)
        self._active_at = time.monotonic()
        self._line.moment("audio")
        if self._engine is not None:
            self._engine.hear(self._incoming.convert(audio))
        elif self._settings_came:
            self._record.heard_early_bytes += len(audio)
        elif self._manners.early_audio == "error":
            self._line.fail("NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", "Audio came before Settings.")

    def _hear_text(self, text: bytes) -> None:
        self._record.text(_loosely(text), sent=False)
        if not self._manners.timers.idle_needs_audio:
            self._active_at = time.monotonic()
        try:
            message = m.parse(text)
            self._line.moment(str(type(message).__struct_config__.tag))
            if not isinstance(message, m.Settings) and not self._settings_came:
                raise rules.RefusedError("NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", "The first message must be Settings.")
            self._obey(message)
        except m.UnparsableError as bad:
            where = f"`{bad.path}`" if bad.path else "the message itself"
            self._line.fail(rules.UNPARSABLE, f"The client message does not match the contract at {where}.")
        except rules.RefusedError as bad:
            self._line.fail(bad.code, bad.description)

    def _obey(self, message: m.ClientMessage) -> None:
        if isinstance(message, m.Settings):
            self._take_settings(message)
        elif self._engine is not None:  # between Settings and SettingsApplied: undefined by the vendor, ignored here
            self._instruct(self._engine, message)

    def _instruct(self, engine: TurnEngine, message: Instruction) -> None:
        match message:
            case m.KeepAlive() | m.CustomToThink():
                pass
            case m.InjectUserMessage(content=content):
                engine.inject_user(content)
            case m.InjectAgentMessage():
                self._inject(engine, message)
            case m.FunctionCallResponse(name=name, content=content):
                call_id = None if message.id is msgspec.UNSET else message.id
                engine.answer_function(call_id, name, content)
                self._line.answered(call_id)
            case m.ForceEndTurn():
                self._force_end(engine)
            case m.UpdatePrompt() | m.UpdateThink() | m.UpdateThinkLive() | m.UpdateSpeak() | m.UpdateListen():
                self._update(engine, message)
            case _:
                assert_never(message)

    def _take_settings(self, settings: m.Settings) -> None:
        if self._settings_came:
            raise rules.RefusedError("SETTINGS_ALREADY_APPLIED", "Settings may be sent once per connection.")
        self._settings_came = True
        agent = self._stored_agent(settings.agent) if isinstance(settings.agent, str) else settings.agent
        rules.check_settings(settings, agent, self._manners.project)
        self._plan = plan_call(settings, agent)
        if not self._plan.greeting:
            self._plan = replace(self._plan, greeting=self._manners.greeting if not self._plan.context else "")
        assert self._group is not None
        if not self._faults.never_apply:
            self._group.create_task(self._apply())

    async def _apply(self) -> None:
        if self._faults.apply_delay_s:
            await asyncio.sleep(self._faults.apply_delay_s)
        if self._ended.done() or self._group is None:
            return
        plan, faults, pace = self._plan, self._faults, self._manners.pace
        if faults.unpaced:
            pace = replace(pace, speed=0.0, hold=False)
        if faults.frame_bytes:
            pace = replace(pace, frame_bytes=faults.frame_bytes)
        self._incoming = Incoming(plan.input)
        self._line.declare(plan.output)
        self._line.event({"type": "SettingsApplied"})
        self._warn_about_prompt()
        self._engine = TurnEngine(self._mind, plan, self._line, self._group.create_task, pace)
        self._engine.start()

    def _stored_agent(self, agent_id: str) -> m.Agent:
        stored = self._manners.agents.get(agent_id)
        if stored is None:
            raise rules.RefusedError("INVALID_AGENT_ID", "No agent with this id.")
        return m.parse_agent(msgspec.json.encode(stored))

    def _warn_about_prompt(self) -> None:
        if self._plan.prompt_was_cut:
            self._line.event(events.warning("PROMPT_TOO_LONG", "The prompt was cut to 25000 characters."))
        if self._plan.voice_prompt_added:
            self._line.event(events.warning("VOICE_PROMPT_ADDED", "Instructions for spoken style were added."))

    def _inject(self, engine: TurnEngine, message: m.InjectAgentMessage) -> None:
        rules.check_injection(message, self._manners.project)
        line = "I am still here." if message.message is msgspec.UNSET else message.message
        in_the_way = engine.inject_agent(line, message.behavior)
        if in_the_way is None:
            return
        reason = f"Refused because the {in_the_way} is speaking."
        if self._manners.refusal == "message":
            self._line.event({"type": "InjectionRefused", "message": reason})
        else:
            self._line.event(events.warning(f"INJECT_AGENT_MESSAGE_DURING_{in_the_way.upper()}_SPEECH", reason))

    def _force_end(self, engine: TurnEngine) -> None:
        if self._plan.listen.get("version") == "v2":
            engine.force_end_turn()
        else:
            self._line.event(events.warning("FORCE_END_TURN_UNSUPPORTED", "ForceEndTurn needs listen version v2."))

    def _update(
        self,
        engine: TurnEngine,
        message: m.UpdatePrompt | m.UpdateThink | m.UpdateThinkLive | m.UpdateSpeak | m.UpdateListen,
    ) -> None:
        project = self._manners.project
        match message:
            case m.UpdatePrompt(prompt=prompt):
                self._plan = with_more_prompt(self._plan, prompt)
                engine.set_prompt(self._plan.prompt)
                self._acknowledge("PromptUpdated")
            case m.UpdateThink(think=think):
                rules.check_think(think, project, opted_out=False, live="think_live" in self._plan.agent)
                self._plan = with_think(self._plan, think)
                engine.set_think(self._plan)
                self._acknowledge("ThinkUpdated")
            case m.UpdateThinkLive():
                if not project.think_live:
                    raise rules.RefusedError(rules.UNPARSABLE, "This project has no Think Live.")
                self._acknowledge("ThinkLiveUpdated")
            case m.UpdateSpeak(speak=speak):
                rules.check_speak(speak)
                engine.set_speak(first_voice(speak))
                self._acknowledge("SpeakUpdated")
            case m.UpdateListen(listen=listen):
                merged = merged_listen(self._plan, listen.provider)
                rules.check_listen(msgspec.convert(merged, m.ListenProvider))
                self._plan = replace(self._plan, listen=merged)
                engine.set_listen(merged)
                self._acknowledge("ListenUpdated")

    def _acknowledge(self, kind: str) -> None:
        self._line.event({"type": kind})
        if kind in {"PromptUpdated", "ThinkUpdated"}:
            self._warn_about_prompt()


def _loosely(text: bytes) -> Any:
    """Decode for the record; None where it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text.decode("utf-8", "replace")


def _abort(transport: asyncio.Transport) -> None:
    """End with a TCP reset: linger of zero, then close."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        )
    transport.abort()
