"""How one simulated call is made: who, by which webhooks, on which line, with whom at the other end. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from offhook.sim.behaviour import Behaviour
from offhook.sim.desk import Speak
from offhook.sim.identity import CallIdentity
from offhook.sim.life import Life
from offhook.sim.network import Network
from offhook.sim.outbound import Outbound
from offhook.sim.plan import DialOutcome, Plan, QueueOutcome, Route
from offhook.sim.reach import Reach
from offhook.sim.rooms import Rooms
from offhook.sim.state import CallState, OnState
from offhook.trace import OnEntry

#: A call ends by itself after this long (Twilio: four hours).
TIME_LIMIT_S = 4 * 3600.0


def _untold(_: CallState) -> None: ...


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How one call is made. ``auth_token`` signs; without it everything goes unsigned."""

    auth_token: str | None = None
    identity: CallIdentity = field(default_factory=CallIdentity)
    behaviour: Behaviour = field(default_factory=Behaviour)
    network: Network = field(default_factory=Network)
    life: Life = field(default_factory=Life)
    #: Set for a call that Twilio places: the steps are then those of the one who is called.
    outbound: Outbound | None = None
    #: Parameters of every webhook that are not those of an ordinary call.
    form: Mapping[str, str] = field(default_factory=dict)
    #: Custom parameters of a stream that is dialled directly; a webhook's TwiML brings its own.
    parameters: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_url: str | None = None
    status_method: str = "POST"
    status_events: tuple[str, ...] = ("completed",)
    dial: DialOutcome = field(default_factory=DialOutcome)
    dials: Mapping[str, DialOutcome] = field(default_factory=dict)
    queue: QueueOutcome = field(default_factory=QueueOutcome)
    verified: frozenset[str] = frozenset()
    trial: Literal["no", "current", "legacy"] = "no"
    #: Our own limit, which is a finding; ``time_limit_s`` is Twilio's, which is not.
    limit_s: float = 600.0
    time_limit_s: float = TIME_LIMIT_S
    verb_speed: float = 1.0
    #: Says the texts of `<Say>`; without it they are silent.
    speak: Speak | None = None
    #: Told everything that passes on the wire, for a trace.
    on_wire: OnEntry | None = None
    #: Told every change of the call's status.
    on_state: OnState = _untold
    #: Where the server's public name is reached on this machine.
    reach: Reach | None = None
    #: The account's conferences and queues, where other calls may be; without it a call is alone in the world.
    rooms: Rooms | None = None

    def plan(self, url: str) -> Plan:
        """Return how the documents of a call to ``url`` run."""
        route = Route(
            url,
            self.method,
            self.fallback_url,
            self.fallback_method,
            self.status_url,
            self.status_method,
            self.status_events,
        )
        return Plan(route, self.dial, self.dials, self.queue, self.verb_speed, self.verified, self.trial)
