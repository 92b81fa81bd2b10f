"""Where a call's documents come from and what becomes of those it calls. Values, and what an interpreter may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from offhook.sim.events import Party
from offhook.sim.state import CallStatus

#: A document given with a REST request may have this many characters (32018).
INLINE_CHARACTERS: Final = 4000
#: What a caller hears where a document and its fallback fail.
APPLICATION_ERROR: Final = 'Twilio announces "an application error has occurred"'

DialResult = Literal["no-answer", "busy", "answered", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class DialOutcome:
    """What happens to those a `<Dial>` calls: after ``rings_s`` the result, talk for ``talks_s`` if answered.

    ``says`` (µ-law) is what they say to the caller; ``presses`` are the keys they press while they are screened
    (`<Number url>`). For `<Conference>` and `<Queue>` it is what the other side there does.
    """

    result: DialResult = "no-answer"
    rings_s: float = 2.0
    talks_s: float = 2.0
    says: bytes = b""
    presses: str = ""


@dataclass(frozen=True, slots=True)
class QueueOutcome:
    """Who takes a queued caller where no other call does: somebody after ``waits_s``, or nobody (``None``)."""

    waits_s: float | None = None
    talks_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Route:
    """The webhooks of a number, or of a call that is placed. ``url`` may be a TwiML document itself."""

    url: str
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_url: str | None = None
    status_method: str = "POST"
    status_events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the documents of one call run."""

    route: Route
    dial: DialOutcome = field(default_factory=DialOutcome)
    #: By number, SIP URI or client; others get ``dial``.
    dials: Mapping[str, DialOutcome] = field(default_factory=dict)
    queue: QueueOutcome = field(default_factory=QueueOutcome)
    #: Verbs other than streams run this many times faster than they would.
    speed: float = 1.0
    #: Numbers besides the call's own that may be a callerId (13214).
    verified: frozenset[str] = frozenset()
    trial: Literal["no", "current", "legacy"] = "no"

    def outcome_for(self, target: str) -> DialOutcome:
        """Return what becomes of one who is called."""
        return self.dials.get(target, self.dial)


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """A `<Stream>`, or a Streams resource, resolved. ``tracks`` is ``None`` under `<Connect>`."""

    url: str
    name: str | None
    parameters: Mapping[str, str]
    status_url: str | None = None
    status_method: str = "POST"
    tracks: tuple[Literal["inbound", "outbound"], ...] | None = None


class Rerouted(Exception):
    """The call is to go on elsewhere at once: at ``url``, or with ``twiml``."""

    def __init__(
        self, url: str | None, twiml: str | None, method: str = "POST", fallback: tuple[str, str] | None = None
    ) -> None:
        super().__init__("rerouted")
        self.url = url
        self.twiml = twiml
        self.method = method
        #: Address and method of another fallback than the call's own.
        self.fallback = fallback


class CallEnds(Exception):
    """Nothing is left to run: why, by whom, and the status of a call that was not answered."""

    def __init__(self, why: str, by: Party = "server", status: CallStatus | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.by: Party = by
        self.status: CallStatus | None = status
