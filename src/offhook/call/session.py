"""One phone call as a state machine. Pure: messages, audio and ``now`` in; actions out. No sockets, no clock, no tasks.

``now`` is monotonic seconds from any origin. Control messages return a list of actions; a frame of audio does not
travel as an event: `caller_audio` and `agent_audio` are called directly and answer with what to write.

The order that must hold: the agent is dialled once the call is admitted, nothing but Settings is sent before
SettingsApplied, agent audio waits for `start`, a barge-in clears before any new agent audio, either side's end closes
the other, and `Ended` comes exactly once, last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, assert_never

from offhook.call import actions as do
from offhook.call.agent_side import AgentSide
from offhook.call.deadlines import Deadline, Deadlines
from offhook.call.downlink import Downlink, Verdict
from offhook.call.hangup import CALLER_HUNG_UP, NEVER_STREAMED, TIME_LIMIT, HangupCause, cause_of, close_code
from offhook.call.keypad import Keypad
from offhook.call.ports import AgentSetup, CallFacts, Phrases
from offhook.call.record import record_of
from offhook.call.states import Agent, Caller
from offhook.call.uplink import Gate, Uplink
from offhook.call.watch import Watch
from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import (
    AgentError,
    AgentFailed,
    AgentRejectedSettings,
    AgentSilent,
    AgentStuck,
    AgentUnavailable,
    CallerProtocolError,
    CallerStuck,
    OffhookError,
)
from offhook.wire import deepgram, twilio
from offhook.wire.settings_fields import field_named
from offhook.wire.twilio import MarkName

_LAST_MINUTE_S: Final = 60.0


class CallSession:
    """The state of one call. The module's docstring says what goes in and out."""

    def __init__(
        self, facts: CallFacts, setup: AgentSetup, phrases: Phrases, limits: Limits, timeouts: Timeouts, now: float
    ) -> None:
        self.facts = facts
        self.caller = Caller.EXPECTED
        self.cause: HangupCause | None = None
        self.counts: Counter[str] = Counter()
        self.deadlines = Deadlines()
        self._out: list[do.Action] = []
        self.agent = AgentSide(setup, timeouts, self.deadlines, self._out)
        self.downlink = Downlink(limits, self.counts, self._agent_sounds, now)
        self.watch = Watch(self.deadlines, timeouts)
        self.keypad = Keypad(limits, self.counts)
        self.uplink = Uplink(limits, self.counts, keep=not setup.greets, now=now)
        #: The two audio methods: a frame and ``now`` in, what to write (or a verdict) out.
        self.caller_audio: Callable[[twilio.Media, float], bytes | None] = self.uplink.take
        self.agent_audio: Callable[[bytes, float], Verdict] = self.downlink.take
        self._greets, self._phrases, self._limits, self._timeouts = setup.greets, phrases, limits, timeouts
        self.began_at = self._caller_at = now
        self.started_at: float | None = None
        self._stream_sid = ""
        self._last_mark: MarkName | None = None
        self._goodbye_cause = CALLER_HUNG_UP
        self._failure: AgentError | None = None

    def _agent_sounds(self, now: float) -> None:
        """The agent is heard: it owes nothing."""
        if self.watch.is_waiting:
            self.watch.stop()
            self.downlink.transcript.answered(now - self.began_at)

    def admitted(self, now: float, *, dial: bool) -> list[do.Action]:
        """The voice webhook was answered: dial ahead, and expect the stream soon."""
        self.deadlines.arm(Deadline.ADMITTED, now + self._timeouts.admitted_s)
        if dial:
            self.agent.dial()
        return self._take()

    def caller_says(self, message: twilio.Message | twilio.UnknownEvent, now: float) -> list[do.Action]:
        """Take a control message from Twilio."""
        self._caller_at = now
        match message:
            case twilio.Start():
                self._start(message, now)
            case twilio.Mark():
                self.uplink.passed(message.sequence_number)
                self._mark(MarkName(message.mark.name), now)
            case twilio.Dtmf():
                self.uplink.passed(message.sequence_number)
                self.keypad.press(message.key, now)
            case twilio.Stop():
                self._end(self._goodbye_cause, now)
            case twilio.UnknownEvent():
                self.counts["unknown_caller_event"] += 1
            case twilio.Connected() | twilio.Media():
                pass  # `connected` is optional; audio goes to `caller_audio`
            case _:
                assert_never(message)
        return self._take()

    def caller_bad(self, now: float) -> list[do.Action]:
        """A message from Twilio was malformed; ten of them end the call."""
        self.counts["bad_caller_message"] += 1
        if self.counts["bad_caller_message"] >= self._limits.bad_messages:
            self._end(cause_of(CallerProtocolError()), now)
        return self._take()

    def caller_gone(self, now: float, error: OffhookError | None = None) -> list[do.Action]:
        """Twilio's socket ended, with `stop` or without."""
        was_saying_goodbye = self.caller is Caller.GOODBYE
        self._end(cause_of(error) if error and not was_saying_goodbye else self._goodbye_cause, now)
        return self._take()

    def caller_blocked(self, blocked: bool, now: float) -> list[do.Action]:
        """Twilio's socket is full, or has room again. The shell does not read the agent meanwhile."""
        if blocked and self.caller is not Caller.OVER:
            self.counts["caller_blocked"] += 1
            self.deadlines.arm(Deadline.CALLER_STUCK, now + self._timeouts.caller_stuck_s)
        else:
            self.deadlines.disarm(Deadline.CALLER_STUCK)
        return []

    def agent_opened(self, now: float) -> list[do.Action]:
        """The agent's socket is open; it speaks first."""
        if self.agent.state is not Agent.DIALLING:
            return [do.CloseAgent()]
        self.agent.opened(now)
        return self._take()

    def agent_says(self, message: deepgram.Message | deepgram.UnknownType, now: float) -> list[do.Action]:
        """Take a text message from the agent."""
        if self.agent.state in _NO_AGENT:
            return []
        match message:
            case deepgram.Welcome():
                self.agent.welcome(message)
            case deepgram.SettingsApplied():
                if self.agent.applied(now):
                    self._open_uplink(now)
            case deepgram.UserStartedSpeaking():
                self._barge_in(now)
            case deepgram.ConversationText():
                self._text(message, now)
            case deepgram.AgentStartedSpeaking():
                self.downlink.new_turn()
            case deepgram.AgentAudioDone():
                self._out += self.downlink.done()
            case deepgram.FunctionCallRequest():
                self.watch.stop()
                self.counts["function_call"] += self.agent.request(message, now)
            case deepgram.FunctionCallCancelled():
                self.agent.cancel([call.id for call in message.functions])
            case deepgram.LatencyReport():
                self.downlink.transcript.vendor_latency(deepgram.seconds(message.total_latency))
            case deepgram.Warning():
                self._warned(message, now)
            case deepgram.Error():
                self._errored(message, now)
            case deepgram.UnknownType():
                self.counts["unknown_agent_type"] += 1
            case _:
                pass  # History, thoughts and acks: nothing to do
        return self._take()

    def agent_bad(self, now: float) -> list[do.Action]:
        """A message from the agent was malformed; ten of them are a failed agent."""
        self.counts["bad_agent_message"] += 1
        if self.counts["bad_agent_message"] >= self._limits.bad_messages:
            self._agent_failed(AgentFailed(code="malformed messages"), now)
        return self._take()

    def agent_lost(self, error: AgentError, now: float) -> list[do.Action]:
        """The agent could not be dialled, or its socket ended."""
        if self.agent.state not in (Agent.GONE, Agent.IDLE):
            self._agent_failed(error, now)
        return self._take()

    def agent_blocked(self, blocked: bool, now: float) -> list[do.Action]:
        """The agent's socket is full, or has room again."""
        if not self.agent.is_ready:
            return []
        if blocked:
            self.uplink.slow_down()
            self.deadlines.arm(Deadline.AGENT_STUCK, now + self._timeouts.stuck_s)
        elif self.uplink.gate is Gate.SLOW:
            self.deadlines.disarm(Deadline.AGENT_STUCK)
            self._open_uplink(now)
        return self._take()

    def agent_ponged(self) -> None:
        """The agent answered a ping."""
        self.deadlines.disarm(Deadline.PONG)

    def function_answered(self, call_id: str, content: str, now: float) -> list[do.Action]:
        """A function of ours has an answer. Answers to withdrawn calls are dropped."""
        if self.agent.answer(call_id, content):
            self._expect_answer(now)
        return self._take()

    def hang_up(self, cause: HangupCause, now: float, phrase: bytes = b"") -> list[do.Action]:
        """End the call from our side; ``phrase`` is heard first where the caller is there to hear it."""
        self._goodbye(phrase, cause, now)
        return self._take()

    def broke(self, error: Exception, now: float) -> list[do.Action]:
        """A defect of ours surfaced in this call: apologise and end it."""
        self._goodbye(self._phrases.apology, cause_of(error), now)
        return self._take()

    def time_passed(self, now: float) -> list[do.Action]:
        """Act on every deadline that has passed; on one that passes again and again, never for ever."""
        for _ in Deadline:
            if (due := self.deadlines.pop_due(now)) is not None:
                self._deadline(due, now)
        return self._take()

    def _start(self, message: twilio.Start, now: float) -> None:
        if self.caller is not Caller.EXPECTED or not message.is_ulaw_8000:
            if message.sid != self._stream_sid:
                self._end(cause_of(CallerProtocolError()), now)
            return
        self.caller = Caller.STREAMING
        self.uplink.is_streaming = True
        self._stream_sid, self.started_at = message.sid, now
        self.deadlines.disarm(Deadline.ADMITTED)
        self.deadlines.arm(Deadline.CALLER_SILENT, now + self._timeouts.caller_silent_s)
        self.deadlines.arm(Deadline.CALL, now + self._timeouts.call_s)
        self._out += self.downlink.release(now)
        self._out.append(do.Note("call_started", {"agent": self.facts.agent}))
        if self._failure is not None:
            self._goodbye(self._phrases.apology, cause_of(self._failure), now)
            return
        if self.agent.state is Agent.IDLE:
            self.agent.dial()
        if self._greets or not self.agent.is_ready:
            self.deadlines.arm(Deadline.HOLD, now + self._timeouts.hold_s)

    def _mark(self, name: MarkName, now: float) -> None:
        if not self.downlink.echoed(name, now):
            self.counts["stray_mark"] += 1
        if self.caller is Caller.GOODBYE and name == self._last_mark:
            self._end(self._goodbye_cause, now)

    def _open_uplink(self, now: float) -> None:
        self.downlink.is_open = True
        kept = self.uplink.open(now)
        if kept:
            self._out.append(do.AudioToAgent(kept))

    def _barge_in(self, now: float) -> None:
        self._clear(self.downlink.barge_in(now))
        self.watch.for_a_turn(now)

    def _clear(self, what: tuple[list[do.Clear], float | None]) -> None:
        clears, again_at = what
        self._out += clears
        if again_at is not None:
            self.deadlines.arm(Deadline.CLEAR, again_at)

    def _text(self, message: deepgram.ConversationText, now: float) -> None:
        if message.role == "user":
            self.downlink.new_turn()
            self.downlink.transcript.caller_said(message.content, now - self.began_at)
            self._expect_answer(now)
        else:
            self.deadlines.disarm(Deadline.AGENT_SILENT)
            self.downlink.text(message.content, now - self.began_at)

    def _expect_answer(self, now: float) -> None:
        self.watch.for_an_answer(now)
        self.downlink.pause()

    def _warned(self, message: deepgram.Warning, now: float) -> None:
        self.counts["agent_warning"] += 1
        self._out.append(do.Note("agent_warning", {"code": message.code[:64]}))
        if message.code == "MAXIMUM_SESSION_LENGTH_APPROACHING":
            self.deadlines.arm(Deadline.CALL, now + _LAST_MINUTE_S)

    def _errored(self, message: deepgram.Error, now: float) -> None:
        code = message.code[:64] or "unnamed"
        if code == "MAXIMUM_SESSION_LENGTH_REACHED":
            self._goodbye(self._phrases.limit, TIME_LIMIT, now)
        elif self.agent.is_ready:
            self._agent_failed(AgentFailed(code=code), now)
        elif not self.agent.refused(code, field := field_named(message.description)):
            self._agent_failed(AgentRejectedSettings(code=code, field=field or None), now)

    def _agent_failed(self, error: AgentError, now: float) -> None:
        if self.agent.state is Agent.GONE:
            return
        self._drop_agent()
        self._out.append(do.Note("agent_lost", {"reason": error.reason, "error": str(error)}))
        self._failure = error
        if self.caller is Caller.STREAMING:
            self._goodbye(self._phrases.apology, cause_of(error), now)

    def _drop_agent(self) -> None:
        self.agent.gone()
        self.uplink.shut()
        self.downlink.shut()
        self.watch.stop()

    def _goodbye(self, phrase: bytes, cause: HangupCause, now: float) -> None:
        """Say ``phrase`` and close once it was heard, so that Twilio goes on with the TwiML after `<Connect>`."""
        if self.caller in _DEAF:
            return
        if self.caller is Caller.EXPECTED or not phrase:
            self._end(cause, now)
            return
        self._drop_agent()
        clears, last_s = self.downlink.last(now)
        self.caller, self._goodbye_cause = Caller.GOODBYE, cause
        self.deadlines.disarm_all()
        play = self.downlink.play(phrase, now)
        self._last_mark = play.mark
        self._out += (*clears, play)
        self.deadlines.arm(Deadline.GOODBYE, now + last_s + self._timeouts.goodbye_s)

    def _end(self, cause: HangupCause, now: float) -> None:
        if self.caller is Caller.OVER:
            return
        self._drop_agent()
        self.caller, self.cause = Caller.OVER, cause
        self.deadlines.disarm_all()
        ids = (self._stream_sid, self.agent.request_id)
        record = record_of(self.facts, cause, ids, self.downlink, self.started_at, now, self.counts)
        self._out += (do.CloseCaller(close_code(cause)), do.Ended(record))

    def _deadline(self, due: Deadline, now: float) -> None:
        match due:
            case Deadline.ADMITTED:
                self._end(NEVER_STREAMED, now)
            case Deadline.SETTINGS:
                if not self.agent.settings_late():
                    self._agent_failed(AgentUnavailable(why="no SettingsApplied"), now)
            case Deadline.HOLD:
                if self.downlink.first_audio_at is None:
                    self._say_hold(now)
            case Deadline.ANSWER_WARN:
                self._say_hold(now)
            case Deadline.KEEP_ALIVE:
                self.agent.keep_alive(self.uplink.sent_at, now)
            case Deadline.CALLER_SILENT:
                self._caller_silent(now)
            case Deadline.CALLER_STUCK:
                self._end(cause_of(CallerStuck()), now)
            case Deadline.AGENT_SILENT:
                if self.watch.is_deaf(self.uplink.last_frame, now):
                    self._agent_failed(AgentSilent(what="turn"), now)
            case Deadline.AGENT_STUCK:
                self._agent_failed(AgentStuck(), now)
            case Deadline.ANSWER | Deadline.PONG:
                self._agent_failed(AgentSilent(what=due.name.lower()), now)
            case Deadline.PING:
                self.agent.ping(now)
            case Deadline.CLEAR:
                self._clear(self.downlink.clear(now))
            case Deadline.GOODBYE:
                self._end(self._goodbye_cause, now)
            case Deadline.CALL:
                self._goodbye(self._phrases.limit, TIME_LIMIT, now)
            case Deadline.TOOL:
                self.agent.answer_late_ones()
                self._expect_answer(now)
            case _:
                assert_never(due)

    def _say_hold(self, now: float) -> None:
        """Fill dead air, once at the start and once per late answer; never over anything the caller hears."""
        if self.caller is Caller.STREAMING and not self.downlink.ledger.unheard_s(now):  # marks may never come (C15)
            self.counts["hold_phrase"] += 1
            self._out.append(self.downlink.play(self._phrases.hold, now))

    def _caller_silent(self, now: float) -> None:
        due = max(self._caller_at, self.uplink.sent_at, self.uplink.heard_at) + self._timeouts.caller_silent_s
        if due > now:
            self.deadlines.arm(Deadline.CALLER_SILENT, due)
        else:
            self._end(cause_of(CallerStuck(why="silent")), now)

    def _take(self) -> list[do.Action]:
        out = self._out.copy()
        self._out.clear()
        return out


_DEAF: Final = (Caller.GOODBYE, Caller.OVER)
_NO_AGENT: Final = (Agent.GONE, Agent.IDLE, Agent.DIALLING)
