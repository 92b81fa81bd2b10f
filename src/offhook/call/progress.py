"""How far a call has come, for whoever watches a first call: which steps it took and when. Pure; says no word of it.

The steps, in order: ``webhook`` (Twilio asked and was answered), ``stream`` (its socket said `start`), ``agent``
(SettingsApplied), ``greeting`` (the agent's first audio was sent on), ``heard`` (a mark behind some of it came back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offhook.call.hangup import HangupCause
from offhook.call.session import CallSession


@dataclass(frozen=True, slots=True)
class Progress:
    """One call. ``began_at`` is on the clock of the session; ``steps`` are seconds after it, absent so far."""

    call_sid: str
    began_at: float
    steps: Mapping[str, float]
    cause: HangupCause | None


def progress_of(session: CallSession, *, asked: bool) -> Progress:
    """Read how far a call has come; ``asked`` says that it began with a webhook (a static stream does not)."""
    downlink, began = session.downlink, session.began_at
    happened = {
        "webhook": began if asked else None,
        "stream": session.started_at,
        "agent": session.agent.ready_at,
        "greeting": downlink.greeted_at,
        "heard": downlink.heard_at,
    }
    steps = {name: round(at - began, 3) for name, at in happened.items() if at is not None}
    return Progress(session.facts.call_sid, began, steps, session.cause)
