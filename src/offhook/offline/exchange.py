"""What the client says, in order and in effect: one Settings, then instructions for the engine. Owns no socket.

Voice Agent reference, "Lifecycle" and "Client messages". Raises `UnparsableError` and `RefusedError`; the connection
turns both into `Error` and closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

import msgspec

from offhook.offline import events, rules
from offhook.offline import messages as m
from offhook.offline.engine import TurnEngine
from offhook.offline.faults import Faults
from offhook.offline.formats import Incoming
from offhook.offline.line import Line
from offhook.offline.live import DYNAMIC_LINE
from offhook.offline.manners import Manners
from offhook.offline.plan import (
    CallPlan,
    first_voice,
    merged_listen,
    plan_call,
    speak_entries,
    with_more_prompt,
    with_think,
)
from offhook.offline.ports import Mind

_EARLY: Final = "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS"
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
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


class Exchange:
    """The client's side of one call. ``spawn`` starts tasks that end with the call."""

    def __init__(
        self,
        mind: Mind,
        manners: Manners,
        faults: Faults,
        line: Line,
        spawn: Spawn,
        *,
        agents: Callable[[str], Mapping[str, Any] | None] | None = None,
    ) -> None:
        self._mind = mind
        self._manners = manners
        self._faults = faults
        self._line = line
        self._spawn = spawn
        self._agents = agents or manners.agents.get
        self._engine: TurnEngine | None = None
        self._applying: asyncio.Task[None] | None = None
        self._plan = CallPlan()
        self._incoming = Incoming(self._plan.input)
        self._heard_any = False
        self.early_audio_bytes = 0
        self.settings_came = False

    def audio(self, audio: bytes) -> None:
        """Take caller audio in the declared format."""
        if self._engine is not None:
            if not self._heard_any:
                self._heard_any = True
                rules.check_first_audio(audio)
            self._engine.hear(self._incoming.convert(audio))
        elif self.settings_came:
            self.early_audio_bytes += len(audio)
        elif self._manners.early_audio == "error":
            raise rules.RefusedError(_EARLY, "Audio came before Settings.")

    def text(self, text: bytes) -> None:
        """Take one text frame."""
        message = m.parse(text)
        self._line.moment(str(type(message).__struct_config__.tag))
        if isinstance(message, m.Settings):
            self._take_settings(message)
        elif not self.settings_came:
            raise rules.RefusedError(_EARLY, "The first message must be Settings.")
        elif self._engine is not None:  # between Settings and SettingsApplied: undefined by the vendor, ignored here
            self._instruct(self._engine, message)

    async def close(self) -> None:
        """Stop the engine and the mind's parts."""
        if self._applying is not None:
            self._applying.cancel()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    def _instruct(self, engine: TurnEngine, message: Instruction) -> None:
        match message:
            case m.KeepAlive():
                pass
            case m.CustomToThink(content=content):
                if self._manners.custom == "back":
                    self._line.event({"type": "__customFromThinkProvider", "content": content})
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
        if self.settings_came:
            raise rules.RefusedError("SETTINGS_ALREADY_APPLIED", "Settings may be sent once per connection.")
        self.settings_came = True
        agent = self._stored_agent(settings.agent) if isinstance(settings.agent, str) else settings.agent
        rules.check_settings(settings, agent, self._manners.project)
        self._plan = plan_call(settings, agent, self._manners.project)
        if not self._plan.greeting:
            self._plan = replace(self._plan, greeting=self._manners.greeting if not self._plan.context else "")
        if self._faults.never_apply:
            return
        if self._faults.apply_delay_s:
            self._applying = self._spawn(self._apply_late())
        else:
            self._apply()  # at once, so that what the client sends on its heels is heard

    async def _apply_late(self) -> None:
        await asyncio.sleep(self._faults.apply_delay_s)
        self._apply()

    def _apply(self) -> None:
        plan, faults, pace = self._plan, self._faults, self._manners.pace
        if faults.unpaced:
            pace = replace(pace, speed=0.0, hold=False)
        if faults.frame_bytes:
            pace = replace(pace, frame_bytes=faults.frame_bytes)
        self._incoming = Incoming(plan.input)
        self._line.declare(plan.output)
        self._line.chain.entries = {"think": plan.thinks, "speak": plan.speaks}
        manners = replace(self._manners, pace=pace)
        engine = TurnEngine(self._mind, plan, self._line, self._spawn, manners, self._line.chain)
        self._engine = engine
        self._line.event({"type": "SettingsApplied"})
        self._warn_about_prompt()
        engine.start()

    def _stored_agent(self, agent_id: str) -> m.Agent:
        if not self._manners.project.agent_ids:
            raise rules.RefusedError("AGENT_ID_NOT_SUPPORTED", "Agent ids need an authenticated service.")
        stored = self._agents(agent_id)
        if stored is None:
            raise rules.RefusedError("INVALID_AGENT_ID", "No agent with this id.")
        return m.parse_agent(msgspec.json.encode(stored))

    def _warn_about_prompt(self, *, is_new_model: bool = True) -> None:
        if self._plan.prompt_was_cut:
            self._line.event(events.warning("PROMPT_TOO_LONG", "The prompt was cut to 25000 characters."))
        if self._plan.voice_prompt_added and is_new_model:
            self._line.event(events.warning("VOICE_PROMPT_ADDED", "Instructions for spoken style were added."))

    def _inject(self, engine: TurnEngine, message: m.InjectAgentMessage) -> None:
        rules.check_injection(message, self._manners.project)
        line = DYNAMIC_LINE if message.message is msgspec.UNSET else message.message
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
        project, plan = self._manners.project, self._plan
        match message:
            case m.UpdatePrompt(prompt=prompt):
                self._plan = with_more_prompt(plan, prompt)
                engine.set_prompt(self._plan.prompt)
                self._acknowledge(engine, "PromptUpdated")
            case m.UpdateThink(think=think):
                rules.check_think(think, project, "think", opted_out=plan.opted_out, live="think_live" in plan.agent)
                self._plan = with_think(plan, think, project)
                self._line.chain.entries["think"] = self._plan.thinks
                engine.set_think(self._plan)
                self._acknowledge(engine, "ThinkUpdated")
            case m.UpdateThinkLive(think_live=live):
                if not project.think_live:
                    raise rules.RefusedError(rules.UNPARSABLE, rules.mismatch("type"))
                self._plan = replace(plan, agent={**plan.agent, "think_live": msgspec.to_builtins(live)})
                engine.set_live(self._plan.agent["think_live"])
                self._acknowledge(engine, "ThinkLiveUpdated")
            case m.UpdateSpeak(speak=speak):
                rules.check_speak(speak, project, "speak")
                rules.check_output(plan.output_asked, speak)
                self._line.chain.entries["speak"] = speak_entries(speak, plan.output_asked)
                engine.set_speak(first_voice(speak))
                self._acknowledge(engine, "SpeakUpdated")
            case m.UpdateListen(listen=listen):
                merged = merged_listen(plan, listen.provider)
                rules.check_listen(msgspec.convert(merged, m.ListenProvider), "listen.provider")
                rules.check_listen_change(listen.provider, merged)
                self._plan = replace(plan, listen=merged)
                engine.set_listen(merged)
                self._acknowledge(engine, "ListenUpdated")

    def _acknowledge(self, engine: TurnEngine, kind: str) -> None:
        if self._manners.acks == "after_audio":
            engine.when_quiet(lambda: self._line.event({"type": kind}))
        else:
            self._line.event({"type": kind})
        if kind in {"PromptUpdated", "ThinkUpdated"}:
            self._warn_about_prompt(is_new_model=kind == "ThinkUpdated")
