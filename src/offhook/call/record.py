"""Sums a call up when it ends. Pure; closes the books of what was heard on the way."""

from __future__ import annotations

from collections import Counter

from offhook.call.actions import CallRecord
from offhook.call.downlink import Downlink
from offhook.call.hangup import HangupCause
from offhook.call.ports import CallFacts


def record_of(
    facts: CallFacts,
    cause: HangupCause,
    ids: tuple[str, str],
    downlink: Downlink,
    started_at: float | None,
    now: float,
    counts: Counter[str],
) -> CallRecord:
    """Return the record; ``ids`` are the StreamSid and the vendor's request id."""
    heard = downlink.ledger.heard(now)
    downlink.transcript.cut(heard)
    first = downlink.first_audio_at
    return CallRecord(
        call_sid=facts.call_sid,
        stream_sid=ids[0],
        agent=facts.agent,
        cause=cause,
        reached_start=started_at is not None,
        duration_s=now - started_at if started_at is not None else 0.0,
        first_audio_s=first - started_at if started_at is not None and first is not None else None,
        request_id=ids[1],
        turns=downlink.transcript.records(heard),
        counts=dict(counts),
    )
