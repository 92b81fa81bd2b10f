"""What happens during a simulated call, as it happens. Values only; `at_ms` counts from the moment of dialling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offhook.sim.complaints import Complaint

Party = Literal["caller", "server", "twilio", "nobody"]


@dataclass(frozen=True, slots=True)
class Dialled:
    """The call begins; ``target`` is the URL without query and user info."""

    at_ms: float
    target: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The two sides are connected."""

    at_ms: float


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Answering machine detection has its verdict, ``took_ms`` after the answer."""

    at_ms: float
    verdict: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """A webhook answered; ``what`` is why it was asked (voice, action, redirect, fallback, status …)."""

    at_ms: float
    what: str
    status: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class VerbRun:
    """A TwiML verb begins; ``text`` is what a reader wants to know of it."""

    at_ms: float
    verb: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The stream is open and `start` is sent."""

    at_ms: float
    stream_sid: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The stream is over; ``code`` is the close code the server sent, ``unheard_ms`` the audio it cut off."""

    at_ms: float
    by: Party
    how: str
    code: int | None
    unheard_ms: float


@dataclass(frozen=True, slots=True)
class CallerSpeaks:
    """The caller's first audible sample goes out. ``over_agent``: the agent is being heard right now."""

    at_ms: float
    text: str
    over_agent: bool


@dataclass(frozen=True, slots=True)
class CallerQuiet:
    """The caller's last sample went out at ``at_ms``."""

    at_ms: float
    spoke_ms: float


@dataclass(frozen=True, slots=True)
class AgentHeard:
    """The caller hears the agent begin. ``after_caller_ms``: since the caller's last audible sample, if it replies."""

    at_ms: float
    after_caller_ms: float | None


@dataclass(frozen=True, slots=True)
class AgentQuiet:
    """The agent's last audible sample was heard at ``at_ms``; told a little later, when silence had lasted."""

    at_ms: float
    heard_ms: float


@dataclass(frozen=True, slots=True)
class ClearReceived:
    """The server sent `clear`."""

    at_ms: float
    discarded_ms: float
    marks: int


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """A mark went back to the server, by playback or by a clear."""

    at_ms: float
    name: str
    cleared: bool


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed a key. Which one is nobody's business here."""

    at_ms: float


@dataclass(frozen=True, slots=True)
class Complained:
    """The simulated Twilio found fault with the server."""

    at_ms: float
    complaint: Complaint


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over."""

    at_ms: float
    by: Party
    why: str


Event = (
    Dialled
    | Answered
    | AnsweredBy
    | Fetched
    | VerbRun
    | StreamStarted
    | StreamEnded
    | CallerSpeaks
    | CallerQuiet
    | AgentHeard
    | AgentQuiet
    | ClearReceived
    | MarkReturned
    | DigitPressed
    | Complained
    | HungUp
)
OnEvent = Callable[[Event], None]


def ignore(_: Event) -> None:
    """Take an event and do nothing with it."""
