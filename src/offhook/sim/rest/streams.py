"""The Streams resource: one-way streams of a live call, started and stopped. Two-way ones are TwiML's alone."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from offhook.sim.call_streams import Fork
from offhook.sim.caller import LineOver
from offhook.sim.complaints import LineFault
from offhook.sim.plan import StreamOrder
from offhook.sim.rest import calls
from offhook.sim.rest.asked import Answered, Asked, Fields
from offhook.sim.rest.lines import Lines
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import now, rfc2822

_TRACKS: Final[dict[str, tuple[Literal["inbound", "outbound"], ...]]] = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}
#: Parameter1 to Parameter99.
_PARAMETER: Final = re.compile(r"Parameter([1-9]\d?)\.Name")


def show(fork: Fork, account_sid: str, call_sid: str) -> dict[str, Any]:
    """Return a stream as the API does; one that was given no name has none."""
    return {
        "account_sid": account_sid,
        "call_sid": call_sid,
        "date_updated": rfc2822(now()),
        "name": fork.order.name,
        "sid": fork.sid,
        "status": fork.status,
        "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}/Streams/{fork.sid}.json",
    }


async def start(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls/{CallSid}/Streams.json. A stream that cannot be opened is an alert and is shown as stopped."""
    call = calls.one_of(asked, "call_sid")
    order = _order(asked.form)
    talk = lines.talk(asked.account, call)
    if talk is None or call.status != "in-progress":
        raise Refusal(21220, "only a call in progress can be streamed")
    try:
        fork = await talk.start_stream(order)
    except LineOver:
        raise Refusal(21220, "the call is over") from None
    except LineFault as fault:
        lines.note(asked.account, call, fault)
        raise Refusal(20001, f"the stream could not be opened ({fault.code})") from None
    return Answered(show(fork, asked.account.sid, call.sid))


def _order(form: Fields) -> StreamOrder:
    url = form.get("Url") or ""
    if not url.startswith(("wss://", "ws://")):
        raise Refusal(20001, "Url must begin with wss://")
    track = form.one_of("Track", tuple(_TRACKS)) or "inbound_track"
    parameters = {}
    for name in form:
        numbered = _PARAMETER.fullmatch(name)
        if numbered is not None:
            parameters[form.get(name) or ""] = form.get(f"Parameter{numbered[1]}.Value") or ""
    return StreamOrder(
        url,
        form.get("Name") or None,
        parameters,
        form.url("StatusCallback", 21609) or None,
        form.method("StatusCallbackMethod", 21209) or "POST",
        _TRACKS[track],
    )


async def stop(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls/{CallSid}/Streams/{Sid or name}.json with Status=stopped."""
    call = calls.one_of(asked, "call_sid")
    if asked.form.one_of("Status", ("stopped",)) is None:
        raise Refusal(20001, "Status")
    talk, wanted = lines.talk(asked.account, call), asked.names["sid"]
    fork = next((one for one in talk.streams if wanted in (one.sid, one.name)), None) if talk is not None else None
    if talk is None or fork is None:
        raise Refusal(20404, asked.path)
    await talk.stop_stream(wanted)
    return Answered({**show(fork, asked.account.sid, call.sid), "status": "stopped"})
