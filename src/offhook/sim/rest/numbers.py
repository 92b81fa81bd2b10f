"""The phone numbers of an account: listed, fetched, wired. Buying them is only for test credentials."""

from __future__ import annotations

import re
from typing import Any, Final

from offhook.sim.identity import fresh_sid
from offhook.sim.rest.asked import Answered, Asked, Fields
from offhook.sim.rest.dialling import number_is_possible
from offhook.sim.rest.pages import page
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import NUMBER_FIELDS, PhoneNumber, now, rfc2822

#: The vendor's form parameters that set a field: name → (JSON name, kind).
_WRITABLE: Final = {
    "VoiceUrl": ("voice_url", "url"),
    "VoiceMethod": ("voice_method", "method"),
    "VoiceFallbackUrl": ("voice_fallback_url", "url"),
    "VoiceFallbackMethod": ("voice_fallback_method", "method"),
    "StatusCallback": ("status_callback", "url"),
    "StatusCallbackMethod": ("status_callback_method", "method"),
    "VoiceApplicationSid": ("voice_application_sid", "AP"),
    "TrunkSid": ("trunk_sid", "TK"),
    "SmsUrl": ("sms_url", "url"),
    "SmsMethod": ("sms_method", "method"),
    "SmsFallbackUrl": ("sms_fallback_url", "url"),
    "SmsFallbackMethod": ("sms_fallback_method", "method"),
    "SmsApplicationSid": ("sms_application_sid", "AP"),
    "VoiceReceiveMode": ("voice_receive_mode", "mode"),
}
_METHODS: Final = ("voice_method", "voice_fallback_method", "status_callback_method", "sms_method")


def show(number: PhoneNumber, account_sid: str) -> dict[str, Any]:
    """Return a number as the API does."""
    shown: dict[str, Any] = {
        "account_sid": account_sid,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": "2010-04-01",
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"fax": False, "mms": number.can_sms, "sms": number.can_sms, "voice": number.can_voice},
        "date_created": rfc2822(number.created),
        "date_updated": rfc2822(number.updated),
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": number.friendly_name,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number.e164,
        "sid": number.sid,
        "status": "in-use",
        "type": "local",
        "uri": f"/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers/{number.sid}.json",
    }
    for name in NUMBER_FIELDS:
        shown[name] = number.get(name)
    for name in (*_METHODS, "sms_fallback_method"):
        shown[name] = shown[name] or "POST"
    for name in ("voice_url", "voice_fallback_url", "status_callback", "sms_url", "sms_fallback_url"):
        shown[name] = shown[name] or ""
    shown["voice_caller_id_lookup"] = number.get("voice_caller_id_lookup") == "true"
    shown["voice_receive_mode"] = shown["voice_receive_mode"] or "voice"
    return shown


async def listed(asked: Asked) -> Answered:
    """GET /IncomingPhoneNumbers.json."""
    wanted, name = asked.query.get("PhoneNumber") or "", asked.query.get("FriendlyName")
    origin = asked.query.get("Origin")
    found = [
        one
        for one in asked.account.numbers.values()
        if _matches(one.e164, wanted) and name in (None, "", one.friendly_name) and origin in (None, "", "twilio")
    ]
    found = found if asked.query.get("Beta") != "true" else []
    return Answered(
        page(
            asked, "incoming_phone_numbers", found, lambda one: one.sid, lambda number: show(number, asked.account.sid)
        )
    )


def _matches(e164: str, wanted: str) -> bool:
    """Say whether a number has the wanted part; ``*`` stands for one digit (Twilio, "IncomingPhoneNumbers")."""
    pattern = "".join(r"\d" if letter == "*" else re.escape(letter) for letter in wanted)
    return re.search(pattern, e164) is not None


def one_of(asked: Asked) -> PhoneNumber:
    """Return the number a request names."""
    number = asked.account.numbers.get(asked.names["sid"])
    if number is None:
        raise Refusal(20404, asked.path)
    return number


async def fetch(asked: Asked) -> Answered:
    """GET /IncomingPhoneNumbers/{Sid}.json."""
    return Answered(show(one_of(asked), asked.account.sid))


async def update(asked: Asked) -> Answered:
    """POST /IncomingPhoneNumbers/{Sid}.json: what is not named stays as it is."""
    number = one_of(asked)
    changed = _written(asked.form)
    voice_url = changed.get("voice_url", number.get("voice_url"))
    if changed.get("voice_fallback_url") and not voice_url:
        raise Refusal(21405)
    number.fields.update(changed)
    # setting one takes the other away (Twilio, "IncomingPhoneNumbers")
    if changed.get("trunk_sid"):
        number.fields["voice_application_sid"] = None
    elif changed.get("voice_application_sid"):
        number.fields["trunk_sid"] = None
    if "FriendlyName" in asked.form:
        number.friendly_name = (asked.form.get("FriendlyName") or "")[:64] or number.e164
    if "VoiceCallerIdLookup" in asked.form:
        number.fields["voice_caller_id_lookup"] = "true" if asked.form.flag("VoiceCallerIdLookup") else "false"
    number.updated = now()
    return Answered(show(number, asked.account.sid))


def _written(form: Fields) -> dict[str, str | None]:
    changed: dict[str, str | None] = {}
    for name, (field, kind) in _WRITABLE.items():
        if name not in form:
            continue
        if kind == "url":
            changed[field] = form.url(name, 21402) or None
        elif kind == "method":
            changed[field] = form.method(name, 21403)
        elif kind == "mode":
            changed[field] = form.one_of(name, ("voice", "fax"))
        else:
            changed[field] = _sid(form.get(name) or "", kind, name)
    return changed


def _sid(value: str, prefix: str, name: str) -> str | None:
    if value and not re.fullmatch(rf"{prefix}[0-9a-fA-F]{{32}}", value):
        raise Refusal(20001, name)
    return value or None


async def buy(asked: Asked) -> Answered:
    """POST /IncomingPhoneNumbers.json. Test credentials only: nothing is bought here."""
    if asked.account.trial is not None:
        raise Refusal(21404)
    wanted, area = asked.form.get("PhoneNumber"), asked.form.get("AreaCode")
    if not asked.account.is_test:
        raise Refusal(21422, "the simulated Twilio has no numbers to sell")
    if wanted is None:
        if area != "500":
            raise Refusal(21452, area or "")
        wanted = "+15005550006"
    if wanted == "+15005550000":
        raise Refusal(21422)
    if wanted != "+15005550006" or not number_is_possible(wanted):
        raise Refusal(21421)
    number = PhoneNumber(wanted, sid=fresh_sid("PN"), friendly_name=asked.form.get("FriendlyName") or wanted)
    number.fields.update(_written(asked.form))
    return Answered(show(number, asked.account.sid), 201)


async def release(asked: Asked) -> Answered:
    """DELETE /IncomingPhoneNumbers/{Sid}.json."""
    del asked.account.numbers[one_of(asked).sid]
    return Answered(status=204)
