"""A disk that fails ends the recording, not the calls, and is told once."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from offhook.run import call_traces
from offhook.run.call_traces import CallTraces, entry

SIDS = ("CA" + "1" * 32, "CA" + "2" * 32)


def told(call: str) -> call_traces.Entry:
    """Return something to record."""
    return entry("stream", "twilio", "text", call, text="{}")


async def test_a_folder_that_is_gone_is_one_line_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "traces"
    traces = CallTraces(folder)
    folder.rmdir()
    with capture_logs() as log:
        for n in range(1000):
            traces.write(told(SIDS[n % 2]))
    assert [event["event"] for event in log] == ["trace_failed"]
    folder.mkdir()
    monkeypatch.setattr(traces, "_rest_until", 0.0)  # the minute is over
    traces.write(told(SIDS[0]))
    traces.close()
    assert [file.name for file in folder.iterdir()] == [f"{SIDS[0]}.jsonl"]
