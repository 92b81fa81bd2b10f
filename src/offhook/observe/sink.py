"""Where log lines go: one stream, which may be closed or full at any time. What it does not take is only counted."""

from __future__ import annotations

import contextlib
import select
from typing import Any, ClassVar, TextIO


class Sink:
    """The last link of structlog's chain. A call, a check or a shutdown never waits, or fails, for the log's reader.

    ``dropped`` counts the lines of this process that went nowhere.
    """

    dropped: ClassVar[int] = 0

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._room = _room_in(out)

    def msg(self, text: str) -> None:
        """Write one line. It fits where there is any room: a pipe has room for 4 KiB, or none."""
        try:
            if self._room is not None and not self._room.poll(0):
                raise BlockingIOError
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):  # a full or broken pipe, a full disk; a stream that was closed is a ValueError
            Sink.dropped += 1

    debug = info = warning = error = critical = msg


def _room_in(out: TextIO) -> Any:
    """Return what tells whether a write would block; None where nothing can (a file, text in memory, Windows)."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        room = select.poll()  # type: ignore[attr-defined,unused-ignore] # absent on Windows
        room.register(out.fileno(), select.POLLOUT)  # type: ignore[attr-defined,unused-ignore]
        return room
    return None
