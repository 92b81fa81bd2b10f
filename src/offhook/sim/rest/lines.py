"""All calls of the REST twin: the queue of an account's calls per second, the live ones, what the API shows of them.

The calls themselves are made by one `Switch` per account.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self

from offhook.sim.behaviour import Behaviour
from offhook.sim.call import SimulatedCall
from offhook.sim.callbacks import StatusHook, timestamp, voice_form
from offhook.sim.complaints import ONCE, LineFault, complaint
from offhook.sim.desk import Speak
from offhook.sim.events import AnsweredBy, Complained, Event, OnEvent, StreamStarted
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.plan import DialOutcome, Route
from offhook.sim.reach import Reach
from offhook.sim.report import CallReport
from offhook.sim.rest import alerts
from offhook.sim.rest.entries import Call, Callback
from offhook.sim.rest.orders import Order, Update
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.taping import Tapes
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import LONGEST_S, Account, PhoneNumber, World, now
from offhook.sim.state import CallState
from offhook.sim.switch import Order as Dialling
from offhook.sim.switch import Phone, Switch, SwitchOptions
from offhook.trace import OnEntry

#: More than this in the queue is refused (22005).
QUEUE_S: Final = 24 * 3600.0
_TRIALS: Final[Mapping[str | None, Literal["no", "current", "legacy"]]] = {
    None: "no",
    "new": "current",
    "legacy": "legacy",
}


@dataclass(frozen=True, slots=True)
class Telephony:
    """Who has which telephone, and how calls are made. ``speed`` makes ringing and waiting so many times faster."""

    phones: Mapping[str, Phone] = field(default_factory=dict)
    behaviour: Behaviour = field(default_factory=Behaviour)
    #: What becomes of those a `<Dial>` calls: by number, and everybody else.
    dials: Mapping[str, DialOutcome] = field(default_factory=dict)
    dial: DialOutcome = field(default_factory=DialOutcome)
    speed: float = 1.0
    speak: Speak | None = None
    reach: Reach | None = None
    #: Told everything that happens, with the call it happens to.
    on_event: Callable[[str, Event], None] | None = None
    on_wire: OnEntry | None = None


class NotReached(Exception):
    """A caller does not get through to the number; the text says why."""


class Lines:
    """Makes calls. Use as an async context manager: leaving it ends whatever is on."""

    def __init__(self, world: World, telephony: Telephony, told: Told) -> None:
        self.tapes = Tapes(told)
        self._world = world
        self._telephony = telephony
        self._told = told
        self._switches: dict[str, Switch] = {}
        self._stack = AsyncExitStack()
        #: Queued calls, by SID: set to take them out of the queue.
        self._queued: dict[str, asyncio.Event] = {}
        self._orders: dict[str, Order] = {}
        #: Where each live call's TwiML came from first.
        self._targets: dict[str, str] = {}
        #: When each account's next call may be dialled.
        self._free_s: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        for account in self._world.accounts.values():
            self._switches[account.sid] = await self._stack.enter_async_context(self._switch(account))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for leaves in list(self._queued.values()):
            leaves.set()
        await self._stack.aclose()

    def _switch(self, account: Account) -> Switch:
        telephony = self._telephony
        options = SwitchOptions(
            auth_token=account.auth_token,
            account_sid=account.sid,
            behaviour=telephony.behaviour,
            dial=telephony.dial,
            dials=telephony.dials,
            verified=frozenset({*account.verified, *(number.e164 for number in account.numbers.values())}),
            trial=_TRIALS[account.trial],
            verb_speed=telephony.speed,
            reach=telephony.reach,
            speak=telephony.speak,
            on_event=partial(self._listener, account),
            on_state=partial(self._changed, account),
            on_wire=telephony.on_wire,
        )
        return Switch(options, telephony.phones)

    # -- calls that REST places -----------------------------------------------------------------------------------

    def place(self, account: Account, call: Call, order: Order) -> None:
        """Put a call into its account's queue. Refused with 22005 where that is too long."""
        here_s = time.monotonic()
        turn_s = max(here_s, self._free_s.get(account.sid, here_s))
        if turn_s - here_s > QUEUE_S:
            raise Refusal(22005)
        self._free_s[account.sid] = turn_s + 1 / account.calls_per_second
        call.queue_ms = round((turn_s - here_s) * 1000)
        account.calls[call.sid] = call
        self._queued[call.sid] = asyncio.Event()
        self._told.errand(self._in_turn(account, call, order, turn_s - here_s))

    async def _in_turn(self, account: Account, call: Call, order: Order, waits_s: float) -> None:
        """Wait for the call's turn, then dial it, unless it was canceled or there are too many."""
        leaves = self._queued[call.sid]
        with suppress(TimeoutError):
            async with asyncio.timeout(waits_s / self._telephony.speed):
                await leaves.wait()
        del self._queued[call.sid]
        if leaves.is_set():
            return await self._unplaced(account, call, order, "canceled")
        live = sum(1 for other in account.calls.values() if other.status in ("ringing", "in-progress"))
        if account.most_calls is not None and live >= account.most_calls:
            alerts.write(account, 10004, "error", "the account has as many calls at once as it may have", call.sid)
            return await self._unplaced(account, call, order, "failed")
        self._orders[call.sid] = order
        self._targets[call.sid] = order.target
        self._switches[account.sid].place(_dialling(call, order))
        return None

    async def _unplaced(
        self, account: Account, call: Call, order: Order, status: Literal["canceled", "failed"]
    ) -> None:
        """End a call that was never dialled, and tell it."""
        call.status, call.ended, call.updated = status, now(), now()
        callback = order.callback
        if callback is None or "completed" not in callback.events:
            return
        who = CallIdentity(account.sid, call.sid, call.caller, call.to)
        over = {"CallDuration": "0", "Duration": "0", "SequenceNumber": "0", "Timestamp": timestamp()}
        form = {**voice_form(who, "outbound-api", status), "CallbackSource": "call-progress-events", **over}
        await self._told.tell(account, callback.url, callback.method, form, call.sid)

    # -- calls to a number of an account --------------------------------------------------------------------------

    async def dial(self, number: str, phone: Phone, caller: str) -> CallReport:
        """Call one of the accounts' numbers; what answers it there is asked. Raises `NotReached`."""
        found = self._world.number(number)
        if found is None:
            raise NotReached("no account has this number")
        account, owned = found
        call = Call(fresh_sid("CA"), number, caller, "inbound", now(), number_sid=owned.sid)
        account.calls[call.sid] = call
        route = _route(account, owned, call)
        self._targets[call.sid] = route.url
        switch = self._switches[account.sid]
        switch.ring(Dialling(route, caller, number, time_limit_s=account.longest_s, call_sid=call.sid, phone=phone))
        return await switch.finished(call.sid)

    # -- changes --------------------------------------------------------------------------------------------------

    def talk(self, account: Account, call: Call) -> SimulatedCall | None:
        """Return the live call; None where it is queued or over."""
        found = self._switches[account.sid].calls.get(call.sid)
        return None if found is None or found.state.is_over else found

    async def change(self, account: Account, call: Call, update: Update) -> None:
        """Change a call; one that is over stays as it is."""
        talk = self.talk(account, call)
        if talk is None:
            if update.status is not None and call.sid in self._queued:
                self._queued[call.sid].set()
            return
        if update.callback is not None and update.target is not None:
            talk.tell_status_to(_hook(update.callback))
        if update.lasts_s is not None:
            self._told.errand(self._end_after(talk, update.lasts_s))
        if update.status is not None:
            await talk.complete("completed" if talk.state.answered is not None else "canceled")
        elif update.target is not None:
            is_twiml = update.target.lstrip().startswith("<")
            fallback = None if update.fallback_url is None else (update.fallback_url, update.fallback_method)
            url, twiml = (None, update.target) if is_twiml else (update.target, None)
            await talk.redirect(url, twiml, update.method, fallback)

    async def _end_after(self, talk: SimulatedCall, seconds: float) -> None:
        """End a call when it has lasted so long."""
        left_s = seconds - talk.state.duration_s
        switch = next(switch for switch in self._switches.values() if talk.state.sid in switch.calls)
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await switch.finished(talk.state.sid)
        except TimeoutError:
            await talk.complete()

    def subaccounts(self, account: Account) -> list[Account]:
        """Return the accounts that belong to an account."""
        return [one for one in self._world.accounts.values() if one.owner_sid == account.sid and one is not account]

    # -- what the calls tell --------------------------------------------------------------------------------------

    def refresh(self, account: Account) -> None:
        """Show the legs that calls of an account have called, as they are now."""
        for talk in self._switches[account.sid].calls.values():
            for leg in talk.legs:
                _show(account, leg)

    def _changed(self, account: Account, state: CallState) -> None:
        """Show a change of a call; begin and end its recordings with it."""
        call = _show(account, state)
        talk = self._switches[account.sid].calls.get(state.sid)
        if talk is None:
            return
        order = self._orders.get(state.sid)
        if state.status == "in-progress" and order is not None and order.taping is not None:
            self.tapes.start(account, call, talk, order.taping, "OutboundAPI")
        if state.is_over:
            self._orders.pop(state.sid, None)
            self._targets.pop(state.sid, None)
            self.tapes.finish(account, call, talk)

    def _listener(self, account: Account, call_sid: str) -> OnEvent:
        on_event = self._telephony.on_event
        noted: set[int] = set()

        def heard(event: Event) -> None:
            match event:
                case StreamStarted():
                    noted.clear()
                case Complained(_, found) if found.code not in noted:
                    noted.update({found.code} & ONCE)
                    alerts.note(account, found, call_sid, self._targets.get(call_sid, ""))
                case AnsweredBy(_, verdict, _):
                    account.calls[call_sid].answered_by = verdict
            if on_event is not None:
                on_event(call_sid, event)

        return heard

    def note(self, account: Account, call: Call, fault: LineFault) -> None:
        """Write what went wrong with a live call into the debugger."""
        alerts.note(account, complaint(fault.code, fault.text), call.sid, self._targets.get(call.sid, ""))


