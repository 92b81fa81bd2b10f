"""One call's history, put in order: what each side sent, when. Reads entries; judges nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from offhook.trace import Entry, json_of, sound_of

Timed = tuple[float, bytes]
#: A frame this near to a moment tells how late the machine was then.
_AROUND: Final = 500.0


@dataclass(slots=True)
class StreamSide:
    """What passed between Twilio and the bridge on one stream. Times are ms from the history's beginning."""

    opened_ms: float | None = None
    refused_status: int | None = None
    is_refused: bool = False
    url: str = ""
    started_ms: float | None = None
    stream_sid: str = ""
    stop_ms: float | None = None
    closed_ms: float | None = None
    closed_by: str = ""
    close_code: int | None = None
    caller_audio: list[Timed] = field(default_factory=list)
    #: When each caller frame was sent, and Twilio's own timestamp of it: how late Twilio's side was itself.
    frames: list[tuple[float, float]] = field(default_factory=list)
    agent_audio: list[Timed] = field(default_factory=list)
    #: Agent audio in messages that Twilio does not take: in binary frames; and when a payload could not be read at all.
    misframed: list[Timed] = field(default_factory=list)
    unreadable_ms: list[float] = field(default_factory=list)
    heard: list[Timed] = field(default_factory=list)
    #: Every message of the bridge: time, raw text, decoded JSON (None: none). Binary frames have no text.
    said: list[tuple[float, str | None, Any]] = field(default_factory=list)

    def clears_ms(self) -> list[float]:
        """When the bridge sent `clear`."""
        return [at for at, _, message in self.said if isinstance(message, dict) and message.get("event") == "clear"]


