"""When the caller breaks in: the agent's unheard audio must be cleared at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import StreamSide
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "no-clear": "The caller spoke while agent audio was still to be played, and no `clear` was sent.",
}


def run(case: Case) -> Iterator[Finding]:
    """Look at every UserStartedSpeaking."""
    stream, agent = case.history.stream, case.history.agent
    if stream is None or agent is None:
        return
    ended = stream.closed_ms if stream.closed_ms is not None else case.history.ended_ms
    for at in agent.times("UserStartedSpeaking"):
        unheard_ms = _unheard_ms(stream, at)
        until = at + case.patience.clear_ms
        until += case.history.late_ms(at, until)
        if unheard_ms < case.patience.unheard_ms + case.patience.clear_ms or until > ended:
            continue
        if not any(at - 20 <= clear <= until for clear in stream.clears_ms()):
            yield Finding("no-clear", f"{unheard_ms:.0f} ms of agent audio were left playing after a barge-in", at)


def _unheard_ms(stream: StreamSide, now: float) -> float:
    """Return how much agent audio Twilio's buffer held at ``now``."""
    until = 0.0
    clears = stream.clears_ms()
    for at, audio in stream.agent_audio:
        if at > now:
            break
        while clears and clears[0] <= at:
            until = min(until, clears.pop(0))
        until = max(until, at) + len(audio) / 8
    for clear in clears:
        if clear <= now:
            until = min(until, clear)
    return max(0.0, until - now)


RULE: Final = Rule(CODES, run)
