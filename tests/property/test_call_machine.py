"""The call as a rule-based state machine: any interleaving of both sides, deadlines and failures keeps the promises."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.kit.sheet import LOUD, Sheet, start

from offhook.call import actions as do
from offhook.call.hangup import DRAINED
from offhook.call.states import Agent
from offhook.errors import AgentBusy, AgentGone, AgentRefused, AgentUnavailable, CallerLost
from offhook.wire import deepgram, twilio

ERRORS = (AgentGone(code=1006), AgentRefused(status=401), AgentBusy(status=429), AgentUnavailable(why="no answer"))
TEXTS = st.sampled_from(
    (
        deepgram.Welcome("r"),
        deepgram.SettingsApplied(),
        deepgram.UserStartedSpeaking(),
        deepgram.ConversationText("user", "hello there"),
        deepgram.ConversationText("assistant", "how can I help you today"),
        deepgram.AgentStartedSpeaking(),
        deepgram.AgentAudioDone(),
        deepgram.LatencyReport(total_latency="0.7"),
        deepgram.FunctionCallRequest([deepgram.FunctionCall("f1", "a"), deepgram.FunctionCall("f2", "b", "{}", False)]),
        deepgram.FunctionCallCancelled([deepgram.CancelledCall("f1")]),
        deepgram.Warning("SLOW_THINK_REQUEST", ""),
        deepgram.Warning("MAXIMUM_SESSION_LENGTH_APPROACHING", ""),
        deepgram.Error("FAILED_TO_THINK", ""),
        deepgram.Error("INVALID_SETTINGS", ""),
        deepgram.Error("MAXIMUM_SESSION_LENGTH_REACHED", ""),
        deepgram.History(),
        deepgram.UnknownType(),
    )
)


class CallMachine(RuleBasedStateMachine):
    """Throws everything at one call."""

    def __init__(self) -> None:
        super().__init__()
        self.call = Sheet(choices=(b"one", b"two"))
        self.must_clear = False
        self.started = False

    def _after(self) -> None:
        """Check what was just asked for."""
        over = False
        for action in self.call.does():
            assert not over, f"{action} after Ended"
            over = isinstance(action, do.Ended)
            if isinstance(action, do.Clear):
                self.must_clear = False
            if isinstance(action, (do.Play, do.Clear, do.SendMark)):
                assert self.started, f"{action} before start"

    @initialize(now=st.floats(0, 1e7))
    def the_clock_stands_somewhere(self, now: float) -> None:
        self.call = Sheet(choices=(b"one", b"two"), now=now)

    @rule(stream=st.sampled_from(("MZ" + "3" * 32, "MZ" + "4" * 32)))
    def starts(self, stream: str) -> None:
        self.started = self.started or self.call.session.cause is None
        self.call.hears(start(stream))
        self._after()

    @rule()
    def admitted(self) -> None:
        if self.call.session.agent.state is Agent.IDLE and not self.started:
            self.call.note(self.call.session.admitted(self.call.now, dial=True))
            self._after()

    @rule(
        message=st.sampled_from(
            (
                twilio.Connected(),
                twilio.UnknownEvent(),
                twilio.Dtmf(twilio.DtmfKey("5")),
                twilio.Mark(twilio.MarkFacts("0-1")),
                twilio.Mark(twilio.MarkFacts("nobody's")),
            )
        )
    )
    def caller_message(self, message: twilio.Message) -> None:
        self.call.hears(message)
        self._after()

    @rule(frames=st.integers(1, 5))
    def caller_speaks(self, frames: int) -> None:
        for _ in range(frames):
            sent = self.call.speaks(LOUD)
            assert sent is None or self.call.session.agent.state is Agent.READY

    @rule()
    def agent_opens(self) -> None:
        self.call.agent_opens()
        self._after()

    @rule(message=TEXTS)
    def agent_message(self, message: deepgram.Message) -> None:
        session = self.call.session
        ready_before = session.agent.is_ready
        sounding = (
            session.downlink.is_streaming
            and session.downlink.ledger.heard(self.call.now) < session.downlink.ledger.sent
        )
        self.call.agent(message)
        if isinstance(message, deepgram.UserStartedSpeaking) and ready_before and sounding and session.cause is None:
            self.must_clear = True
        self._after()

    @rule(size=st.sampled_from((1, 159, 160, 8000)))
    def agent_audio(self, size: int) -> None:
        verdict = self.call.agent_audio(b"\x55" * size)
        if verdict is not None:
            assert self.started
            assert self.call.session.agent.is_ready
            assert not self.must_clear, "agent audio after a barge-in without a clear"

    @rule(which=st.sampled_from(ERRORS))
    def agent_lost(self, which: AgentGone) -> None:
        self.call.agent_is_lost(which)
        self._after()

    @rule(blocked=st.booleans())
    def agent_blocked(self, blocked: bool) -> None:
        self.call.note(self.call.session.agent_blocked(blocked, self.call.now))
        self._after()

    @rule(blocked=st.booleans())
    def caller_blocked(self, blocked: bool) -> None:
        self.call.note(self.call.session.caller_blocked(blocked, self.call.now))
        self._after()

    @rule()
    def bad_messages(self) -> None:
        self.call.note(self.call.session.caller_bad(self.call.now))
        self.call.note(self.call.session.agent_bad(self.call.now))
        self._after()

    @rule(call_id=st.sampled_from(("f1", "f2", "f9")))
    def function_answered(self, call_id: str) -> None:
        self.call.note(self.call.session.function_answered(call_id, "{}", self.call.now))
        self._after()

    @rule(seconds=st.sampled_from((0.01, 0.1, 1.0, 6.0, 20.0)))
    def time_passes(self, seconds: float) -> None:
        self.call.waits(seconds)
        if seconds >= 0.1:
            self.must_clear = False  # heard out, or cleared by its deadline
        self._after()

    @rule(how=st.sampled_from(("stop", "gone", "lost", "drain", "broke")))
    @precondition(lambda self: self.started)
    def ends(self, how: str) -> None:
        session, now = self.call.session, self.call.now
        if how == "stop":
            self.call.hangs_up()
        elif how == "gone":
            self.call.note(session.caller_gone(now))
        elif how == "lost":
            self.call.note(session.caller_gone(now, CallerLost()))
        elif how == "drain":
            self.call.note(session.hang_up(DRAINED, now, b"\x03" * 800))
        else:
            self.call.note(session.broke(RuntimeError(), now))
        self._after()

    @invariant()
    def exactly_one_ending(self) -> None:
        endings = [action for action in self.call.history if isinstance(action, do.Ended)]
        assert len(endings) == (self.call.session.cause is not None)
        if endings:
            assert self.call.session.deadlines.next_at is None
            assert endings[0].record.cause == self.call.session.cause

    @invariant()
    def nothing_but_settings_before_they_are_applied(self) -> None:
        if not self.call.session.agent.is_ready and self.call.session.agent.state in (Agent.DIALLING, Agent.WELCOME):
            last_dial = max(i for i, a in enumerate(self.call.history) if isinstance(a, do.DialAgent))
            after = self.call.history[last_dial:]
            assert not [a for a in after if isinstance(a, (do.ToAgent, do.AudioToAgent))]

    def teardown(self) -> None:
        """Whatever happened, the call ends, and its agent leg with it."""
        if self.call.session.cause is None and (self.started or self.call.session.deadlines.next_at is not None):
            self.call.waits(8000)
            assert self.call.session.cause is not None
        if self.call.session.cause is not None:
            assert self.call.session.agent.state in (Agent.GONE, Agent.IDLE)


CallMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCallMachine = CallMachine.TestCase
