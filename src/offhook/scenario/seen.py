"""What one performance was like: everything an expectation may ask about. Values; `verdict` judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from offhook.call.actions import CallRecord
from offhook.lab.judge.finding import Finding
from offhook.offline.record import CallRecord as AgentCall
from offhook.sim.events import StreamEnded
from offhook.sim.report import CallReport


@dataclass(frozen=True, slots=True)
class Seen:
    """One call from all sides. ``record`` is offhook's own; ``agent_calls`` None: the agent was not ours to watch.

    ``lag_ms`` is how late this process itself was, at worst: a slow machine, no fault of anybody under test.
    """

    report: CallReport
    findings: Sequence[Finding] = ()
    agent_calls: Sequence[AgentCall] | None = ()
    agent_refusals: int = 0
    record: CallRecord | None = None
    took_s: float = 0.0
    lag_ms: float = 0.0
    is_own: bool = True

    @property
    def understood(self) -> str:
        """Everything the agent understood."""
        if self.record is not None:
            return " ".join(turn.said for turn in self.record.turns if turn.role == "caller")
        return self._texts("user")

    @property
    def said(self) -> str:
        """Everything the agent said."""
        if self.record is not None:
            return " ".join(turn.said for turn in self.record.turns if turn.role == "agent")
        return self._texts("assistant")

    @property
    def heard(self) -> str:
        """What of it the caller heard, as the call record has it."""
        turns = self.record.turns if self.record is not None else ()
        return " ".join(turn.heard for turn in turns if turn.role == "agent")

    @property
    def close_code(self) -> int | None:
        """The code the bridge closed the last stream with."""
        ends = [event for event in self.report.events if isinstance(event, StreamEnded)]
        return ends[-1].code if ends and ends[-1].by == "server" else None

    def got(self, kind: str) -> float:
        """How many messages of a type the agent got; of ``audio_s``: seconds of sound."""
        calls = self.agent_calls or ()
        if kind == "audio_s":
            return sum(len(call.heard) for call in calls) / 8000
        return sum(len(call.received(kind)) for call in calls)

    def _texts(self, role: str) -> str:
        messages = [text for call in self.agent_calls or () for text in call.sent("ConversationText")]
        return " ".join(str(text.get("content", "")) for text in messages if text.get("role") == role)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons`` why a scenario failed; ``untold``: expectations nobody could look at here, and why."""

    reasons: Sequence[str] = ()
    untold: Sequence[str] = field(default=())
