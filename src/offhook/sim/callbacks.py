"""What Twilio tells a server beside the call: status callbacks, and the form of every webhook. Ignores answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity
from offhook.sim.interpreter import StreamOrder
from offhook.sim.webhook import Webhooks

#: A status callback may take this long; nobody waits for it on the call.
STATUS_S: Final = 5.0


def voice_form(who: CallIdentity) -> dict[str, str]:
    """Return the parameters of a voice webhook for a ringing inbound call (Twilio, "TwiML Voice: Twilio's Request")."""
    form = {
        "AccountSid": who.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": who.call_sid,
        "CallStatus": "ringing",
        "Called": who.called,
        "Caller": who.caller,
        "Direction": "inbound",
        "From": who.caller,
        "StirVerstat": "TN-Validation-Passed-A",
        "To": who.called,
    }
    for side in ("Called", "Caller", "From", "To"):
        form |= {f"{side}City": "", f"{side}Country": "US", f"{side}State": "", f"{side}Zip": ""}
    return form


class Callbacks:
    """Sends callbacks of one call beside it. Each is bounded; one that fails is a finding (15003)."""

    def __init__(
        self,
        who: CallIdentity,
        webhooks: Webhooks,
        errands: asyncio.TaskGroup,
        complain: Callable[[int, str], None],
    ) -> None:
        self._who = who
        self._webhooks = webhooks
        self._errands = errands
        self._complain = complain
        #: The form of this call's webhooks; CallStatus in it changes as the call goes on.
        self.form = voice_form(who)

    def stream(self, order: StreamOrder, stream_sid: str, event: str, error: str = "") -> None:
        """Tell the `statusCallback` of a stream, if it has one."""
        if order.status_url is None:
            return
        form = {
            "AccountSid": self._who.account_sid,
            "CallSid": self._who.call_sid,
            "StreamSid": stream_sid,
            "StreamName": order.name or stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if error:
            form["StreamError"] = error
        self._tell(order.status_url, order.status_method, form)

    def call_completed(self, url: str, seconds: float) -> None:
        """Tell the number's status callback that the call is over."""
        whole = round(seconds)
        ended = {"CallStatus": "completed", "CallDuration": str(whole), "Duration": str(whole // 60 + 1)}
        self._tell(url, "POST", {**self.form, **ended})

    def _tell(self, url: str, method: str, form: Mapping[str, str]) -> None:
        self._errands.create_task(self._ask(url, method.upper(), form))

    async def _ask(self, url: str, method: str, form: Mapping[str, str]) -> None:
        try:
            await self._webhooks.ask(url, method, form, total_s=STATUS_S)
        except LineFault as fault:
            self._complain(15003, f"status callback: {fault.text}")