@dataclass(slots=True)
class AgentSide:
    """What passed between the bridge and Deepgram on one socket."""

    request_id: str
    opened_ms: float | None = None
    refused_status: int | None = None
    closed_ms: float | None = None
    closed_by: str = ""
    caller_audio: list[Timed] = field(default_factory=list)
    agent_audio: list[Timed] = field(default_factory=list)
    #: Messages of Deepgram and of the bridge: time and JSON.
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    #: Messages of the bridge that came in a binary frame, which is sound.
    misframed: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def first(self, kind: str) -> float | None:
        """When Deepgram first sent a message of this type."""
        return next((at for at, message in self.told if message.get("type") == kind), None)

    def times(self, kind: str) -> list[float]:
        """When Deepgram sent messages of this type."""
        return [at for at, message in self.told if message.get("type") == kind]

    def sent(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """What the bridge sent of this type."""
        return [(at, message) for at, message in self.asked if message.get("type") == kind]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook of the call: path, when asked and answered, and the answer's text."""

    path: str
    asked_ms: float
    answered_ms: float | None
    status: int | None
    text: str


class SeveralCallsError(ValueError):
    """The entries are those of more than one call, and only one can be judged."""


@dataclass(slots=True)
class History:
    """One call. Make it with `of`. ``ended_ms`` is how long anybody looked: later than everything in it."""

    streams: list[StreamSide]
    agents: list[AgentSide]
    webhooks: list[Webhook]
    ended_ms: float
    #: When the one who recorded was late by how much (`offhook.lab.pulse`), where that was measured.
    lags: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def of(
        cls, entries: Iterable[Entry], looked_until_ms: float | None = None, lags: Iterable[tuple[float, float]] = ()
    ) -> History:
        """Put a call's entries in order. ``looked_until_ms`` is on the entries' clock; default: the last entry.

        ``lags``: when, on that clock, the recorder was late by how many ms.

        Raises `SeveralCallsError`.
        """
        ordered = sorted(entries, key=lambda entry: entry.at_ms)
        if len({entry.call for entry in ordered if entry.channel != "agent" and entry.call}) > 1:
            raise SeveralCallsError("it holds several calls, and each is judged by itself")
        origin = ordered[0].at_ms if ordered else 0.0
        last = max(looked_until_ms or 0.0, ordered[-1].at_ms if ordered else 0.0) - origin
        streams = _streams([entry for entry in ordered if entry.channel == "stream"], origin)
        agents = _agents([entry for entry in ordered if entry.channel == "agent"], origin)
        webhooks = _webhooks([e for e in ordered if e.channel == "http"], origin)
        return cls(streams, agents, webhooks, max(0.0, last), [(at - origin, late) for at, late in lags])

    @property
    def stream(self) -> StreamSide | None:
        """The call's stream, the first that was opened."""
        return next((stream for stream in self.streams if stream.opened_ms is not None), None)

    @property
    def agent(self) -> AgentSide | None:
        """The call's agent, the first that was opened."""
        return next((agent for agent in self.agents if agent.opened_ms is not None), None)

    def late_ms(self, since: float = float("-inf"), until: float = float("inf")) -> float:
        """Return how late the twins were themselves between two moments, ms: at their worst, or by many small delays.

        On a busy machine nobody is in time: a bridge is not blamed for what its judges were not able to do either.
        """
        near = (since - _AROUND, until + _AROUND)
        lags = [late for at, late in self.lags if near[0] <= at - late and at <= near[1] + late]
        lates = [sum(lags) if since > float("-inf") else max(lags, default=0.0)]  # of a whole call the worst counts
        for stream in self.streams:
            offsets = [at - stamp for at, stamp in stream.frames]
            least = min(offsets, default=0.0)
            lates += [at - stamp - least for at, stamp in stream.frames if near[0] <= at <= near[1]]
        return max(lates, default=0.0)

    def document(self) -> ET.Element | None:
        """Return the TwiML that the voice webhook answered, None where there is none or it is no XML."""
        for webhook in self.webhooks:
            if webhook.status == 200 and "<Response" in webhook.text:
                try:
                    return ET.fromstring(webhook.text)  # noqa: S314  # bounded by the trace, no DOCTYPE from Twilio's side
                except ET.ParseError:
                    return None
        return None


def _streams(entries: Sequence[Entry], origin: float) -> list[StreamSide]:
    sides: list[StreamSide] = []
    for entry in entries:
        at = entry.at_ms - origin
        if entry.kind in ("open", "refused") or not sides:
            sides.append(StreamSide(url=entry.path))
        side = sides[-1]
        match entry.kind:
            case "open":
                side.opened_ms = at
            case "refused":
                side.is_refused, side.refused_status = True, entry.status
            case "close":
                if side.closed_ms is None:
                    side.closed_ms, side.closed_by, side.close_code = at, entry.sender, entry.code
            case "heard":
                side.heard.append((at, entry.audio or b""))
            case _ if entry.sender == "twilio":
                _from_twilio(side, at, entry.message())
            case _:
                _from_bridge(side, at, entry)
    return sides


def _from_bridge(side: StreamSide, at: float, entry: Entry) -> None:
    message = entry.message()
    side.said.append((at, entry.text, message))
    if (audio := sound_of(message)) is not None:
        side.agent_audio.append((at, audio))
    elif isinstance(message, dict) and message.get("event") == "media":
        side.unreadable_ms.append(at)
    elif entry.audio is not None and (audio := sound_of(json_of(entry.audio))) is not None:
        side.misframed.append((at, audio))


def _from_twilio(side: StreamSide, at: float, message: Any) -> None:
    match message:
        case {"event": "start", "streamSid": str(sid)}:
            side.started_ms, side.stream_sid = at, sid
        case {"event": "stop"}:
            side.stop_ms = at
        case {"event": "media"} if (audio := sound_of(message)) is not None:
            side.caller_audio.append((at, audio))
            with suppress(KeyError, TypeError, ValueError):
                side.frames.append((at, float(message["media"]["timestamp"])))


def _agents(entries: Sequence[Entry], origin: float) -> list[AgentSide]:
    sides: dict[str, AgentSide] = {}
    for entry in entries:
        side = sides.setdefault(entry.call, AgentSide(entry.call))
        at, from_bridge = entry.at_ms - origin, entry.sender == "bridge"
        match entry.kind:
            case "open":
                side.opened_ms = at
            case "refused":
                side.refused_status = entry.status
            case "close":
                if side.closed_ms is None:
                    side.closed_ms, side.closed_by = at, entry.sender
            case "binary" if from_bridge and (misframed := _message_in(entry.audio or b"")) is not None:
                side.misframed.append((at, misframed))
            case "binary":
                (side.caller_audio if from_bridge else side.agent_audio).append((at, entry.audio or b""))
            case "text":
                message = entry.message()
                if isinstance(message, dict):
                    (side.asked if from_bridge else side.told).append((at, message))
    return list(sides.values())


def _message_in(audio: bytes) -> dict[str, Any] | None:
    """Return the message that was sent as if it were sound."""
    message = json_of(audio) if audio[:1] == b"{" else None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def _webhooks(entries: Sequence[Entry], origin: float) -> list[Webhook]:
    found: list[Webhook] = []
    waiting: list[Entry] = []
    for entry in entries:
        if entry.kind == "request":
            waiting.append(entry)
            continue
        asked = next((request for request in waiting if request.path == entry.path), None)
        if asked is not None:
            waiting.remove(asked)
            at = entry.at_ms - origin
            found.append(Webhook(entry.path, asked.at_ms - origin, at, entry.status, entry.text or ""))
    found += [Webhook(request.path, request.at_ms - origin, None, None, "") for request in waiting]
    return sorted(found, key=lambda webhook: webhook.asked_ms)