def _show(account: Account, state: CallState) -> Call:
    """Bring what the API shows of a call, or of a leg that a `<Dial>` called, up to date."""
    call = account.calls.get(state.sid)
    if call is None:
        made = _second(state.created) or now()
        call = account.calls[state.sid] = Call(
            state.sid, state.called, state.caller, state.direction, made, parent_sid=state.parent_sid
        )
    # "initiated" is a callback's word; the resource says "queued" until it rings
    call.status = "queued" if state.status == "initiated" else state.status
    call.started, call.ended, call.updated = _second(state.answered), _second(state.ended), now()
    call.answered_by = state.answered_by
    return call


def _second(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)


def _hook(callback: Callback) -> StatusHook:
    return StatusHook(callback.url, callback.method, tuple(callback.events))


def _dialling(call: Call, order: Order) -> Dialling:
    """Return what the switch needs to know of a call that is placed."""
    callback, detection = order.callback, order.detection
    route = Route(
        order.target,
        order.method,
        order.fallback_url,
        order.fallback_method,
        callback.url if callback is not None else None,
        callback.method if callback is not None else "POST",
        tuple(callback.events) if callback is not None else (),
    )
    return Dialling(
        route,
        order.sender,
        order.to,
        time_limit_s=order.lasts_s or LONGEST_S,
        rings_s=order.rings_s,
        detection=detection,
        send_digits=order.send_digits,
        call_sid=call.sid,
    )


def _route(account: Account, number: PhoneNumber, call: Call) -> Route:
    """Return the webhooks of a number. Raises `NotReached` where none answers it."""
    why = ""
    if account.status != "active":
        why = f"the account is {account.status}"
    elif not number.can_voice:
        why = "the number takes no calls"
    elif number.get("trunk_sid"):
        why = "the call goes to a SIP trunk"
    elif number.get("voice_application_sid"):
        why = "the call goes to a TwiML application, which is not simulated"
    elif account.trial is not None and call.caller not in account.verified:
        alerts.write(account, 21264, "error", "the caller's number is not verified", call.sid)
        why = "a trial account is called by verified numbers only"
    url = number.get("voice_url")
    if not why and not url:
        why = "nothing answers the number: it has no voice URL"
    if why or url is None:
        call.status, call.ended = "failed", now()
        raise NotReached(why)
    return Route(
        url,
        number.get("voice_method") or "POST",
        number.get("voice_fallback_url"),
        number.get("voice_fallback_method") or "POST",
        number.get("status_callback"),
        number.get("status_callback_method") or "POST",
    )
