"""A trace taken apart into what each side has to say, and when. Values; it plays nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from offhook.trace import Entry


class ReplayError(ValueError):
    """A trace cannot be replayed; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One connection of the recording: its entries in order, and the time of the first."""

    entries: tuple[Entry, ...]

    @property
    def opened_ms(self) -> float:
        """When it was opened, on the recording's clock."""
        return self.entries[0].at_ms

    @property
    def status(self) -> int | None:
        """The status it was refused with; None where it was opened."""
        return (self.entries[0].status or 503) if self.entries[0].kind == "refused" else None


@dataclass(frozen=True, slots=True)
class Recording:
    """One call. ``voice``: the webhook's form. ``sockets``: each handshake with the agent, in order."""

    voice: dict[str, str]
    stream: Part
    sockets: Sequence[Part] = field(default_factory=tuple)
    documents: Sequence[Entry] = field(default_factory=tuple)

    @property
    def stream_sid(self) -> str:
        """The stream's SID, which is the replay's too."""
        for entry in self.stream.entries:
            match entry.message():
                case {"event": "start", "streamSid": str(sid)}:
                    return sid
        return ""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Recording:
        """Take a trace apart. Raises `ReplayError`."""
        ordered = sorted(entries, key=lambda entry: entry.at_ms)
        stream = [entry for entry in ordered if entry.channel == "stream" and entry.kind != "heard"]
        if not stream or stream[0].kind != "open":
            raise ReplayError("it has no stream that was opened: there is no call to replay")
        asked = next((entry for entry in ordered if entry.kind == "request"), None)
        if asked is None:
            raise ReplayError("it has no voice webhook: only a call that came by TwiML can be replayed")
        if sum(entry.kind == "open" for entry in stream) > 1:
            raise ReplayError("it has several streams; one can be replayed")
        return cls(
            dict(parse_qsl(asked.text or "", keep_blank_values=True)),
            Part(tuple(stream)),
            tuple(_sockets([entry for entry in ordered if entry.channel == "agent"])),
            tuple(entry for entry in ordered if entry.kind == "response")[:1],
        )


def _sockets(entries: Sequence[Entry]) -> list[Part]:
    """Cut the agent's entries into connections: each begins with `open` or `refused`."""
    found: dict[str, list[list[Entry]]] = {}
    for entry in entries:
        parts = found.setdefault(entry.call, [])
        if entry.kind in ("open", "refused") or not parts:
            parts.append([])
        parts[-1].append(entry)
    return sorted((Part(tuple(part)) for parts in found.values() for part in parts), key=lambda part: part.opened_ms)
