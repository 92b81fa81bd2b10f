"""Recordings of one simulated call: audio, its times, its state. Not files, and tells nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from offhook.sim.identity import fresh_sid

TapeStatus = Literal["in-progress", "paused", "stopped", "completed", "absent"]


@dataclass(slots=True)
class Tape:
    """One recording of the caller's side (µ-law, mono). ``source`` is Twilio's RecordingSource."""

    source: str
    call_sid: str
    sid: str = field(default_factory=lambda: fresh_sid("RE"))
    status: TapeStatus = "in-progress"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    audio: bytearray = field(default_factory=bytearray)

    def take(self, frame: bytes | None) -> None:
        """Take a frame of the caller."""
        if self.status == "in-progress" and frame is not None:
            self.audio += frame

    def finish(self) -> None:
        """Complete it; without any sound in it it is ``absent``."""
        if self.status not in ("completed", "absent"):
            self.status = "completed" if self.audio else "absent"

    @property
    def seconds(self) -> int:
        """Return its length."""
        return round(len(self.audio) / 8000)

    def url(self, account_sid: str) -> str:
        """Return where Twilio would keep it."""
        return f"https://api.twilio.com/2010-04-01/Accounts/{account_sid}/Recordings/{self.sid}"

    def form(self, account_sid: str) -> dict[str, str]:
        """Return what a recording callback says of it."""
        return {
            "AccountSid": account_sid,
            "CallSid": self.call_sid,
            "RecordingSid": self.sid,
            "RecordingUrl": self.url(account_sid),
            "RecordingStatus": self.status,
            "RecordingDuration": str(self.seconds),
            "RecordingChannels": "1",
            "RecordingStartTime": self.started.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "RecordingSource": self.source,
            "RecordingTrack": "inbound",
        }
