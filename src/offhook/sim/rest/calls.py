"""The Calls resource: placed, shown, changed. The calls themselves are made in `lines`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from offhook.sim.identity import fresh_sid
from offhook.sim.rest import alerts
from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.entries import Call
from offhook.sim.rest.lines import Lines
from offhook.sim.rest.orders import order_of, update_of
from offhook.sim.rest.pages import page
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import now, rfc2822

_STATUSES: Final = ("queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
_SUBRESOURCES: Final = (
    *(("events", "Events"), ("notifications", "Notifications"), ("payments", "Payments")),
    *(("recordings", "Recordings"), ("siprec", "Siprec"), ("streams", "Streams")),
    *(("transcriptions", "Transcriptions"), ("user_defined_messages", "UserDefinedMessages")),
    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
)


def show(call: Call, account_sid: str) -> dict[str, Any]:
    """Return a call as the API does."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Calls/{call.sid}"
    return {
        "account_sid": account_sid,
        "answered_by": call.answered_by,
        "api_version": "2010-04-01",
        "caller_name": call.caller_name,
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(call.updated or call.created),
        "direction": call.direction,
        "duration": str(call.duration_s) if call.is_over else None,
        "end_time": rfc2822(call.ended),
        "forwarded_from": None,
        "from": call.caller,
        "from_formatted": call.caller,
        "group_sid": None,
        "parent_call_sid": call.parent_sid,
        "phone_number_sid": call.number_sid,
        "price": None,
        "price_unit": "USD",
        "queue_time": str(call.queue_ms),
        "sid": call.sid,
        "start_time": rfc2822(call.started),
        "status": call.status,
        "subresource_uris": {name: f"{uri}/{path}.json" for name, path in _SUBRESOURCES},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def one_of(asked: Asked, name: str = "sid") -> Call:
    """Return the call a request names."""
    call = asked.account.calls.get(asked.names[name])
    if call is None:
        raise Refusal(20404, asked.path)
    return call


async def create(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls.json. With test credentials the call is checked, and nothing rings."""
    order = order_of(asked.account, asked.form)
    number = asked.account.number(order.sender)
    call = Call(
        fresh_sid("CA"), order.to, order.sender, "outbound-api", now(), number_sid=number.sid if number else None
    )
    if not asked.account.is_test:
        lines.place(asked.account, call, order)
        detection = order.detection
        if detection is not None and not detection.blocks and detection.callback_url is None:
            alerts.write(asked.account, 21262, "warning", "detection beside the call, and nobody is told", call.sid)
    return Answered(show(call, asked.account.sid), 201)


async def fetch(asked: Asked, lines: Lines) -> Answered:
    """GET /Calls/{Sid}.json."""
    lines.refresh(asked.account)
    return Answered(show(one_of(asked), asked.account.sid))


async def update(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls/{Sid}.json: a redirect needs a call in progress, an end one that is not over (21220)."""
    call, wanted = one_of(asked), update_of(asked.form)
    if call.is_over or (wanted.target is not None and wanted.status is None and call.status != "in-progress"):
        raise Refusal(21220)
    if wanted.status == "canceled" and call.status == "in-progress":
        raise Refusal(21220, "only a call that is queued or rings can be canceled")
    await lines.change(asked.account, call, wanted)
    return Answered(show(call, asked.account.sid))


async def remove(asked: Asked) -> Answered:
    """DELETE /Calls/{Sid}.json: takes the record of a call that is over away."""
    call = one_of(asked)
    if not call.is_over:
        raise Refusal(20001, "the call is not over")
    del asked.account.calls[call.sid]
    return Answered(status=204)


async def listed(asked: Asked, lines: Lines) -> Answered:
    """GET /Calls.json, the newest first."""
    lines.refresh(asked.account)
    query = asked.query
    status, parent = query.one_of("Status", _STATUSES), query.get("ParentCallSid")
    to, sender = query.get("To"), query.get("From")
    found: Sequence[Call] = [
        call
        for call in reversed(asked.account.calls.values())
        if to in (None, "", call.to)
        and sender in (None, "", call.caller)
        and status in (None, call.status)
        and parent in (None, "", call.parent_sid)
        and query.fits("StartTime", call.started)
        and query.fits("EndTime", call.ended)
    ]
    return Answered(page(asked, "calls", found, lambda call: call.sid, lambda one: show(one, asked.account.sid)))
