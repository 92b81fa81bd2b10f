"""A log that nobody takes harms nothing."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest

from offhook.observe.log import configure, logger
from offhook.observe.sink import Sink


def test_a_line_is_written_whole_and_at_once() -> None:
    out = io.StringIO()
    configure("json", "info", out)
    logger().info("listening", port=8080)

    assert out.getvalue().count("\n") == 1
    assert '"event": "listening"' in out.getvalue()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_stream_that_was_closed_is_only_counted(level: str) -> None:
    out = io.StringIO()
    configure("text", "debug", out)
    out.close()
    before = Sink.dropped
    getattr(logger(), level)("nobody_reads")

    assert Sink.dropped == before + 1


def test_a_pipe_whose_reader_is_gone_is_only_counted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    before = Sink.dropped
    with os.fdopen(writer, "w", buffering=1) as out:
        configure("text", "info", out)
        logger().error("nobody_reads")
        assert Sink.dropped == before + 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())  # or closing it would fail, which is the test's own


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say whether a pipe is full")
def test_t6_a_pipe_that_nobody_reads_is_never_waited_for() -> None:
    """What fits is there, line by line; the rest is only counted, and the log goes on once somebody reads."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    before = Sink.dropped
    with os.fdopen(writer, "w", buffering=1) as out:
        configure("json", "info", out)
        for number in range(3000):
            logger().info("nobody_reads", number=number, words="x" * 100)
        dropped = Sink.dropped - before
        assert 0 < dropped < 3000
        read = b"".join(iter(lambda: _read(reader), b""))
        assert [json.loads(line)["number"] for line in read.splitlines()] == list(range(3000 - dropped))
        logger().info("somebody_reads")
        assert b"somebody_reads" in _read(reader)
    os.close(reader)


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 65536)
    except BlockingIOError:
        return b""


def test_h14_a_line_is_one_line_below_4_kib() -> None:
    out = io.StringIO()
    configure("json", "info", out)

    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise ValueError("x" * 100_000)

    try:
        deep(500)
    except ValueError as error:
        logger().error("defect", call="C\nA\x1b[31m\u2028", where="y" * 1_000_000, exc_info=error)
    (line,) = out.getvalue().splitlines()
    assert len(line.encode()) < 4096
    assert "\x1b" not in json.loads(line)["call"]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_x5_a_terminal_without_colours_gets_none(monkeypatch: pytest.MonkeyPatch, environ, coloured) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    out = Terminal()
    configure("auto", "info", out)
    logger().info("listening", port=8080)
    assert "listening" in out.getvalue()
    assert ("\x1b" in out.getvalue()) == coloured
