"""Logs: events with fields, JSON for machines and a line for people. Redacts what must never be logged."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

from offhook.observe.sink import Sink

_LONGEST: Final = 1024
_STACK: Final = 2500  # the end of a stack says most, and a whole line stays below 4 KiB (H14)
#: Fields that hold personal data or secrets by name; no code of ours logs them, and this catches the day one does.
_NEVER: Final = frozenset(
    ("key", "api_key", "auth_token", "token", "signature", "digits", "said", "heard", "transcript", "caller", "called")
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER: Final = re.compile(r"\+\d{7,15}")


def configure(form: Literal["auto", "json", "text"], level: str, stream: TextIO | None = None) -> None:
    """Send log events to ``stream`` (standard error). ``auto`` is text on a terminal and JSON elsewhere."""
    out = stream or sys.stderr
    sink = Sink(out)
    as_text = form == "text" or (form == "auto" and out.isatty())
    colours = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    people = structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0)
    render: Any = people if as_text else structlog.processors.JSONRenderer()
    words = [in_railways_words] if not as_text and os.environ.get("RAILWAY_SERVICE_ID") else []
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            *words,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    logging.getLogger("offhook").setLevel(logging.ERROR)  # picows speaks of every connection; our own events do better
    # aiohttp has a traceback, the request quoted, for every client that breaks HTTP; our defects are logged by `web`.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop forbidden fields, hide numbers, and keep every value on one line of bounded length (H14)."""
    for name in list(event):
        value = event[name]
        if name in _NEVER:
            event[name] = "[redacted]"
        elif isinstance(value, str):
            text = _NUMBER.sub("[number]", value)
            event[name] = text[-_STACK:] if name == "exception" else _CONTROL.sub(" ", text)[:_LONGEST]
    return event


def in_railways_words(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add what Railway's log view reads: ``message``, and its own names of levels (Railway, "Logs")."""
    why = event.get("why") or event.get("reason")
    event["message"] = f"{event['event']}: {why}" if why else event["event"]
    event["level"] = {"warning": "warn", "critical": "error"}.get(event["level"], event["level"])
    return event


def logger() -> Any:
    """Return the logger; ``log.info("event_name", field=value)``."""
    return structlog.get_logger()
