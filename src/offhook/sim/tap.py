"""Tells the wire trace what passes on one stream, exactly as it was. A copy; it changes and delays nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from offhook.sim.complaints import LineFault
from offhook.sim.frames import BINARY, Message
from offhook.trace import Channel, Entry, Kind, OnEntry, Party

OnHeard = Callable[[float, bytes], None]


class Tap:
    """Writes entries of one stream of one call. ``url`` is the stream's, as the server wrote it."""

    def __init__(self, on_wire: OnEntry, call_sid: str, url: str) -> None:
        self._on_wire = on_wire
        self._call_sid = call_sid
        self._url = url

    def passed(
        self,
        kind: Kind,
        sender: Party,
        *,
        text: bytes | None = None,
        audio: bytes | None = None,
        code: int | None = None,
        status: int | None = None,
    ) -> None:
        """Tell one thing that passed now."""
        self._on_wire(
            Entry(
                at_ms=time.monotonic() * 1000,
                channel="stream",
                sender=sender,
                kind=kind,
                call=self._call_sid,
                text=None if text is None else text.decode("utf-8", "replace"),
                audio=audio,
                code=code,
                status=status,
                path=self._url if kind in ("open", "refused") else "",
            )
        )

    def opened(self) -> None:
        """Tell that the server took the stream."""
        self.passed("open", "twilio", status=101)

    def refused(self, fault: LineFault) -> None:
        """Tell that it did not, with the status it answered, if any."""
        self.passed("refused", "twilio", status=fault.status)

    def message(self, frame: Message) -> None:
        """Tell a message of the server."""
        if frame.opcode == BINARY:
            self.passed("binary", "bridge", audio=frame.payload)
        else:
            self.passed("text", "bridge", text=frame.payload)

    def hearing(self, on_heard: OnHeard | None) -> OnHeard:
        """Return what playback is to tell: the trace, then ``on_heard``.

        Playback counts time as the call does; the trace's clock is this machine's, so each piece is told when it was
        noticed, at most a few tens of milliseconds after it was heard.
        """

        def heard(start_ms: float, audio: bytes) -> None:
            self.passed("heard", "caller", audio=audio)
            if on_heard is not None:
                on_heard(start_ms, audio)

        return heard


def webhook(on_wire: OnEntry, call_sid: str, url: str, kind: Kind, text: str, status: int | None = None) -> None:
    """Tell a webhook's form or answer."""
    channel: Channel = "http"
    parts = urlsplit(url)
    on_wire(
        Entry(
            at_ms=time.monotonic() * 1000,
            channel=channel,
            sender="twilio" if kind == "request" else "bridge",
            kind=kind,
            call=call_sid,
            text=text,
            status=status,
            path=parts.path + (f"?{parts.query}" if parts.query else ""),
        )
    )
