"""How a call ends: either side's end closes the other, nothing stays open, nobody is left on a silent line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import AgentSide, StreamSide
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "agent-orphan": "An agent socket stayed open after its call was over: it is paid for by the minute.",
    "line-left-open": "The agent was gone, and the caller was left on a silent line.",
    "call-dropped": "The bridge hung up on a caller who had heard nothing, though Deepgram had opened the session.",
    "slow-hang-up": "The agent had ended the session, and the line was held long after the last word was heard.",
    "dead-air": "The caller heard nothing for so long on an open line that most hang up.",
    "greeting-unheard": "The agent spoke, and the caller heard nothing of it.",
}
_STRANGER: Final = 1008
_AUDIBLE: Final = frozenset((0xFF, 0x7F, 0xFE, 0x7E))


def run(case: Case) -> Iterator[Finding]:
    """Look at the ends of all legs."""
    stream = case.history.stream
    for agent in case.history.agents:
        if agent.opened_ms is not None:
            yield from _orphan(case, stream, agent)
    if stream is not None and stream.started_ms is not None:
        yield from _line(case, stream, case.history.agents)


def _orphan(case: Case, stream: StreamSide | None, agent: AgentSide) -> Iterator[Finding]:
    over = None if stream is None else _first(stream.stop_ms, stream.closed_ms)
    if over is None:
        return
    closed = agent.closed_ms if agent.closed_ms is not None else case.history.ended_ms
    if closed - max(over, agent.opened_ms or 0.0) > case.patience.close_ms + case.history.late_ms(over - 2000.0):
        still = "was never closed" if agent.closed_ms is None else f"was closed {(closed - over) / 1000:.1f} s later"
        yield Finding("agent-orphan", f"the call was over, and an agent socket {still}", over)


def _line(case: Case, stream: StreamSide, agents: list[AgentSide]) -> Iterator[Finding]:
    ended = _first(stream.stop_ms, stream.closed_ms) or case.history.ended_ms
    opened = [agent for agent in agents if agent.opened_ms is not None]
    if _is_dropped(stream) and any(agent.closed_by != "deepgram" for agent in opened):
        yield Finding("call-dropped", "the bridge ended the call before the caller heard anything", stream.closed_ms)
        return
    gone = max((agent.closed_ms for agent in opened if agent.closed_ms is not None), default=None)
    all_gone = bool(opened) and all(agent.closed_ms is not None for agent in opened)
    if all_gone and gone is not None and gone < ended:
        silent_since = max(gone, _playing_until(stream))
        held = ended - silent_since - case.history.late_ms(silent_since)
        if stream.closed_by == "bridge" and held > case.patience.close_ms:
            yield Finding("slow-hang-up", f"the line was held for {held / 1000:.1f} s of silence", silent_since)
        elif stream.closed_by != "bridge" and held > 2 * case.patience.close_ms:
            yield Finding("line-left-open", f"nobody ended the call for {held / 1000:.1f} s", silent_since)
        return
    started = stream.started_ms or 0.0
    heard = next((at for at, audio in stream.heard if set(audio) - _AUDIBLE), None)
    if heard is None and stream.agent_audio:  # a trace that does not know what was heard knows what was sent
        heard = stream.agent_audio[0][0]
    waited = (heard if heard is not None else ended) - started
    spoke = any(agent.agent_audio for agent in opened)
    if waited > case.patience.dead_air_ms + case.history.late_ms():
        code = "greeting-unheard" if spoke and heard is None else "dead-air"
        yield Finding(code, f"the caller heard nothing for {waited / 1000:.1f} s{_why(agents)}", started)


def _why(agents: list[AgentSide]) -> str:
    """Return what there is to say about an agent that nobody heard."""
    if not agents:
        return "; no socket to Deepgram was opened"
    if all(agent.opened_ms is None for agent in agents):
        return f"; Deepgram refused the socket with {agents[-1].refused_status or 'nothing'}"
    return ""


def _is_dropped(stream: StreamSide) -> bool:
    """Whether the bridge hung up by itself on somebody who had heard nothing. 1008 is the refusal of a stranger."""
    by_itself = stream.closed_by == "bridge" and stream.stop_ms is None and stream.close_code != _STRANGER
    return by_itself and not stream.agent_audio


def _playing_until(stream: StreamSide) -> float:
    """When the last of what was sent had been played, had nobody hung up."""
    until = 0.0
    clears = stream.clears_ms()
    for at, audio in stream.agent_audio:
        while clears and clears[0] <= at:
            until = min(until, clears.pop(0))
        until = max(until, at) + len(audio) / 8
    for clear in clears:
        until = min(until, clear)
    return until


def _first(*times: float | None) -> float | None:
    known = [at for at in times if at is not None]
    return min(known) if known else None


RULE: Final = Rule(CODES, run)
