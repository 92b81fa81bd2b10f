"""Turns what calls report into log lines and metrics. One line when a call ends; nothing per frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from offhook.call.actions import CallRecord, Note, SettingsRefused
from offhook.call.ports import CallFacts
from offhook.errors import OffhookError
from offhook.observe.log import logger
from offhook.observe.metrics import Metrics


class Observer:
    """Implements `offhook.call.ports.CallObserver`. ``ended`` is told every call record as well."""

    def __init__(self, metrics: Metrics, ended: Callable[[CallRecord], None] | None = None) -> None:
        self._metrics = metrics
        self._ended = ended
        self._log = logger()

    def noted(self, facts: CallFacts, note: Note | SettingsRefused) -> None:
        """Log a note of a call."""
        if isinstance(note, SettingsRefused):
            refused = {"choice": note.choice, "code": note.code, "field": note.field or None}
            self._log.warning("settings_refused", call=facts.call_sid, **refused)
            self._metrics.counters["events_total"].labels("settings_refused").inc()
            return
        level = self._log.warning if note.event in ("agent_lost", "agent_warning") else self._log.info
        level(note.event, call=facts.call_sid, **note.facts)
        self._metrics.counters["events_total"].labels(note.event).inc()

    def defect(self, facts: CallFacts, error: Exception) -> None:
        """Log a defect of ours: the stack, and ids only. The text of an exception may quote anything: left out."""
        stack = RuntimeError(type(error).__name__)
        self._log.error("defect", call=facts.call_sid, exc_info=stack.with_traceback(error.__traceback__))
        self._metrics.counters["defects_total"].inc()

    def escaped(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log and count what escaped from a callback or from a task that nobody awaited (P13), without its text."""
        error = context.get("exception")
        if not isinstance(error, BaseException):
            self._log.error("defect", where="event loop", what=str(context.get("message")))
        else:
            stack = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
            self._log.error("defect", where="event loop", exc_info=stack)
        self._metrics.counters["defects_total"].inc()

    def refused(self, error: OffhookError) -> None:
        """Log what was turned away, and what setting has to do with it."""
        self._log.warning("refused", reason=error.reason, **error.facts)
        self._metrics.counters["refused_total"].labels(error.reason).inc()

    def call_ended(self, record: CallRecord) -> None:
        """Log the one line of a call and count it."""
        agent_turns = [turn for turn in record.turns if turn.role == "agent"]
        self._log.info(
            "call_ended",
            call=record.call_sid,
            cause=str(record.cause),
            seconds=round(record.duration_s, 1),
            turns=len(record.turns),
            interrupted=sum(turn.interrupted for turn in agent_turns),
            first_audio_s=record.first_audio_s and round(record.first_audio_s, 3),
            agent_request=record.request_id or None,
            **{name: count for name, count in record.counts.items() if count},
        )
        self._count(record)
        if self._ended is not None:
            self._ended(record)

    def _count(self, record: CallRecord) -> None:
        metrics = self._metrics
        metrics.counters["calls_total"].labels(record.cause.result, record.cause.reason).inc()
        for name, count in record.counts.items():
            metrics.counters["events_total"].labels(name).inc(count)
        if not record.reached_start:
            return
        metrics.histograms["call_seconds"].observe(record.duration_s)
        if record.first_audio_s is not None:
            metrics.histograms["first_audio_seconds"].observe(record.first_audio_s)
        for turn in record.turns:
            if turn.answer_s is not None:
                metrics.histograms["answer_seconds"].observe(turn.answer_s)
