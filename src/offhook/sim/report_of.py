"""Draws up the report of a simulated call from what its parts know. Knows nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from offhook.sim.call_streams import CallStreams
from offhook.sim.circuit import Circuit
from offhook.sim.events import HungUp
from offhook.sim.report import CallReport, barge_ins_of, turns_of


def report_of(target: str, circuit: Circuit, streams: CallStreams | None, problems: Sequence[str]) -> CallReport:
    """Return what is known of a call, also while it lasts."""
    seen = circuit.witness
    utterances = seen.agent.utterances
    return CallReport(
        target=shown(target),
        call_sid=circuit.state.sid,
        account_sid=circuit.state.account_sid,
        status=circuit.state.status,
        answered_by=circuit.state.answered_by,
        stream_sids=tuple(seen.stream_sids),
        stream_started_ms=seen.stream_started_ms,
        first_heard_ms=utterances[0].start_ms if utterances else None,
        heard_ms=sum(spoken.end_ms - spoken.start_ms for spoken in utterances),
        frames_sent=0 if streams is None else streams.frames_sent,
        frames_dropped=0 if streams is None else streams.frames_dropped,
        turns=turns_of(seen.lines, utterances),
        barge_ins=barge_ins_of(seen.lines, utterances, seen.clears_ms),
        complaints=tuple(seen.complaints),
        problems=tuple(problems),
        ended=circuit.over or HungUp(circuit.now_ms(), "nobody", "not over"),
        twiml=tuple(seen.twiml),
        events=tuple(seen.events),
    )


def shown(url: str) -> str:
    """Return a target as it may be printed: a URL without user info, query and fragment."""
    if url.lstrip().startswith("<"):
        return "TwiML"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no address"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
