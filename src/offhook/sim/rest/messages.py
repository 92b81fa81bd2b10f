"""Text messages: taken, told as delivered, kept. Nobody gets one."""

from __future__ import annotations

from typing import Any

from offhook.sim.identity import fresh_sid
from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.dialling import number_is_possible
from offhook.sim.rest.entries import Message
from offhook.sim.rest.pages import page
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import Account, now, rfc2822

#: Characters of a part of a message; longer ones have several, each a little shorter.
_SEGMENT, _SEGMENT_OF_MANY = 160, 153


def show(message: Message, account_sid: str) -> dict[str, Any]:
    """Return a message as the API does."""
    length = len(message.body)
    segments = 1 if length <= _SEGMENT else -(-length // _SEGMENT_OF_MANY)
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{message.sid}"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": rfc2822(message.created),
        "date_sent": rfc2822(message.sent),
        "date_updated": rfc2822(message.sent or message.created),
        "direction": "outbound-api",
        "error_code": message.error_code,
        "error_message": None,
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": str(message.media),
        "num_segments": str(segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def check(account: Account, to: str, sender: str, body: str) -> None:
    """Refuse a message that Twilio would not send."""
    if not to:
        raise Refusal(21604)
    if not sender:
        raise Refusal(21603)
    if not body:
        raise Refusal(21602)
    if not number_is_possible(to):
        raise Refusal(21211)
    if not number_is_possible(sender):
        raise Refusal(21212)
    number = account.number(sender)
    if not account.is_test and (number is None or not number.can_sms):
        raise Refusal(21606)
    if account.trial is not None and to not in account.verified:
        raise Refusal(21608)


async def create(asked: Asked, told: Told) -> Answered:
    """POST /Messages.json."""
    form = asked.form
    to, sender = form.get("To") or "", form.get("From") or ""
    media = form.all("MediaUrl")
    check(asked.account, to, sender, form.get("Body") or ("media" if media else ""))
    callback = form.url("StatusCallback", 21609)
    message = Message(fresh_sid("MM" if media else "SM"), to, sender, form.get("Body") or "", now(), media=len(media))
    answered = Answered(show(message, asked.account.sid), 201)
    if not asked.account.is_test:
        asked.account.messages[message.sid] = message
        told.errand(_deliver(asked.account, message, callback or None, told))
    return answered


async def _deliver(account: Account, message: Message, callback: str | None, told: Told) -> None:
    for status in ("sent", "delivered"):
        message.status = "sent" if status == "sent" else "delivered"
        message.sent = now()
        if callback is None:
            continue
        form = {
            "AccountSid": account.sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": status,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "To": message.to,
        }
        await told.tell(account, callback, "POST", form, message.sid)


def one_of(asked: Asked) -> Message:
    """Return the message a request names."""
    message = asked.account.messages.get(asked.names["sid"])
    if message is None:
        raise Refusal(20404, asked.path)
    return message


async def fetch(asked: Asked) -> Answered:
    """GET /Messages/{Sid}.json."""
    return Answered(show(one_of(asked), asked.account.sid))


async def redact(asked: Asked) -> Answered:
    """POST /Messages/{Sid}.json: only taking the body away is possible."""
    message = one_of(asked)
    if asked.form.get("Body"):
        raise Refusal(20001, "Body may only be made empty")
    if "Body" in asked.form:
        message.body = ""
    return Answered(show(message, asked.account.sid))


async def remove(asked: Asked) -> Answered:
    """DELETE /Messages/{Sid}.json."""
    del asked.account.messages[one_of(asked).sid]
    return Answered(status=204)


async def listed(asked: Asked) -> Answered:
    """GET /Messages.json, the newest first."""
    to, sender = asked.query.get("To"), asked.query.get("From")
    found = [
        message
        for message in reversed(asked.account.messages.values())
        if to in (None, "", message.to)
        and sender in (None, "", message.sender)
        and asked.query.fits("DateSent", message.sent)
    ]
    return Answered(page(asked, "messages", found, lambda one: one.sid, lambda one: show(one, asked.account.sid)))
