"""What happened on one call, frame by frame, for tests and for `--verbose`. Keeps; judges nothing; never logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from offhook.trace import Entry, Kind, OnEntry, Party

#: Frames and audio kept per call; what is over is counted, not kept. 16 MiB of µ-law is 35 minutes.
KEPT_FRAMES: Final = 200_000
KEPT_AUDIO_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message: ``at`` by the monotonic clock, sent by us or received, JSON or ``audio_bytes``."""

    at: float
    sent: bool
    message: Any = None
    audio_bytes: int = 0

    @property
    def kind(self) -> str:
        """Return the message type, "audio", or "unparsable"."""
        if self.audio_bytes or self.message is None:
            return "audio"
        kind = self.message.get("type") if isinstance(self.message, dict) else None
        return kind if isinstance(kind, str) else "unparsable"


@dataclass(slots=True)
class CallRecord:
    """One call of the offline agent. ``heard`` is caller audio as received, ``spoke`` agent audio as sent.

    Where sound is not kept (``keeps_audio``), its frames are not in the history either: a server may run for weeks.
    """

    index: int
    request_id: str
    on_frame: Callable[[CallRecord, Frame], None] | None = None
    on_wire: OnEntry | None = None
    keeps_audio: bool = True
    opened_at: float = field(default_factory=time.monotonic)
    closed_at: float | None = None
    ended_by: str = ""
    history: list[Frame] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    spoke: bytearray = field(default_factory=bytearray)
    heard_early_bytes: int = 0
    empty_frames: int = 0
    not_kept: int = 0

    @property
    def is_live(self) -> bool:
        """Whether its socket is open."""
        return self.closed_at is None

    def close(self) -> None:
        """Note that the socket is gone."""
        self.closed_at = time.monotonic()

    def text(self, message: Any, *, sent: bool) -> None:
        """Note a JSON message."""
        self._note(Frame(time.monotonic(), sent, message))

    def audio(self, audio: bytes, *, sent: bool) -> None:
        """Note an audio message and keep its bytes."""
        kept = self.spoke if sent else self.heard
        if self.keeps_audio and len(kept) + len(audio) <= KEPT_AUDIO_BYTES:
            kept += audio
        self._note(Frame(time.monotonic(), sent, None, len(audio)), keep=self.keeps_audio)

    def passed(
        self,
        kind: Kind,
        sender: Party,
        *,
        text: bytes | None = None,
        audio: bytes | None = None,
        code: int | None = None,
    ) -> None:
        """Tell the wire trace, where one is kept, what passed exactly as it was."""
        if self.on_wire is not None:
            shown = None if text is None else text.decode("utf-8", "replace")
            at_ms, call = time.monotonic() * 1000, self.request_id
            status = 101 if kind == "open" else None
            self.on_wire(
                Entry(
                    at_ms=at_ms,
                    channel="agent",
                    sender=sender,
                    kind=kind,
                    call=call,
                    text=shown,
                    audio=audio,
                    code=code,
                    status=status,
                )
            )

    def _note(self, frame: Frame, *, keep: bool = True) -> None:
        if keep and len(self.history) < KEPT_FRAMES:
            self.history.append(frame)
        else:
            self.not_kept += 1
        if self.on_frame is not None:
            self.on_frame(self, frame)

    def sent(self, kind: str = "") -> list[Any]:
        """Return the JSON messages we sent, in order; of one type where ``kind`` is given."""
        return list(self._messages(kind, sent=True))

    def received(self, kind: str = "") -> list[Any]:
        """Return the JSON messages we received, in order; of one type where ``kind`` is given."""
        return list(self._messages(kind, sent=False))

    def _messages(self, kind: str, *, sent: bool) -> Iterator[Any]:
        for frame in self.history:
            if frame.sent is sent and frame.kind != "audio" and kind in {"", frame.kind}:
                yield frame.message
