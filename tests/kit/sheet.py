"""A call sheet: drives a `CallSession` in words, on a clock that stands still until told. No sockets, no loop."""

from __future__ import annotations

from collections.abc import Sequence

from offhook.call import actions as do
from offhook.call.ports import AgentSetup, CallFacts, Phrases
from offhook.call.session import CallSession
from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import AgentError
from offhook.wire import deepgram, twilio, ulaw
from offhook.wire.twilio import AccountSid, CallSid

CALL = CallSid("CA" + "1" * 32)
ACCOUNT = AccountSid("AC" + "2" * 32)
STREAM = "MZ" + "3" * 32
PHRASES = Phrases(hold=b"\x01" * 800, apology=b"\x02" * 1600, limit=b"\x03" * 1600)
LOUD = bytes([0x10, 0x90] * 80)


def start(stream: str = STREAM, **parameters: str) -> twilio.Start:
    """Twilio's `start`."""
    facts = twilio.StartFacts(ACCOUNT, CALL, stream, custom_parameters=parameters)
    return twilio.Start(facts, stream, 1)


def media(audio: bytes, sequence: int, track: str = "inbound") -> twilio.Media:
    """One frame from Twilio."""
    return twilio.Media(twilio.MediaPayload(audio, track), sequence)


class Sheet:
    """One call, told event by event. ``does()`` returns (and forgets) what the session asked for since."""

    def __init__(
        self,
        *,
        greets: bool = True,
        choices: Sequence[bytes] = (b"{settings}",),
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        now: float = 1000.0,
    ) -> None:
        self.now = now
        self.sequence = 1
        setup = AgentSetup("agent", choices, greets)
        facts = CallFacts(CALL, ACCOUNT)
        self.session = CallSession(facts, setup, PHRASES, limits or Limits(), timeouts or Timeouts(), self.now)
        self._done: list[do.Action] = []
        #: Everything the session ever asked for, in order.
        self.history: list[do.Action] = []
        #: Audio and marks as written to Twilio, and audio as written to the agent.
        self.to_caller: list[bytes | str] = []
        self.to_agent = b""

    def note(self, actions: list[do.Action]) -> None:
        """Book what the session asked for."""
        self._done += actions
        self.history += actions
        for action in actions:
            if isinstance(action, do.Play):
                self.to_caller += [action.audio] + ([action.mark] if action.mark else [])
            elif isinstance(action, do.SendMark):
                self.to_caller.append(action.name)
            elif isinstance(action, do.AudioToAgent):
                self.to_agent += action.audio

    def does(self) -> list[do.Action]:
        """Return what the session asked for since the last time."""
        done, self._done = self._done, []
        return done

    # -- the clock ---------------------------------------------------------------------------------------------

    def waits(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        until = self.now + seconds
        while (due := self.session.deadlines.next_at) is not None and due <= until:
            self.now = max(self.now, due)
            self.note(self.session.time_passed(self.now))
        self.now = until

    # -- the caller --------------------------------------------------------------------------------------------

    def starts(self, **parameters: str) -> None:
        """The stream starts."""
        self.hears(start(**parameters))

    def hears(self, message: twilio.Message | twilio.UnknownEvent) -> None:
        """A control message from Twilio."""
        self.note(self.session.caller_says(message, self.now))

    def speaks(self, audio: bytes, track: str = "inbound") -> bytes | None:
        """One frame of caller audio; returns what went to the agent."""
        self.sequence += 1
        sent = self.session.caller_audio(media(audio, self.sequence, track), self.now)
        if sent is not None:
            self.to_agent += sent
        return sent

    def echoes(self, mark: str) -> None:
        """A mark comes back."""
        self.hears(twilio.Mark(twilio.MarkFacts(mark)))

    def hangs_up(self) -> None:
        """The caller hangs up."""
        self.hears(twilio.Stop())

    # -- the agent ---------------------------------------------------------------------------------------------

    def agent_opens(self) -> None:
        """The agent's socket opens."""
        self.note(self.session.agent_opened(self.now))

    def agent(self, *messages: deepgram.Message | deepgram.UnknownType) -> None:
        """Text messages from the agent."""
        for message in messages:
            self.note(self.session.agent_says(message, self.now))

    def agent_audio(self, audio: bytes) -> str | None:
        """Agent audio; returns the verdict."""
        verdict = self.session.agent_audio(audio, self.now)
        if verdict is not None:
            self.to_caller += [audio] + ([verdict] if verdict else [])
        return verdict

    def agent_is_lost(self, error: AgentError) -> None:
        """The agent leg ends."""
        self.note(self.session.agent_lost(error, self.now))

    def agent_is_ready(self) -> None:
        """Open, Welcome, Settings, SettingsApplied."""
        self.agent_opens()
        self.agent(deepgram.Welcome("req-1"), deepgram.SettingsApplied())

    def is_bridged(self) -> None:
        """The stream has started and the agent is ready; what that took is forgotten."""
        self.starts()
        self.agent_is_ready()
        self.does()

    def agent_answers(self, text: str, ms: int) -> None:
        """A whole answer of one segment."""
        self.agent(deepgram.ConversationText("assistant", text))
        for _ in range(ms // 20):
            self.agent_audio(ulaw.silence(20))

    @property
    def record(self) -> do.CallRecord:
        """The call record; there must be exactly one."""
        (ended,) = [action for action in self.history if isinstance(action, do.Ended)]
        return ended.record
