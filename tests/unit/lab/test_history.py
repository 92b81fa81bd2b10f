"""A history knows how late its own side was, so that a busy machine is nobody's finding."""

from __future__ import annotations

import asyncio
import json
import time

from hypothesis import given
from hypothesis import strategies as st

from offhook.lab.judge.history import History
from offhook.lab.pulse import Pulse
from offhook.trace import Entry


def frame(at_ms: float, timestamp: int) -> Entry:
    media = {"track": "inbound", "timestamp": str(timestamp), "payload": "/w=="}
    text = json.dumps({"event": "media", "media": media})
    return Entry(at_ms=at_ms, channel="stream", sender="twilio", kind="text", text=text)


@given(st.integers(10, 90), st.floats(100, 5000))
def test_the_worst_lateness_is_found_where_it_was(which: int, stall_ms: float) -> None:
    """Frames of one stalled moment are late by it; everywhere else nobody is."""
    opened = Entry(at_ms=0.0, channel="stream", sender="twilio", kind="open", status=101)
    frames = [frame(1000.0 + 20 * n + (stall_ms if n == which else 0.0), 20 * n) for n in range(100)]
    history = History.of([opened, *frames])
    at = 1000.0 + 20 * which + stall_ms
    assert abs(history.late_ms() - stall_ms) < 0.01
    assert abs(history.late_ms(at, at) - stall_ms) < 0.01
    assert history.late_ms(at + 600.0) < 0.01


def test_a_history_without_frames_is_never_late() -> None:
    assert History.of([]).late_ms() == 0.0


async def test_a_loop_that_is_blocked_is_late_then_and_not_later() -> None:
    async with Pulse() as pulse:
        await asyncio.sleep(0.05)
        began_ms = time.monotonic() * 1000
        time.sleep(0.3)  # noqa: ASYNC251  # what a busy machine does to everybody on this loop
        await asyncio.sleep(0.05)
    history = History.of([Entry(at_ms=began_ms, channel="http", sender="twilio", kind="request")], lags=pulse.lags)
    assert history.late_ms(0.0, 300.0) >= 250.0
    assert history.late_ms(60_000.0) == 0.0
