"""The transcript of one call: what was said and what of it was *heard*, turn by turn, with latencies. Pure.

Agent text comes per segment, just before its audio (Deepgram "Voice Agent Message Flow"); the ledger gives every
segment its stretch of playback, so a barge-in cuts the text where the sound was cut, to the nearest whole word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from offhook.call.actions import TurnRecord


@dataclass(slots=True)
class Segment:
    """Agent text and the playback positions (bytes) its audio starts and ends at; ``heard_to`` once it was cut."""

    text: str
    start: int
    end: int
    heard_to: int | None = None

    def heard_text(self, position: int) -> str:
        """Return the words that were over when playback stood at ``position``."""
        reached = position if self.heard_to is None else min(position, self.heard_to)
        if reached >= self.end:
            return self.text
        if reached <= self.start:
            return ""
        letters = len(self.text) * (reached - self.start) / (self.end - self.start)
        words, used = [], 0
        for word in self.text.split():
            used += len(word) + 1
            if used > letters + 1:
                break
            words.append(word)
        return " ".join(words)


@dataclass(slots=True)
class Turn:
    """One speaker's stretch. Times are seconds since `start`; latencies in seconds."""

    role: Literal["caller", "agent"]
    at_s: float
    text: str = ""
    segments: list[Segment] = field(default_factory=list)
    interrupted: bool = False
    #: From the confirmed end of the caller's turn to the first byte of the answer, on our clock.
    answer_s: float | None = None
    #: The vendor's own figure for the same, where it reports one.
    vendor_total_s: float | None = None

    @property
    def said(self) -> str:
        """Everything the speaker said, heard or not."""
        return self.text if self.role == "caller" else " ".join(s.text for s in self.segments if s.text)

    def heard(self, position: int) -> str:
        """What the other side heard when playback stood at ``position``."""
        if self.role == "caller":
            return self.text
        return " ".join(filter(None, (segment.heard_text(position) for segment in self.segments)))


class Transcript:
    """The turns of a call, bounded; the oldest are dropped (and counted) beyond ``limit``."""

    __slots__ = ("_answer_since", "_limit", "_open", "dropped", "turns")

    def __init__(self, limit: int) -> None:
        self.turns: list[Turn] = []
        self.dropped = 0
        self._limit = limit
        self._open: Turn | None = None
        self._answer_since: float | None = None

    def caller_said(self, text: str, at_s: float) -> None:
        """Book a confirmed caller turn; the answer is awaited from now."""
        self._append(Turn("caller", at_s, text))
        self._open, self._answer_since = None, at_s

    def agent_says(self, text: str, position: int, at_s: float) -> Segment:
        """Book the text of a segment whose audio will start at ``position``; the caller of this moves its end."""
        segment = Segment(text, position, position)
        self._agent_turn(at_s).segments.append(segment)
        return segment

    def agent_sounds(self, position: int, at_s: float) -> Segment:
        """Book agent audio that no text announced."""
        return self.agent_says("", position, at_s)

    def answered(self, at_s: float) -> None:
        """Book the first audio of an answer."""
        if self._answer_since is not None:
            self._agent_turn(at_s).answer_s, self._answer_since = at_s - self._answer_since, None

    def cut(self, position: int) -> None:
        """Book a barge-in (or the end): nothing past ``position`` was heard of what was sent so far."""
        for turn in reversed(self.turns):
            if turn.role == "caller":
                continue
            unheard = [s for s in turn.segments if (s.heard_to is None and s.end > position) or s.end == s.start]
            if not unheard:
                break
            turn.interrupted = turn.interrupted or any(s.end > position for s in unheard)
            for segment in unheard:
                segment.heard_to = max(segment.start, position)
                segment.end = max(segment.end, segment.start + 1)
        self._open = None

    def agent_done(self) -> None:
        """Book the end of the agent's turn (sent, not heard)."""
        self._open = None

    def vendor_latency(self, total_s: float | None) -> None:
        """Book the vendor's own figure on the newest agent turn."""
        for turn in reversed(self.turns):
            if turn.role == "agent":
                turn.vendor_total_s = total_s
                return

    def records(self, position: int) -> list[TurnRecord]:
        """Return the turns as stored, heard up to ``position``."""
        return [
            TurnRecord(t.role, t.at_s, t.said, t.heard(position), t.interrupted, t.answer_s, t.vendor_total_s)
            for t in self.turns
            if t.said
        ]

    def _agent_turn(self, at_s: float) -> Turn:
        if self._open is None:
            self._open = Turn("agent", at_s)
            self._append(self._open)
        return self._open

    def _append(self, turn: Turn) -> None:
        self.turns.append(turn)
        if len(self.turns) > self._limit:
            del self.turns[0]
            self.dropped += 1
