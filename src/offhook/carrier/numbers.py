"""The account's phone numbers at Twilio: found, read, wired. Takes nothing away without consent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from offhook.carrier.answers import resource
from offhook.carrier.number import PARAMETERS, Number, Wiring, number_of
from offhook.config.values import normalised_number
from offhook.errors import CarrierConsent, CarrierRejected

#: What may be taken off a number.
Takeable = Literal["trunk", "application"]


@dataclass(frozen=True, slots=True)
class Rewired:
    """What answered a number before, and the number as Twilio shows it now."""

    before: Wiring
    after: Number


class Numbers:
    """Numbers of one account, by the SDK's client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def all(self, search: str = "", limit: int = 1000) -> list[Number]:
        """Return the account's numbers; ``search`` is part of a number, ``*`` stands for any digit."""
        asked = {"phone_number": search} if search else {}
        numbers = self._client.incoming_phone_numbers
        found = await resource(numbers.list_async(limit=limit, page_size=min(limit, 1000), **asked))
        return [number_of(one) for one in found]

    async def fetch(self, sid: str) -> Number:
        """Return one number by its SID. Raises CarrierRejected 20404 where the account has none."""
        return number_of(await resource(self._client.incoming_phone_numbers(sid).fetch_async()))

    async def find(self, wanted: str) -> Number:
        """Return one number by its SID or in E.164, also with punctuation. Raises CarrierRejected."""
        if wanted.startswith("PN"):
            return await self.fetch(wanted)
        e164 = normalised_number(wanted)
        for number in await self.all(search=e164):
            if number.e164 == e164:
                return number
        raise CarrierRejected(
            "This account has no such number; `offhook numbers list` shows the ones it has.", what="number"
        )

    async def wire(self, sid: str, wanted: Wiring, may_take: Collection[Takeable] = ()) -> Rewired:
        """Make Twilio answer a number with ``wanted``, and read back that it stuck.

        Raises CarrierConsent, before anything is changed, where that takes away a trunk or an application that
        ``may_take`` does not name.
        """
        number = await self.fetch(sid)
        before = number.wiring
        check_consent(before, wanted, may_take)
        changes = before.changes_to(wanted)
        if not changes:
            return Rewired(before, number)
        # a fallback address needs its voice address in the same request (21405)
        named = {change.field for change in changes} | {"voice_url", "voice_method"}
        sent = {_SDK_NAMES[name]: getattr(wanted, name) for name in PARAMETERS if name in named}
        await resource(self._client.incoming_phone_numbers(sid).update_async(**sent))
        after = await self.fetch(sid)
        left = after.wiring.changes_to(wanted)
        if left:
            stuck = ", ".join(PARAMETERS[change.field] for change in left)
            raise CarrierRejected(f"Twilio took the change, but the number still has another {stuck}; try again.")
        return Rewired(before, after)


def check_consent(before: Wiring, wanted: Wiring, may_take: Collection[Takeable]) -> None:
    """Raise CarrierConsent where the change takes off a trunk or an application that ``may_take`` does not name."""
    takes: list[tuple[Takeable, str]] = []
    if before.trunk_sid and before.trunk_sid != wanted.trunk_sid:
        takes.append(("trunk", "a SIP trunk"))
    if before.application_sid and before.application_sid != wanted.application_sid:
        takes.append(("application", "a TwiML application"))
    for kind, words in takes:
        if kind not in may_take:
            raise CarrierConsent(
                f"The number is answered by {words} now, which would be taken off it; nothing was changed. "
                f"Agree to that with --take-{kind}, or choose another number.",
                what=kind,
            )


#: Our name of a field → the SDK's argument.
_SDK_NAMES = {
    "voice_url": "voice_url",
    "voice_method": "voice_method",
    "fallback_url": "voice_fallback_url",
    "fallback_method": "voice_fallback_method",
    "status_url": "status_callback",
    "status_method": "status_callback_method",
    "application_sid": "voice_application_sid",
    "trunk_sid": "trunk_sid",
}
