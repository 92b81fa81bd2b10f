"""One call as the lab sees it: everything that passed, the caller's buffer, the verdict. Holds it; makes no call."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from offhook.lab.judge import Finding, History, Probed, judge
from offhook.lab.judge.judge import codes
from offhook.trace import Entry, sound_of

#: What is shown of one message; the trace has it whole.
SHOWN: Final = 4000
#: Entries of one call that are kept.
KEPT: Final = 500_000


@dataclass(slots=True)
class Watched:
    """A call. ``findings`` is None until it was judged."""

    call_sid: str
    scenario: str
    began_ms: float = field(default_factory=lambda: time.monotonic() * 1000)
    entries: list[Entry] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    open_agents: set[str] = field(default_factory=set)
    buffered_ms: float = 0.0
    heard_ms: float = 0.0
    status: str = "running"
    findings: list[Finding] | None = None

    def add(self, entry: Entry) -> None:
        """Take what passed."""
        if len(self.entries) >= KEPT:
            return
        self.entries.append(entry)
        if entry.channel == "agent" and entry.kind == "open":
            self.open_agents.add(entry.call)
        if entry.channel == "agent" and entry.kind == "close":
            self.open_agents.discard(entry.call)
        if entry.channel == "stream":
            self._play(entry)

    def _play(self, entry: Entry) -> None:
        """Follow Twilio's playback buffer."""
        if entry.kind == "heard":
            ms = len(entry.audio or b"") / 8
            self.heard_ms += ms
            self.buffered_ms = max(0.0, self.buffered_ms - ms)
        elif entry.sender == "bridge" and entry.kind == "text":
            message = entry.message()
            if isinstance(message, dict) and message.get("event") == "clear":
                self.buffered_ms = 0.0
            else:
                self.buffered_ms += len(sound_of(message) or b"") / 8

    def judge(self, probed: Probed, lags: Iterable[tuple[float, float]]) -> None:
        """Judge the call as far as it went by now."""
        self.findings = judge(History.of(self.entries, time.monotonic() * 1000, lags), probed)

    def summary(self) -> dict[str, Any]:
        """Return it for a list."""
        return {
            "call": self.call_sid,
            "scenario": self.scenario,
            "status": self.status,
            "messages": len(self.entries),
            "buffered_ms": round(self.buffered_ms),
            "heard_ms": round(self.heard_ms),
            "findings": None if self.findings is None else [_told(finding) for finding in self.findings],
        }

    def since(self, number: int, at_most: int = 2000) -> dict[str, Any]:
        """Return the summary and the entries from a number on."""
        entries = self.entries[number : number + at_most]
        shown = [self._shown(entry) for entry in entries]
        return {**self.summary(), "entries": shown, "next": number + len(entries)}

    def _shown(self, entry: Entry) -> dict[str, Any]:
        message = entry.message() if entry.channel != "http" else None
        sound = entry.audio if entry.audio is not None else sound_of(message)
        told: dict[str, Any] = {
            "at_ms": round(entry.at_ms - self.began_ms, 1),
            "channel": entry.channel,
            "sender": entry.sender,
            "kind": entry.kind,
        }
        if sound is not None:
            told["audio_ms"] = len(sound) / 8
        elif entry.text is not None:
            told["text"] = entry.text[:SHOWN]
        told |= {name: v for name in ("status", "code", "path") if (v := getattr(entry, name)) not in (None, "")}
        return told

    def whole(self, entry: Entry) -> dict[str, Any]:
        """Return an entry with everything, for whoever reads the history."""
        told = {name: getattr(entry, name) for name in entry.__struct_fields__}
        if entry.audio is not None:
            told["audio"] = base64.b64encode(entry.audio).decode()
        return told


def _told(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "meaning": codes()[finding.code]}
