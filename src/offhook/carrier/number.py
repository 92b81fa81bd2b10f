"""A phone number of the account and what answers it, as values. Asks nothing; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

#: Our name of a field → Twilio's parameter.
PARAMETERS: Final = {
    "voice_url": "VoiceUrl",
    "voice_method": "VoiceMethod",
    "fallback_url": "VoiceFallbackUrl",
    "fallback_method": "VoiceFallbackMethod",
    "status_url": "StatusCallback",
    "status_method": "StatusCallbackMethod",
    "application_sid": "VoiceApplicationSid",
    "trunk_sid": "TrunkSid",
}


@dataclass(frozen=True, slots=True)
class Wiring:
    """What answers a number. Empty text is "nothing". An application or a trunk overrides every address."""

    voice_url: str = ""
    voice_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_url: str = ""
    status_method: str = "POST"
    application_sid: str = ""
    trunk_sid: str = ""

    @property
    def overridden_by(self) -> str:
        """What makes Twilio ignore the addresses: ``trunk``, ``application`` or nothing."""
        return "trunk" if self.trunk_sid else "application" if self.application_sid else ""

    def changes_to(self, wanted: Wiring) -> tuple[Change, ...]:
        """Return what has to be changed to become ``wanted``; a method without an address does not count."""
        found = []
        for name in PARAMETERS:
            old, new = getattr(self, name), getattr(wanted, name)
            address = name.replace("_method", "_url")
            if old != new and not (name.endswith("_method") and not getattr(wanted, address)):
                found.append(Change(name, old, new))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a wiring that is to change."""

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{PARAMETERS[self.field]}: {self.old or 'nothing'} → {self.new or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the account. ``country`` is its two letters, empty where it is not clear."""

    sid: str
    e164: str = field(repr=False)
    name: str = field(repr=False)
    country: str
    can_voice: bool
    can_sms: bool
    wiring: Wiring = field(repr=False)


def number_of(found: Any) -> Number:
    """Read the SDK's number resource."""
    can = found.capabilities if isinstance(found.capabilities, dict) else {}
    return Number(
        sid=str(found.sid),
        e164=str(found.phone_number or ""),
        name=str(found.friendly_name or ""),
        country=country_of(str(found.phone_number or "")),
        can_voice=bool(can.get("voice")),
        can_sms=bool(can.get("sms")),
        wiring=Wiring(
            voice_url=found.voice_url or "",
            voice_method=(found.voice_method or "POST").upper(),
            fallback_url=found.voice_fallback_url or "",
            fallback_method=(found.voice_fallback_method or "POST").upper(),
            status_url=found.status_callback or "",
            status_method=(found.status_callback_method or "POST").upper(),
            application_sid=found.voice_application_sid or "",
            trunk_sid=found.trunk_sid or "",
        ),
    )


#: The country code of a whole continent: only a number that is valid in one of its countries says which.
_SHARED: Final = 1


def country_of(e164: str) -> str:
    """Return the country of a number in E.164, as two letters; empty where it has none (toll-free, satellite)."""
    import phonenumbers

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code != _SHARED:
        region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return region if region and region.isalpha() and region != "ZZ" else ""


assert {one.name for one in fields(Wiring)} == set(PARAMETERS)
