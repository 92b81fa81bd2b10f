"""Listens in on a simulated call: clock, events, both sides' audio and speech, findings. Decides nothing."""

from __future__ import annotations

import time
from typing import Final

from offhook.sim.complaints import Complaints
from offhook.sim.events import (
    AgentHeard,
    AgentQuiet,
    CallerQuiet,
    CallerSpeaks,
    ClearReceived,
    Complained,
    Event,
    MarkReturned,
    OnEvent,
    StreamStarted,
    VerbRun,
)
from offhook.sim.hearing import Hearing, Utterance
from offhook.sim.recording import Track
from offhook.sim.report import Line

#: Events kept for the report; marks, which are many, are told and not kept.
EVENTS_KEPT: Final = 20_000
#: Playback is told in pieces of at most 20 ms; what is not told by now is silence only after twice that.
LATE_MS: Final = 40.0


class Witness:
    """Everything that is noted of one call. Times are ms since it was made."""

    def __init__(self, on_event: OnEvent) -> None:
        self._origin = time.monotonic()
        self._on_event = on_event
        self._text = ""
        self.events: list[Event] = []
        self.complaints = Complaints()
        self.clears_ms: list[float] = []
        self.twiml: list[str] = []
        self.stream_sids: list[str] = []
        self.stream_started_ms: float | None = None
        self.lines: list[Line] = []
        self.caller_track = Track()
        self.agent_track = Track()
        self.caller = Hearing(self._caller_began, self._caller_ceased)
        self.agent = Hearing(self._agent_began, self._agent_ceased)

    def now_ms(self) -> float:
        """Return the time of the call."""
        return (time.monotonic() - self._origin) * 1000

    def tell(self, event: Event) -> None:
        """Note an event and pass it on."""
        match event:
            case ClearReceived(at_ms):
                self.clears_ms.append(at_ms)
            case VerbRun(_, verb, text):
                self.twiml.append(f"{verb} {text}".strip())
            case StreamStarted(at_ms, stream_sid):
                self.stream_sids.append(stream_sid)
                if self.stream_started_ms is None:
                    self.stream_started_ms = at_ms
        if len(self.events) < EVENTS_KEPT and not isinstance(event, MarkReturned):
            self.events.append(event)
        self._on_event(event)
        if isinstance(event, ClearReceived):
            self.agent.cut()

    def complain(self, code: int, text: str, http_status: int | None = None) -> None:
        """Note a finding and tell it the first time."""
        new = self.complaints.add(code, text, self.now_ms(), http_status)
        if new is not None:
            self.tell(Complained(new.at_ms, new))

    def said(self, start_ms: float, audio: bytes) -> None:
        """Take caller audio as it goes out."""
        self.caller_track.add(start_ms, audio)
        self.caller.feed(start_ms, audio)

    def heard(self, start_ms: float, audio: bytes) -> None:
        """Take agent audio as it is heard."""
        self.agent_track.add(start_ms, audio)
        self.agent.feed(start_ms, audio)

    def speaks(self, text: str) -> None:
        """Be told what the caller is about to say."""
        self._text = text
        self.caller.cut()

    def settle(self) -> None:
        """Find out who has fallen silent."""
        now = self.now_ms() - LATE_MS
        self.agent.settle(now)
        self.caller.settle(now)

    def _caller_began(self, spoken: Utterance) -> None:
        agent = self.agent.speaking
        over = agent is not None and spoken.start_ms - agent.end_ms < 2 * LATE_MS
        self.lines.append(Line(self._text, spoken.start_ms, spoken.end_ms))
        self.tell(CallerSpeaks(spoken.start_ms, self._text, over))
        self._text = ""

    def _caller_ceased(self, spoken: Utterance) -> None:
        self.lines[-1].end_ms = spoken.end_ms
        self.tell(CallerQuiet(spoken.end_ms, spoken.end_ms - spoken.start_ms))

    def _agent_began(self, spoken: Utterance) -> None:
        asked_ms = self.caller.last_audible_ms
        earlier = self.agent.utterances[-2].end_ms if len(self.agent.utterances) > 1 else 0.0
        replies = asked_ms is not None and earlier <= asked_ms <= spoken.start_ms
        self.tell(AgentHeard(spoken.start_ms, spoken.start_ms - asked_ms if replies and asked_ms else None))

    def _agent_ceased(self, spoken: Utterance) -> None:
        self.tell(AgentQuiet(spoken.end_ms, spoken.end_ms - spoken.start_ms))
