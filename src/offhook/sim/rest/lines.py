"""All calls of the REST twin: the queue of an account's calls per second, and the live ones by their SID."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from offhook.sim.call import CallOptions
from offhook.sim.caller import Step
from offhook.sim.identity import fresh_sid
from offhook.sim.report import CallReport
from offhook.sim.rest import alerts
from offhook.sim.rest.entries import Call, Recording
from offhook.sim.rest.line import Line, Telephony
from offhook.sim.rest.orders import Order, Taping, Update
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.tape import Pause
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import Account, PhoneNumber, World, now

#: More than this in the queue is refused (22005).
QUEUE_S: Final = 24 * 3600.0


class NotReached(Exception):
    """A caller does not get through to the number; the text says why."""


class Lines:
    """Makes calls and keeps the live ones."""

    def __init__(self, world: World, telephony: Telephony, told: Told) -> None:
        self._world = world
        self._telephony = telephony
        self._told = told
        self._live: dict[str, Line] = {}
        #: When each account's next call may be dialled.
        self._free_s: dict[str, float] = {}

    def place(self, account: Account, call: Call, order: Order) -> None:
        """Put a call into its account's queue. Refused with 22005 where that is too long."""
        here_s = time.monotonic()
        turn_s = max(here_s, self._free_s.get(account.sid, here_s))
        if turn_s - here_s > QUEUE_S:
            raise Refusal(22005)
        self._free_s[account.sid] = turn_s + 1 / account.calls_per_second
        call.queue_ms = round((turn_s - here_s) * 1000)
        account.calls[call.sid] = call
        line = self._live[call.sid] = Line(account, call, self._telephony, self._told)
        self._told.errand(self._until_over(line, order, turn_s - here_s))

    async def _until_over(self, line: Line, order: Order, waits_s: float) -> None:
        try:
            await line.place(order, waits_s)
        finally:
            self._live.pop(line.call.sid, None)

    async def change(self, call: Call, update: Update) -> None:
        """Change a live call; one that is over stays as it is."""
        line = self._live.get(call.sid)
        if line is not None:
            await line.change(update)

    def record(self, call: Call, taping: Taping) -> Recording | None:
        """Begin a recording of a live call; None where it is not in progress."""
        line = self._live.get(call.sid)
        return None if line is None else line.record(taping)

    def retape(self, recording: Recording, status: str, how: Pause) -> None:
        """Pause a recording, go on with it, or end it."""
        line = self._live.get(recording.call_sid)
        if line is not None:
            line.retape(recording, status, how)

    async def dial(
        self, number: str, steps: Sequence[Step], caller: str, options: Callable[[CallOptions], CallOptions]
    ) -> CallReport:
        """Call one of the accounts' numbers; what answers it there is asked. Raises `NotReached`."""
        found = self._world.number(number)
        if found is None:
            raise NotReached("no account has this number")
        account, owned = found
        call = Call(fresh_sid("CA"), number, caller, "inbound", now(), number_sid=owned.sid)
        account.calls[call.sid] = call
        url = _answering(account, owned, call)
        line = self._live[call.sid] = Line(account, call, self._telephony, self._told)

        def wired(made: CallOptions) -> CallOptions:
            return options(
                replace(
                    made,
                    method=owned.get("voice_method") or "POST",
                    fallback_url=owned.get("voice_fallback_url"),
                    status_url=owned.get("status_callback"),
                )
            )

        try:
            return await line.answer(url, steps, wired)
        finally:
            self._live.pop(call.sid, None)

    async def end_all(self) -> None:
        """End every live call."""
        for line in list(self._live.values()):
            await line.end()


def _answering(account: Account, number: PhoneNumber, call: Call) -> str:
    """Return the address that answers a number. Raises `NotReached` where no webhook does."""
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
    return url
