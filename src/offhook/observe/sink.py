"""Where log lines go: one stream, which may be closed or full at any time. What it does not take is only counted."""

from __future__ import annotations

from typing import ClassVar, TextIO


class Sink:
    """The last link of structlog's chain. A call, a check or a shutdown never fails because nobody reads the log.

    ``dropped`` counts the lines of this process that went nowhere.
    """

    dropped: ClassVar[int] = 0

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def msg(self, text: str) -> None:
        """Write one line."""
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):  # a broken pipe, a full disk; a stream that was closed is a ValueError
            Sink.dropped += 1

    debug = info = warning = error = critical = msg
