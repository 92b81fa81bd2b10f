"""Functions: each that the agent asks for is answered, in the right form, unless it was cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import AgentSide
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "function-unanswered": "The agent asked for a function and got no answer: it stays silent.",
    "function-partly-answered": "Of several functions asked for at once only some were answered.",
    "function-reply-fields": "A FunctionCallResponse has `id` and `name` as they were asked for, and `content`: texts.",
    "function-answered-twice": "A function was answered twice: one response for each that was asked for.",
    "cancellation-ignored": "A function was answered after it had been cancelled.",
}


def run(case: Case) -> Iterator[Finding]:
    """Look at every request of every agent."""
    for agent in case.history.agents:
        answers, wrong = _answers(agent)
        if wrong is not None:
            yield wrong
        cancelled = _cancelled(agent)
        for call_id, times in answers.items():
            gone = cancelled.get(call_id)
            at = times[0]
            if gone is not None and at > gone + case.patience.cancelled_ms + case.history.late_ms(gone, at):
                yield Finding("cancellation-ignored", "a cancelled function was answered", at)
                break
            if len(times) > 1:
                yield Finding("function-answered-twice", "a function was answered again", times[1])
        if wrong is None:
            yield from _open(case, agent, set(answers), set(cancelled))


def _answers(agent: AgentSide) -> tuple[dict[str, list[float]], Finding | None]:
    """Return when each function was answered, and the first answer that cannot be one."""
    found: dict[str, list[float]] = {}
    asked = {
        str(function.get("id")): function.get("name")
        for _, message in agent.told
        if message.get("type") == "FunctionCallRequest"
        for function in message.get("functions") or []
    }
    for at, message in agent.sent("FunctionCallResponse"):
        if (why := _misfit(message, asked)) is not None:
            return found, Finding("function-reply-fields", why, at)
        found.setdefault(str(message["id"]), []).append(at)
    return found, None


def _misfit(message: dict[str, Any], asked: dict[str, Any]) -> str | None:
    for field in ("id", "name", "content"):
        if field not in message:
            return f"an answer lacks `{field}`; it has the fields {_fields(message)}"
        if not isinstance(message[field], str):
            return f"an answer's `{field}` is no text"
    if message["id"] not in asked:
        return "an answer's `id` is none that the agent asked for"
    return None if message["name"] == asked[message["id"]] else "an answer's `name` is another than was asked for"


def _fields(message: dict[str, Any]) -> str:
    return ", ".join(sorted(str(name)[:20] for name in message)[:8])


def _cancelled(agent: AgentSide) -> dict[str, float]:
    found: dict[str, float] = {}
    for at, message in agent.told:
        if message.get("type") == "FunctionCallCancelled":
            for function in message.get("functions") or []:
                found[str(function.get("id"))] = at
    return found


def _open(case: Case, agent: AgentSide, answered: set[str], cancelled: set[str]) -> Iterator[Finding]:
    end = agent.closed_ms if agent.closed_ms is not None else case.history.ended_ms
    for at, message in agent.told:
        if message.get("type") != "FunctionCallRequest":
            continue
        wanted = [
            str(function.get("id"))
            for function in message.get("functions") or []
            if function.get("client_side", True) and str(function.get("id")) not in cancelled
        ]
        left = [call_id for call_id in wanted if call_id not in answered]
        if not left or end - at < case.patience.function_ms + case.history.late_ms(at):
            continue
        if len(left) < len(wanted):
            yield Finding("function-partly-answered", f"{len(left)} of {len(wanted)} functions got no answer", at)
        else:
            yield Finding("function-unanswered", f"{len(left)} functions got no answer", at)


RULE: Final = Rule(CODES, run)
