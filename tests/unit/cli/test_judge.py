"""`offhook judge`: a line per finding, JSON for programs, an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offhook.cli.app import app
from offhook.trace import Entry, TraceWriter

START = '{"event":"start","streamSid":"MZ1","start":{}}'


def trace(path: Path, *messages: str, call: str = "CA1") -> Path:
    """Write a call in which the bridge sends these messages after `start`."""
    with TraceWriter(path, "test") as write:
        write(Entry(at_ms=0.0, channel="stream", sender="twilio", kind="open", call="CA1", status=101))
        write(Entry(at_ms=1.0, channel="stream", sender="twilio", kind="text", call=call, text=START))
        for number, text in enumerate(messages):
            write(Entry(at_ms=2.0 + number, channel="stream", sender="bridge", kind="text", call=call, text=text))
        write(Entry(at_ms=100.0, channel="stream", sender="twilio", kind="close", call=call, code=1000))
    return path


GOOD = '{"event":"mark","streamSid":"MZ1","mark":{"name":"m"}}'
BAD = '{"event":"mark","streamSid":"MZ1","mark":{}}'


def test_nothing_wrong_is_zero(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["judge", str(trace(tmp_path / "a.jsonl", GOOD))])
    assert (result.exit_code, result.stdout) == (0, "a.jsonl: nothing is wrong\n")


def test_a_finding_is_a_line_and_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["judge", str(trace(tmp_path / "a.jsonl", BAD, BAD))])
    assert result.exit_code == 1
    assert result.stdout == "a.jsonl: mark-without-name: a mark has no name at 0.00 s (2 times)\n"


def test_programs_read_json(tmp_path: Path) -> None:
    paths = [str(trace(tmp_path / "a.jsonl", GOOD)), str(trace(tmp_path / "b.jsonl", BAD))]
    result = CliRunner().invoke(app, ["judge", "--json", *paths])
    assert result.exit_code == 1
    assert [[f["code"] for f in call["findings"]] for call in json.loads(result.stdout)] == [[], ["mark-without-name"]]


@pytest.mark.parametrize("content", [None, b"hello", b'{"offhook_trace":1}\n{"at_ms"'])
def test_what_is_no_trace_is_two_and_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(app, ["judge", str(path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("offhook judge: ")
    assert "Traceback" not in result.stderr


def test_two_calls_in_one_file_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["judge", str(trace(tmp_path / "a.jsonl", GOOD, call="CA2"))])
    assert (result.exit_code, "several calls" in result.stderr) == (2, True)
