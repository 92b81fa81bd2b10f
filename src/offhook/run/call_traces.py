"""Records the wire trace of every call as a file in a folder (`serve --trace DIR`). Sound and words: mode 0600."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from picows import WSListener

from offhook.errors import AgentError, ConfigError
from offhook.observe.log import logger
from offhook.run.leg import Leg
from offhook.run.taps import Tapped
from offhook.trace import Channel, Entry, Kind, Party, TraceWriter

#: A file is closed this long after the last entry, once all sockets of its call are closed: late webhooks still fit.
IDLE_S: Final = 10.0
#: Nothing is recorded for so long after the disk has failed.
_REST_S: Final = 60.0
#: Messages of a stream that has not said whose it is.
_BEFORE_START: Final = 100
_SID: Final = re.compile(r"CA[0-9a-zA-Z]{1,62}")


class CallTraces:
    """One file a call, ``FOLDER/CALLSID.jsonl``. Implements `Taps`. Raises `ConfigError` where it cannot write there.

    A disk that fails ends the recording, not the calls.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError([f"--trace: {folder} cannot be made ({error.strerror}); name another folder"]) from None
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._rest_until = 0.0

    def caller(self, leg: Leg, path: str) -> WSListener:
        """Take a stream of Twilio's."""
        return Tapped(leg, _Stream(self, path))

    def agent(self, call_sid: str, leg: Leg, path: str) -> WSListener:
        """Take a socket to the agent."""
        return Tapped(leg, _Socket(self, "agent", "deepgram", path, call_sid))

    def agent_refused(self, call_sid: str, error: AgentError, path: str) -> None:
        """Note that the agent refused."""
        status = error.facts.get("status")
        told = {"status": status if isinstance(status, int) else None, "path": path}
        self.write(entry("agent", "bridge", "refused", call_sid, **told))

    def webhook(self, path: str, form: str, call_sid: str, asked_ms: float, answer: tuple[int, str]) -> None:
        """Note a webhook that was answered now."""
        status, text = answer
        asked = entry("http", "twilio", "request", call_sid, text=form, path=path)
        self.write(msgspec.structs.replace(asked, at_ms=asked_ms))
        self.write(entry("http", "bridge", "response", call_sid, text=text, status=status, path=path))

    def write(self, told: Entry) -> None:
        """Write an entry of a call. A disk that takes nothing is left alone for a minute, and said so once."""
        if not _SID.fullmatch(told.call) or time.monotonic() < self._rest_until:
            return
        try:
            file = self._files.get(told.call) or self._open(told.call)
            file.write(told)
        except OSError as error:
            self._rest_until = time.monotonic() + _REST_S
            logger().error("trace_failed", call=told.call, why=error.strerror)

    def leg(self, call_sid: str, change: int) -> None:
        """Note that a socket of a call was opened (1) or is gone (-1)."""
        if (file := self._files.get(call_sid)) is not None:
            file.legs += change
            if not file.legs:  # the call is over: whoever looks now finds it whole
                file.flush()

    def close(self) -> None:
        """Close every file."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _open(self, call_sid: str) -> _File:
        names = (f"{call_sid}{again}.jsonl" for again in ("", *(f"-{n}" for n in range(2, 1000))))
        path = next(p for p in map(self._folder.joinpath, names) if not p.exists())  # a call may come back later
        file = self._files[call_sid] = _File(TraceWriter(path, "offhook serve"))
        self._close_later(call_sid, file)
        return file

    def _close_later(self, call_sid: str, file: _File) -> None:
        def look() -> None:
            if self._files.get(call_sid) is not file:
                return
            if file.legs or time.monotonic() - file.touched < IDLE_S:
                self._close_later(call_sid, file)
            else:
                del self._files[call_sid]
                file.close()

        asyncio.get_running_loop().call_later(IDLE_S, look)


class _File:
    def __init__(self, writer: TraceWriter) -> None:
        self._writer = writer
        self.legs = 0
        self.touched = time.monotonic()

    def write(self, told: Entry) -> None:
        self.touched = time.monotonic()
        self._writer(told)

    def flush(self) -> None:
        with contextlib.suppress(OSError):  # the next write, or the end, says so
            self._writer.flush()

    def close(self) -> None:
        try:
            self._writer.close()
        except OSError as error:
            logger().error("trace_failed", why=error.strerror)


class _Socket:
    """Tells one socket. ``far``: who is at its other end."""

    def __init__(self, traces: CallTraces, channel: Channel, far: Party, path: str, call_sid: str = "") -> None:
        self._traces, self._path, self.call_sid = traces, path, call_sid
        self._channel: Channel = channel
        self._far: Party = far
        self._is_closed = False

    def opened(self) -> None:
        opener: Party = "bridge" if self._channel == "agent" else "twilio"
        self.tell(entry(self._channel, opener, "open", self.call_sid, status=101, path=self._path))
        self._traces.leg(self.call_sid, 1)

    def message(self, payload: bytes, *, is_text: bool, ours: bool) -> None:
        kind: Kind = "text" if is_text else "binary"
        content: dict[str, Any] = {"text": payload.decode("utf-8", "replace")} if is_text else {"audio": payload}
        self.tell(entry(self._channel, "bridge" if ours else self._far, kind, self.call_sid, **content))

    def closed(self, code: int | None, *, ours: bool) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self.tell(entry(self._channel, "bridge" if ours else self._far, "close", self.call_sid, code=code))
        self._traces.leg(self.call_sid, -1)

    def tell(self, told: Entry) -> None:
        self._traces.write(told)


class _Stream(_Socket):
    """A stream, whose call is known from its `start` on; what came before is kept until then."""

    def __init__(self, traces: CallTraces, path: str) -> None:
        super().__init__(traces, "stream", "twilio", path)
        self._kept: list[Entry] = []

    def tell(self, told: Entry) -> None:
        if self.call_sid:
            self._traces.write(told)
            return
        self._kept.append(told)
        match told.message():
            case {"event": "start", "start": {"callSid": str(call_sid)}}:
                self.call_sid = call_sid
                for kept in self._kept:
                    self._traces.write(msgspec.structs.replace(kept, call=call_sid))
                self._traces.leg(call_sid, 1)
                self._kept.clear()
        del self._kept[_BEFORE_START:]


def entry(channel: Channel, sender: Party, kind: Kind, call: str, **content: Any) -> Entry:
    """Return an entry of now."""
    return Entry(at_ms=time.monotonic() * 1000, channel=channel, sender=sender, kind=kind, call=call, **content)
