"""What Twilio tells a server beside the call: status of call, streams, legs, recordings, detection. Ignores answers.

Callbacks are legal in any order: they are separate requests, and only their own numbers and times tell the order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from offhook.sim.behaviour import Behaviour
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity
from offhook.sim.outbound import Detection
from offhook.sim.patience import TOTAL_S
from offhook.sim.plan import Route, StreamOrder
from offhook.sim.state import CallState
from offhook.sim.webhook import Webhooks

#: Callbacks that are shuffled come up to this much later than they are due.
SHUFFLE_S: Final = 0.4
_EVENTS: Final = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
_SIP: Final = {"completed": "200", "busy": "486", "no-answer": "487", "canceled": "487", "failed": "503"}


def voice_form(who: CallIdentity, direction: str = "inbound", status: str = "ringing") -> dict[str, str]:
    """Return the parameters of a voice webhook for a call (Twilio, "TwiML Voice: Twilio's Request")."""
    form = {
        "AccountSid": who.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": who.call_sid,
        "CallStatus": status,
        "Called": who.called,
        "Caller": who.caller,
        "Direction": direction,
        "From": who.caller,
        "To": who.called,
    }
    if direction == "inbound":
        form["StirVerstat"] = "TN-Validation-Passed-A"
        # opaque; what it looks like matters for whoever checks signatures: braces, quotes and colons in a value
        form["CallToken"] = f'{{"parentCallInfoToken":"{who.call_sid}"}}'
    for side in ("Called", "Caller", "From", "To"):
        form |= {f"{side}City": "", f"{side}Country": "US", f"{side}State": "", f"{side}Zip": ""}
    return form


def timestamp() -> str:
    """Return now as the callbacks of calls write it (RFC 2822)."""
    return format_datetime(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class StatusHook:
    """Where the status of a call is told, and which of ``initiated ringing answered completed``."""

    url: str
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)

    @classmethod
    def of(cls, route: Route) -> StatusHook | None:
        """Return the hook of a route, if it has one."""
        return None if route.status_url is None else cls(route.status_url, route.status_method, route.status_events)


class Callbacks:
    """Sends callbacks of one call beside it: nobody waits for them. One that fails, or takes too long, is 15003."""

    def __init__(
        self,
        form: dict[str, str],
        webhooks: Webhooks,
        errands: asyncio.TaskGroup,
        complain: Callable[[int, str], None],
        behaviour: Behaviour,
    ) -> None:
        #: The form of this call's webhooks; CallStatus in it changes as the call goes on.
        self.form = form
        #: Where the call's own status goes; a REST update may change it.
        self.status: StatusHook | None = None
        #: What a recorded call's last callback tells of its recording.
        self.recorded: Mapping[str, str] = {}
        self._webhooks = webhooks
        self._errands = errands
        self._complain = complain
        self._order = behaviour.callbacks
        self._chance = random.Random(f"callbacks {behaviour.seed}")  # noqa: S311 - repeatable, not a secret
        self._last: asyncio.Task[None] | None = None
        self._sent: dict[str, int] = {}

    def progress(self, state: CallState) -> None:
        """Tell the call's status, where its hook asks for it."""
        hook = self.status
        event = "completed" if state.is_over else _EVENTS.get(state.status)
        if hook is not None and event in hook.events:
            over = {**self.recorded} if state.is_over else {}
            self.tell(hook.url, hook.method, {**self.form, **self.of_progress(state, state.sid), **over})

    def of_progress(self, state: CallState, counted: str) -> dict[str, str]:
        """Return what a progress callback says of a call or leg. ``counted`` names what SequenceNumber counts."""
        form = {
            "CallStatus": state.status,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sent.get(counted, 0)),
            "Timestamp": timestamp(),
        }
        self._sent[counted] = self._sent.get(counted, 0) + 1
        if state.answered_by is not None:
            form["AnsweredBy"] = state.answered_by
        if state.is_over:
            form |= {"CallDuration": str(state.duration_s), "Duration": str(state.minutes)}
            form["SipResponseCode"] = _SIP[state.status]
        return form

    def stream(self, order: StreamOrder, stream_sid: str, event: str, error: str = "") -> None:
        """Tell the `statusCallback` of a stream, if it has one."""
        if order.status_url is None:
            return
        form = {
            "AccountSid": self.form["AccountSid"],
            "CallSid": self.form["CallSid"],
            "StreamSid": stream_sid,
            "StreamName": order.name or stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if error:
            form["StreamError"] = error
        self.tell(order.status_url, order.status_method, form)

    def detected(self, detection: Detection, verdict: str, took_ms: float) -> None:
        """Tell who answered, where the TwiML did not wait for it."""
        if detection.callback_url is None:
            return
        form = {
            "CallSid": self.form["CallSid"],
            "AccountSid": self.form["AccountSid"],
            "AnsweredBy": verdict,
            "MachineDetectionDuration": str(round(took_ms)),
        }
        self.tell(detection.callback_url, detection.callback_method, form)

    def tell(self, url: str, method: str, form: Mapping[str, str]) -> None:
        """Send any callback, in the order that is asked for."""
        before = self._last if self._order != "shuffled" else None
        late_s = self._chance.uniform(0, SHUFFLE_S) if self._order == "shuffled" else 0.0
        self._last = self._errands.create_task(self._tell(url, method.upper(), dict(form), before, late_s))

    async def _tell(
        self, url: str, method: str, form: Mapping[str, str], before: asyncio.Task[None] | None, late_s: float
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        await asyncio.sleep(late_s)
        for _ in range(2 if self._order == "twice" else 1):
            try:
                await self._webhooks.ask(url, method, form, total_s=TOTAL_S)
            except LineFault as fault:
                self._complain(15003, f"status callback: {fault.text}")
