"""The wire trace: what passed on a call's connections, message by message, as JSON lines. A format; taps elsewhere.

Three kinds of connection of one call, seen by whoever recorded it:

==========  ===========================  =============================================================
channel     between                      recorded by
==========  ===========================  =============================================================
``http``    Twilio and the bridge        the simulated Twilio, `serve --trace`
``stream``  Twilio and the bridge        the simulated Twilio, `serve --trace`
``agent``   the bridge and Deepgram      the offline agent, `serve --trace`
==========  ===========================  =============================================================

A trace file holds sound and words: it is written for the owner's eyes only (mode 0600) and only when asked for.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from msgspec import Meta

Channel = Literal["http", "stream", "agent"]
Party = Literal["twilio", "bridge", "deepgram", "caller"]
#: ``open``: the connection was accepted (``status`` 101); ``refused``: it was answered with ``status``, or not at all
#: (``status`` None). ``text``, ``binary``: one WebSocket message. ``close``: ``sender`` ended it with ``code``
#: (None: without a close frame). ``request``, ``response``: one webhook. ``heard``: what the *caller* heard of the
#: playback buffer, as it played (channel ``stream``, sender ``caller``).
Kind = Literal["open", "refused", "text", "binary", "close", "request", "response", "heard"]

#: Written into the first line of a file; a reader refuses other numbers.
VERSION: Final = 1
#: Entries of one trace kept in memory or read from a file: a three-hour call fits.
ENTRIES: Final = 2_000_000
#: One line of a file: a 4 MiB message in base64 fits.
LINE_BYTES: Final = 8 * 1024 * 1024


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing that passed. ``at_ms`` is the recorder's monotonic clock; in a file it counts from the first entry.

    ``call`` names the connection's call: the CallSid on ``http`` and ``stream``, Deepgram's request id on ``agent``
    (the CallSid too where the recorder knows it). ``text`` is a text frame or a webhook's body exactly as it was;
    ``audio`` is a binary frame or heard audio. ``path`` is the path and query asked for, ``note`` a plain word.
    """

    at_ms: float
    channel: Channel
    sender: Party
    kind: Kind
    call: str = ""
    text: str | None = None
    audio: bytes | None = None
    status: int | None = None
    code: int | None = None
    path: str = ""
    note: str = ""

    def message(self) -> Any:
        """Return the JSON of a text frame, ``None`` where it is none."""
        return None if self.text is None else json_of(self.text)


OnEntry = Callable[[Entry], None]


class _Head(msgspec.Struct, kw_only=True):
    offhook_trace: Annotated[int, Meta(ge=1)]
    recorder: str = ""


class TraceError(ValueError):
    """A file is not a trace that this version reads; the text names the line and what to do."""


class TraceWriter:
    """Writes entries to a file, which must not exist; a context manager. Raises `OSError`.

    Nothing is written beyond ``ENTRIES``; ``left_out`` counts what was not.
    """

    def __init__(self, path: Path, recorder: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._origin_ms: float | None = None
        self._written = 0
        self.left_out = 0
        self._file.write(msgspec.json.encode(_Head(offhook_trace=VERSION, recorder=recorder)) + b"\n")

    def __call__(self, entry: Entry) -> None:
        """Write one entry; the first one's time becomes zero."""
        if self._written >= ENTRIES:
            self.left_out += 1
            return
        if self._origin_ms is None:
            self._origin_ms = entry.at_ms
        self._written += 1
        since = round(entry.at_ms - self._origin_ms, 3)
        self._file.write(msgspec.json.encode(msgspec.structs.replace(entry, at_ms=since)) + b"\n")

    def flush(self) -> None:
        """Write out what was told so far."""
        self._file.flush()

    def close(self) -> None:
        """Write out and close. Safe to repeat."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_trace(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file in order. Raises `TraceError` with the line, or `OSError`."""
    with path.open("rb") as lines:
        head = lines.readline(LINE_BYTES)
        try:
            version = msgspec.json.decode(head, type=_Head).offhook_trace
        except msgspec.MsgspecError:
            raise TraceError(f"{path.name} is not a trace: record one with `offhook serve --trace DIR`") from None
        if version != VERSION:
            raise TraceError(f"{path.name} is a trace of version {version}; this offhook reads version {VERSION}")
        for number in range(2, ENTRIES + 2):
            line = lines.readline(LINE_BYTES)
            if not line:
                return
            if not line.endswith(b"\n"):
                raise TraceError(f"{path.name} line {number} is cut off: the recording was not finished")
            try:
                yield msgspec.json.decode(line, type=Entry)
            except msgspec.MsgspecError as error:
                raise TraceError(f"{path.name} line {number}: {error}") from None


def json_of(text: str | bytes) -> Any:
    """Return what a text says in JSON, ``None`` where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def sound_of(message: Any) -> bytes | None:
    """Return the audio of a Media Streams ``media`` message of either direction, ``None`` where there is none."""
    match message:
        case {"event": "media", "media": {"payload": str(payload)}}:
            try:
                return base64.b64decode(payload, validate=True)
            except ValueError:
                return None
        case _:
            return None
