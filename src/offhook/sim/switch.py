"""The simulated Twilio of one account: calls in both directions, by number, and the rooms where they meet.

This is the seam for whoever plays Twilio's REST API or a telephone network. It listens on no port::

    phones = {"+14155550123": Phone((WaitForAgent(), HangUp()))}
    async with Switch(SwitchOptions(auth_token="…"), phones) as switch:
        route = Route("http://127.0.0.1:8080/twilio/voice")
        call = switch.place(Order(route, caller="+15005550006", called="+14155550123"))         # we call somebody
        call = switch.ring(Order(route, caller="+14155550123", called="+15005550006"))          # somebody calls us
        call.state                      # status, times, answered_by …: what the Calls resource tells
        await call.redirect(twiml="<Response><Hangup/></Response>")
        await call.complete()           # or "canceled", while it rings
        await switch.finished(call.state.sid)

A number nobody gave a `Phone` has the default one: it answers after a second and listens. Calls run until they end or
the switch closes; `SwitchOptions.on_state` is told every change of every call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal, Self

from offhook.sim.behaviour import Behaviour
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import Pause, Step
from offhook.sim.desk import Speak
from offhook.sim.events import OnEvent, ignore
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.life import Life
from offhook.sim.network import Network
from offhook.sim.outbound import Detection, Outbound, Pickup
from offhook.sim.plan import DialOutcome, QueueOutcome, Route
from offhook.sim.reach import Reach
from offhook.sim.report import CallReport
from offhook.sim.rooms import Rooms
from offhook.sim.state import CallState, OnState
from offhook.trace import OnEntry

#: Calls that are over are remembered up to this number.
REMEMBERED: Final = 10_000


def _untold(_: CallState) -> None: ...


@dataclass(frozen=True, slots=True)
class Phone:
    """Somebody's telephone: what they do on it, whether they pick up, what they and their network are like."""

    steps: tuple[Step, ...] = (Pause(3600.0),)
    pickup: Pickup = field(default_factory=Pickup)
    life: Life = field(default_factory=Life)
    network: Network = field(default_factory=Network)


@dataclass(frozen=True, slots=True)
class Order:
    """One call. ``detection``, ``send_digits`` and ``rings_s`` count for calls that are placed."""

    route: Route
    caller: str
    called: str
    time_limit_s: float = 4 * 3600.0
    rings_s: float = 60.0
    detection: Detection | None = None
    send_digits: str = ""
    call_sid: str | None = None
    #: Another telephone than the number's.
    phone: Phone | None = None


@dataclass(frozen=True, slots=True)
class SwitchOptions:
    """What all calls of an account have in common."""

    auth_token: str | None = None
    account_sid: str = CallIdentity().account_sid
    behaviour: Behaviour = field(default_factory=Behaviour)
    dial: DialOutcome = field(default_factory=DialOutcome)
    dials: Mapping[str, DialOutcome] = field(default_factory=dict)
    queue: QueueOutcome = field(default_factory=QueueOutcome)
    verified: frozenset[str] = frozenset()
    trial: Literal["no", "current", "legacy"] = "no"
    verb_speed: float = 1.0
    reach: Reach | None = None
    speak: Speak | None = None
    on_event: Callable[[str], OnEvent] = lambda _: ignore
    on_state: OnState = _untold
    on_wire: OnEntry | None = None


class Switch:
    """One account's calls. Use as an async context manager: leaving it hangs up whatever is on."""

    def __init__(self, options: SwitchOptions, phones: Mapping[str, Phone] | None = None) -> None:
        self.options = options
        self.phones = dict(phones or {})
        self.rooms = Rooms()
        #: Every call that is on, and the last that were, by CallSid, in the order they began.
        self.calls: dict[str, SimulatedCall] = {}
        self._running: dict[str, asyncio.Task[CallReport]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sid in list(self._running):
            await self.calls[sid].complete()
        await self._group.__aexit__(kind, error, trace)

    def ring(self, order: Order) -> SimulatedCall:
        """Let somebody call us: ``order.caller``'s telephone, ``order.route`` is the called number's."""
        return self._begin(order, order.phone or self._phone(order.caller), None)

    def place(self, order: Order) -> SimulatedCall:
        """Call somebody: ``order.called``'s telephone rings; ``order.route`` is asked when it is answered."""
        phone = order.phone or self._phone(order.called)
        outbound = Outbound(phone.pickup, order.detection, order.send_digits, order.rings_s)
        return self._begin(order, phone, outbound)

    async def finished(self, call_sid: str) -> CallReport:
        """Wait until a call is over; return its report. Raises `KeyError` for a call that never was."""
        running = self._running.get(call_sid)
        return self.calls[call_sid].report() if running is None else await asyncio.shield(running)

    def _phone(self, number: str) -> Phone:
        return self.phones.get(number) or Phone()

    def _begin(self, order: Order, phone: Phone, outbound: Outbound | None) -> SimulatedCall:
        sid = order.call_sid or fresh_sid("CA")
        options, route = self.options, order.route
        call = SimulatedCall(
            route.url,
            phone.steps,
            CallOptions(
                auth_token=options.auth_token,
                identity=CallIdentity(options.account_sid, sid, order.caller, order.called),
                behaviour=options.behaviour,
                network=phone.network,
                life=phone.life,
                outbound=outbound,
                method=route.method,
                fallback_url=route.fallback_url,
                fallback_method=route.fallback_method,
                status_url=route.status_url,
                status_method=route.status_method,
                status_events=route.status_events,
                dial=options.dial,
                dials=options.dials,
                queue=options.queue,
                verified=options.verified,
                trial=options.trial,
                limit_s=max(600.0, order.time_limit_s + 60.0),
                time_limit_s=order.time_limit_s,
                verb_speed=options.verb_speed,
                speak=options.speak,
                on_wire=options.on_wire,
                on_state=options.on_state,
                reach=options.reach,
                rooms=self.rooms,
            ),
            options.on_event(sid),
        )
        self._remember(sid, call)
        return call

    def _remember(self, sid: str, call: SimulatedCall) -> None:
        if len(self.calls) >= REMEMBERED:
            over = next((old for old, known in self.calls.items() if known.state.is_over), None)
            if over is not None:
                del self.calls[over]
        self.calls[sid] = call
        task = self._running[sid] = self._group.create_task(call.run())
        task.add_done_callback(lambda _: self._running.pop(sid, None))
