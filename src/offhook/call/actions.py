"""What a call session may ask its shell to do, and the call record. Values only, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from offhook.call.hangup import CloseCode, HangupCause
from offhook.errors import Fact
from offhook.wire.deepgram import FunctionCall
from offhook.wire.twilio import MarkName


@dataclass(frozen=True, slots=True)
class DialAgent:
    """Open the agent leg (again)."""


@dataclass(frozen=True, slots=True)
class ToAgent:
    """Send one text frame to the agent."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class AudioToAgent:
    """Send caller audio that was kept back."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class PingAgent:
    """Ping the agent's socket."""


@dataclass(frozen=True, slots=True)
class CloseAgent:
    """Close the agent leg; it must never outlive the call."""


@dataclass(frozen=True, slots=True)
class Play:
    """Send agent audio (or a phrase of ours) to the caller, then the mark."""

    audio: bytes
    mark: MarkName | None = None


@dataclass(frozen=True, slots=True)
class SendMark:
    """Send a mark."""

    name: MarkName


@dataclass(frozen=True, slots=True)
class Clear:
    """Tell Twilio to throw away what it has not played."""


@dataclass(frozen=True, slots=True)
class CloseCaller:
    """Close the caller leg; Twilio goes on with the TwiML after `<Connect>`."""

    code: CloseCode


@dataclass(frozen=True, slots=True)
class RunFunctions:
    """Run client-side functions; answer each with `CallSession.function_answered`."""

    calls: Sequence[FunctionCall]


@dataclass(frozen=True, slots=True)
class CancelFunctions:
    """These function calls are withdrawn."""

    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class SettingsRefused:
    """The agent refused this choice of settings (``field``, if it named one); the next is tried where there is one."""

    choice: int
    code: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class SettingsAccepted:
    """The agent applied a choice that was not the first: those before it are refused for now."""

    choice: int


@dataclass(frozen=True, slots=True)
class Note:
    """One log event with a stable name and facts that are safe to log."""

    event: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A turn as stored. ``said`` and ``heard`` are personal data: never logged."""

    role: Literal["caller", "agent"]
    at_s: float
    said: str
    heard: str
    interrupted: bool
    answer_s: float | None
    vendor_total_s: float | None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """The summary of a call; written exactly once. Times in seconds; ``counts`` by stable names."""

    call_sid: str
    stream_sid: str
    agent: str
    cause: HangupCause
    reached_start: bool
    duration_s: float
    first_audio_s: float | None
    request_id: str
    turns: Sequence[TurnRecord]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. The last action of every call, emitted once."""

    record: CallRecord


Action = (
    DialAgent
    | ToAgent
    | AudioToAgent
    | PingAgent
    | CloseAgent
    | Play
    | SendMark
    | Clear
    | CloseCaller
    | RunFunctions
    | CancelFunctions
    | SettingsRefused
    | SettingsAccepted
    | Note
    | Ended
)
