"""One owner per call: two legs, one deadline timer, and a loop that does what the session says. Decides nothing.

The audio path is `caller_media` and `agent_binary`: called from a socket's callback, they ask the session and write
the other socket, without a queue, a task switch or an allocation beyond the frames themselves.
"""

from __future__ import annotations

import asyncio
from binascii import b2a_base64
from collections.abc import Callable
from typing import assert_never

from offhook.call import actions as do
from offhook.call.downlink import DROP
from offhook.call.hangup import HangupCause, cause_of
from offhook.call.ports import AgentSetup, CallObserver, Functions
from offhook.call.session import CallSession
from offhook.errors import AgentError, CallerError, OurError
from offhook.run.agent_leg import AgentDialler, AgentLeg, ended
from offhook.run.caller_leg import CallerLeg
from offhook.run.deadline_timer import DeadlineTimer
from offhook.run.function_calls import FunctionCalls
from offhook.run.leg import nowhere
from offhook.run.owner import Owner
from offhook.wire import deepgram, twilio
from offhook.wire.twilio import MEDIA_TAIL, MarkName, Outbound, StreamSid


class CallRunner:
    """Runs one call, and tells ``owner`` when the session has ended."""

    def __init__(
        self,
        session: CallSession,
        setup: AgentSetup,
        dialler: AgentDialler,
        functions: Functions,
        observer: CallObserver,
        owner: Owner,
    ) -> None:
        self.session, self._setup, self.call_sid = session, setup, session.facts.call_sid
        self.caller_leg: CallerLeg | None = None
        self.agent_leg: AgentLeg | None = None
        self._dialler, self._observer, self._owner = dialler, observer, owner
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._outbound = Outbound(StreamSid(""))
        # What the audio path needs, one lookup away.
        self._caller_audio, self._agent_audio = session.caller_audio, session.agent_audio
        self._media_head = b""
        self._to_agent: Callable[[bytes], None] = nowhere
        self._to_caller: Callable[[bytes], None] = nowhere
        self._timer = DeadlineTimer(self._loop, lambda: self._step(session.time_passed))
        self._dialling: asyncio.Task[None] | None = None
        self._functions = FunctionCalls(functions, self._function_answered)
        self._over = self._loop.create_future()

    def caller_media(self, media: twilio.Media) -> None:
        """Caller audio came."""
        try:
            audio = self._caller_audio(media, self._now())
            if audio is not None:
                self._to_agent(audio)
        except Exception as defect:  # noqa: BLE001 - the boundary of a call: a defect ends this call only
            self._broke(defect)

    def agent_binary(self, leg: AgentLeg, audio: bytes) -> None:
        """Agent audio came."""
        if leg is not self.agent_leg:
            return
        try:
            verdict = self._agent_audio(audio, self._now())
            if verdict is not DROP:
                self._to_caller(self._media_head + b2a_base64(audio, newline=False) + MEDIA_TAIL)
                if verdict:
                    self._to_caller(self._outbound.mark(MarkName(verdict)))
        except Exception as defect:  # noqa: BLE001 - as above
            self._broke(defect)

    def attach(self, leg: CallerLeg, stream_sid: StreamSid) -> None:
        """The caller's stream is there."""
        self.caller_leg, self._outbound = leg, Outbound(stream_sid)
        self._media_head, self._to_caller = self._outbound.media_head, leg.send

    def admitted(self, *, dial: bool) -> None:
        """The webhook was answered."""
        self._step(lambda now: self.session.admitted(now, dial=dial))

    def caller_message(self, message: twilio.Message | twilio.UnknownEvent) -> None:
        """A control message came from Twilio."""
        self._step(lambda now: self.session.caller_says(message, now))

    def caller_bad(self) -> None:
        """A malformed message came from Twilio."""
        self._step(self.session.caller_bad)

    def caller_over(self, leg: CallerLeg, error: CallerError | None) -> None:
        """Twilio's socket is gone."""
        if leg is self.caller_leg:
            self._step(lambda now: self.session.caller_gone(now, error))

    def caller_blocked(self, blocked: bool) -> None:
        """Twilio's socket is full, or has room again."""
        if self.agent_leg is not None:
            self.agent_leg.read(not blocked)
        self._step(lambda now: self.session.caller_blocked(blocked, now))

    def agent_opened(self, leg: AgentLeg) -> None:
        """The agent's socket is open. One that comes too late (the call ended meanwhile) is closed at once (A27)."""
        if self._over.done() or self.agent_leg is not None:
            leg.close(1000)
            return
        self.agent_leg, self._to_agent = leg, leg.send_audio
        self._owner.agent_reached(None)
        self._step(self.session.agent_opened)

    def agent_text(self, leg: AgentLeg, payload: memoryview | bytearray) -> None:
        """A text message came from the agent."""
        if leg is not self.agent_leg:
            return
        try:
            message = deepgram.decode(payload)
        except deepgram.Malformed:
            self._step(self.session.agent_bad)
            return
        self._step(lambda now: self.session.agent_says(message, now))

    def agent_ponged(self, leg: AgentLeg) -> None:
        """The agent answered a ping."""
        if leg is self.agent_leg:
            self.session.agent_ponged()

    def agent_over(self, leg: AgentLeg) -> None:
        """The agent's socket is gone."""
        if leg is self.agent_leg:
            self.agent_leg, self._to_agent = None, nowhere
            self._step(lambda now: self.session.agent_lost(ended(leg), now))

    def agent_blocked(self, leg: AgentLeg, blocked: bool) -> None:
        """The agent's socket is full, or has room again."""
        if leg is self.agent_leg:
            self._step(lambda now: self.session.agent_blocked(blocked, now))

    def hang_up(self, cause: HangupCause, phrase: bytes = b"") -> None:
        """End the call from our side."""
        self._step(lambda now: self.session.hang_up(cause, now, phrase))

    async def wait_over(self) -> None:
        """Wait until the session has ended and every task of this call is gone."""
        await asyncio.shield(self._over)
        if self._dialling is not None:
            await asyncio.gather(self._dialling, return_exceptions=True)
        await self._functions.wait()

    def _step(self, event: Callable[[float], list[do.Action]]) -> None:
        try:
            for action in event(self._now()):
                self._do(action)
        except Exception as defect:  # noqa: BLE001 - the boundary of a call
            self._broke(defect)
        self._timer.set(self.session.deadlines.next_at)

    def _do(self, action: do.Action) -> None:
        match action:
            case do.Play():
                self._play(action)
            case do.SendMark():
                self._to_caller(self._outbound.mark(action.name))
            case do.Clear():
                self._to_caller(self._outbound.clear)
            case do.ToAgent():
                if self.agent_leg is not None:
                    self.agent_leg.send_text(action.frame)
            case do.AudioToAgent():
                self._to_agent(action.audio)
            case do.DialAgent():
                self._dialling = self._loop.create_task(self._dial())
            case do.PingAgent():
                if self.agent_leg is not None:
                    self.agent_leg.ping()
            case do.CloseAgent():
                self._close_agent()
            case do.CloseCaller():
                self._close_caller(action.code)
            case do.RunFunctions():
                self._functions.start(action.calls)
            case do.CancelFunctions():
                self._functions.cancel(action.ids)
            case do.SettingsAccepted():
                self._setup.accepted(action.choice)
            case do.SettingsRefused() | do.Note():
                self._observer.noted(self.session.facts, action)
            case do.Ended():
                self._ended(action.record)
            case _:
                assert_never(action)

    def _play(self, action: do.Play) -> None:
        for at in range(0, len(action.audio), 16000):  # 2 s a message: Twilio takes any size, we stay modest
            self._to_caller(self._outbound.media(action.audio[at : at + 16000]))
        if action.mark is not None:
            self._to_caller(self._outbound.mark(action.mark))

    async def _dial(self) -> None:
        try:
            await self._dialler.dial(self)
        except AgentError as error:
            lost = error
            self._owner.agent_reached(error)
            self._step(lambda now: self.session.agent_lost(lost, now))
        except Exception as defect:  # noqa: BLE001 - the boundary of a call
            self._broke(defect)

    def _function_answered(self, call_id: str, content: str) -> None:
        self._step(lambda now: self.session.function_answered(call_id, content, now))

    def _close_agent(self) -> None:
        if self._dialling is not None and self._dialling is not asyncio.current_task():
            self._dialling.cancel()
        leg, self.agent_leg, self._to_agent = self.agent_leg, None, nowhere
        if leg is not None:
            leg.close(1000)

    def _close_caller(self, code: int) -> None:
        if self.caller_leg is not None:
            self.caller_leg.close(code)

    def _ended(self, record: do.CallRecord) -> None:
        self._timer.set(None)
        self._functions.cancel()
        self._over.set_result(None)
        self._owner.ended(self, record)
        self._observer.call_ended(record)

    def _broke(self, defect: Exception) -> None:
        self._observer.defect(self.session.facts, defect)
        try:
            for action in self.session.broke(OurError(), self._now()):
                self._do(action)
        except Exception as second:  # noqa: BLE001 - never leave a call half alive
            self._observer.defect(self.session.facts, second)
            self._close_agent()
            self._close_caller(1000)
            if not self._over.done():
                facts, cause = self.session.facts, cause_of(second)
                self._ended(do.CallRecord(facts.call_sid, "", facts.agent, cause, True, 0.0, None, "", (), {}))
        self._timer.set(self.session.deadlines.next_at)
