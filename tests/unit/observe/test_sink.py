"""A log that nobody takes harms nothing."""

from __future__ import annotations

import io
import os

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
