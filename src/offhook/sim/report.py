"""What a simulated call was like: turns, latencies *as heard*, barge-ins, complaints. Values and their arithmetic."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from offhook.sim.complaints import Complaint
from offhook.sim.events import Event, HungUp
from offhook.sim.hearing import Utterance


@dataclass(slots=True)
class Line:
    """Something the caller said: from its first audible sample to its last."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's stretch. ``latency_ms``: from the caller's last audible sample to the first audible reply sample.

    ``cut`` says that the caller broke in.
    """

    who: Literal["caller", "agent"]
    start_ms: float
    end_ms: float
    text: str | None = None
    latency_ms: float | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller spoke over the agent. ``silent_after_ms``: caller's first audible sample → agent audio silent.

    ``clear_after_ms`` is when `clear` came, ``None`` where the server sent none and the agent just finished.
    """

    at_ms: float
    silent_after_ms: float
    clear_after_ms: float | None


@dataclass(frozen=True, slots=True)
class CallReport:
    """Everything there is to know of one simulated call. Times are ms since dialling."""

    target: str
    call_sid: str
    account_sid: str
    status: str
    answered_by: str | None
    stream_sids: tuple[str, ...]
    stream_started_ms: float | None
    first_heard_ms: float | None
    heard_ms: float
    frames_sent: int
    frames_dropped: int
    turns: tuple[Turn, ...]
    barge_ins: tuple[BargeIn, ...]
    complaints: tuple[Complaint, ...]
    problems: tuple[str, ...]
    ended: HungUp
    twiml: tuple[str, ...]
    events: tuple[Event, ...] = field(repr=False)

    @property
    def latencies_ms(self) -> tuple[float, ...]:
        """Every measured reply latency, as heard."""
        return tuple(turn.latency_ms for turn in self.turns if turn.latency_ms is not None)

    @property
    def median_latency_ms(self) -> float | None:
        """The median reply latency, or ``None`` where nothing was answered."""
        return statistics.median(self.latencies_ms) if self.latencies_ms else None

    @property
    def ok(self) -> bool:
        """Whether a stream was established, something audible was heard, and nobody has a complaint."""
        return not (self.problems or self.complaints) and self.stream_started_ms is not None and self.heard_ms > 0

    @property
    def why_not(self) -> tuple[str, ...]:
        """Every reason why the call was not `ok`, in plain words; empty when it was."""
        reasons = list(self.problems)
        if self.stream_started_ms is None:
            reasons.append("no stream was established")
        elif not self.heard_ms:
            reasons.append("nothing audible was heard")
        return tuple(reasons + [str(found) for found in self.complaints])

    def as_json(self) -> dict[str, Any]:
        """Return what `call.json` holds."""
        fields: dict[str, Any] = dataclasses.asdict(self)
        fields["events"] = [{"event": type(event).__name__, **dataclasses.asdict(event)} for event in self.events]
        fields["latencies_ms"] = self.latencies_ms
        fields["median_latency_ms"] = self.median_latency_ms
        fields["ok"] = self.ok
        fields["why_not"] = self.why_not
        rounded: dict[str, Any] = _rounded(fields)
        return rounded

    def write(self, path: Path) -> None:
        """Write `call.json`. Raises `OSError`."""
        path.write_text(json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 1)
        case dict():
            return {name: _rounded(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_rounded(inner) for inner in value]
        case _:
            return value


def turns_of(lines: Sequence[Line], utterances: Sequence[Utterance]) -> tuple[Turn, ...]:
    """Put both sides in order. Utterances of the agent with no line of the caller between them are one turn."""
    turns = [Turn("caller", line.start_ms, line.end_ms, line.text or None) for line in lines]
    agent: list[Utterance] = []
    for utterance in utterances:
        broken = any(agent and agent[-1].start_ms < line.start_ms <= utterance.start_ms for line in lines)
        if agent and not broken:
            agent[-1] = Utterance(agent[-1].start_ms, utterance.end_ms)
        else:
            agent.append(Utterance(utterance.start_ms, utterance.end_ms))
    for stretch in agent:
        cut = any(stretch.start_ms < line.start_ms < stretch.end_ms for line in lines)
        turns.append(Turn("agent", stretch.start_ms, stretch.end_ms, None, _latency(stretch, lines, agent), cut))
    return tuple(sorted(turns, key=lambda turn: turn.start_ms))


def _latency(reply: Utterance, lines: Sequence[Line], agent: Sequence[Utterance]) -> float | None:
    before = [line for line in lines if line.start_ms < reply.start_ms]
    if not before:
        return None
    asked = before[-1]
    answered = any(asked.end_ms <= other.start_ms < reply.start_ms for other in agent)
    return None if answered or asked.end_ms > reply.start_ms else reply.start_ms - asked.end_ms


def barge_ins_of(
    lines: Sequence[Line], utterances: Sequence[Utterance], clears_ms: Sequence[float]
) -> tuple[BargeIn, ...]:
    """Return every line that began while the agent was audible, with when the agent was silent after it."""
    found = []
    for line in lines:
        over = [spoken for spoken in utterances if spoken.start_ms <= line.start_ms < spoken.end_ms]
        if not over:
            continue
        silent_ms = over[-1].end_ms
        clears = [at_ms for at_ms in clears_ms if line.start_ms <= at_ms <= silent_ms + 500]
        found.append(BargeIn(line.start_ms, silent_ms - line.start_ms, clears[0] - line.start_ms if clears else None))
    return tuple(found)
