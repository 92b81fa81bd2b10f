"""Whom an account may call, and from which number: Twilio's checks before a call or a message is taken. Pure."""

from __future__ import annotations

from typing import Final

import phonenumbers

from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import Account

#: Test credentials: the number dialled → what is wrong with it (Twilio, "Test Credentials").
_MAGIC_TO: Final = {
    "+15005550001": 21217,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}
_MAGIC_FROM: Final = {"+15005550001": 21212, "+15005550006": None}


def number_is_possible(number: str) -> bool:
    """Say whether this is a phone number in E.164, as far as its length tells."""
    if not number.startswith("+"):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def is_address(to: str) -> bool:
    """Say whether this is a SIP or client address, which has no country."""
    return to.startswith(("sip:", "client:"))


def check_parties(account: Account, to: str, sender: str) -> None:
    """Refuse a call that Twilio would not place."""
    if not to:
        raise Refusal(21201)
    if not sender:
        raise Refusal(21213)
    if account.is_test:
        _check_test(to, sender)
        return
    if not number_is_possible(sender) and not is_address(sender):
        raise Refusal(21212)
    if account.number(sender) is None and sender not in account.verified and not is_address(sender):
        raise Refusal(21210)
    if is_address(to):
        return
    if not number_is_possible(to):
        raise Refusal(21211)
    if account.trial is not None and to not in account.verified:
        raise Refusal(21219)
    if account.trial == "new" and account.assigned.get(to, sender) != sender:
        raise Refusal(573002)
    if account.permitted is not None and country(to) not in account.permitted:
        raise Refusal(21215)
    if to in account.blocked:
        raise Refusal(21216)


def _check_test(to: str, sender: str) -> None:
    if sender not in _MAGIC_FROM:
        raise Refusal(21210)
    for code in (_MAGIC_FROM[sender], _MAGIC_TO.get(to)):
        if code is not None:
            raise Refusal(code)
    if not number_is_possible(to):
        raise Refusal(21211)


def country(e164: str) -> str:
    """Return the two letters of a number's country, of its country code where the number is not a valid one."""
    number = phonenumbers.parse(e164)
    found = phonenumbers.region_code_for_number(number)
    return found or phonenumbers.region_code_for_country_code(number.country_code or 0)
