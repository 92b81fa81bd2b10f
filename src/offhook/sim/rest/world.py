"""The accounts the simulated REST API serves, with what they own. State only; no HTTP, no calls being made."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Literal

from offhook.sim.identity import fresh_sid
from offhook.sim.rest.entries import Alert, Call, Message, Recording

KeyKind = Literal["standard", "main", "restricted"]
#: Which trial: the one of 2026 takes `<Stream>` out of TwiML; the older one speaks a preamble first.
Trial = Literal["new", "legacy"]
#: The order in which the vendor's fields of a number are shown.
NUMBER_FIELDS: Final = (
    *("voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method"),
    *("status_callback", "status_callback_method", "voice_application_sid", "trunk_sid"),
    *("voice_caller_id_lookup", "voice_receive_mode"),
    *("sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method", "sms_application_sid"),
)


#: A trial's calls at once, and the longest of them; every other account's longest call (Twilio, "Voice limitations").
TRIAL_CALLS: Final = 5
TRIAL_CALL_S: Final = 600.0
LONGEST_S: Final = 4 * 3600.0
_LETTERS: Final = string.ascii_letters + string.digits


def now() -> datetime:
    """Return the time, to the second: Twilio's dates have no more."""
    return datetime.now(UTC).replace(microsecond=0)


def rfc2822(moment: datetime | None) -> str | None:
    """Write a moment as the 2010 API does."""
    return None if moment is None else format_datetime(moment)


@dataclass(slots=True)
class ApiKey:
    """An API key. A restricted one may do what ``permissions`` name, like ``/twilio/voice/calls/create``."""

    sid: str = field(default_factory=lambda: fresh_sid("SK"))
    secret: str = field(default_factory=lambda: "".join(random.SystemRandom().choices(_LETTERS, k=32)), repr=False)
    kind: KeyKind = "standard"
    permissions: frozenset[str] = frozenset()


@dataclass(slots=True)
class PhoneNumber:
    """A number an account owns. ``fields`` are the vendor's, by their JSON name."""

    e164: str
    sid: str = field(default_factory=lambda: fresh_sid("PN"))
    friendly_name: str = ""
    can_voice: bool = True
    can_sms: bool = True
    fields: dict[str, str | None] = field(default_factory=dict)
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)

    def get(self, name: str) -> str | None:
        """Return one of the vendor's fields."""
        return self.fields.get(name)


@dataclass(slots=True)
class Account:
    """An account with its numbers and everything that happened in it."""

    sid: str = "AC00000000000000000000000000000001"
    auth_token: str = field(default="0123456789abcdef0123456789abcdef", repr=False)
    friendly_name: str = "Simulated account"
    trial: Trial | None = None
    status: Literal["active", "suspended", "closed"] = "active"
    owner_sid: str | None = None
    keys: list[ApiKey] = field(default_factory=list)
    #: Other people's numbers that this account has proven to reach.
    verified: set[str] = field(default_factory=set)
    #: Which of our numbers a new trial may call a recipient from; a recipient that is not here takes any (573002).
    assigned: dict[str, str] = field(default_factory=dict)
    #: Country codes that may be called; None permits all.
    permitted: frozenset[str] | None = None
    #: Numbers Twilio blocks for this account.
    blocked: frozenset[str] = frozenset()
    calls_per_second: float = 1.0
    calls_at_once: int | None = None
    is_test: bool = False
    numbers: dict[str, PhoneNumber] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    created: datetime = field(default_factory=now)

    @property
    def most_calls(self) -> int | None:
        """How many calls it may have at once; a new trial five."""
        return TRIAL_CALLS if self.calls_at_once is None and self.trial == "new" else self.calls_at_once

    @property
    def longest_s(self) -> float:
        """How long a call may last, in seconds (13805 for trials)."""
        return TRIAL_CALL_S if self.trial is not None else LONGEST_S

    def own(self, *numbers: PhoneNumber) -> Account:
        """Give the account numbers."""
        for number in numbers:
            number.friendly_name = number.friendly_name or number.e164
            self.numbers[number.sid] = number
        return self

    def number(self, e164: str) -> PhoneNumber | None:
        """Return the account's number with these digits."""
        return next((one for one in self.numbers.values() if one.e164 == e164), None)


class World:
    """All accounts."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = {account.sid: account for account in accounts}

    def number(self, e164: str) -> tuple[Account, PhoneNumber] | None:
        """Return whose number this is."""
        for account in self.accounts.values():
            if (found := account.number(e164)) is not None:
                return account, found
        return None

    def owners(self) -> Iterator[tuple[str, str, Account, ApiKey | None]]:
        """Yield every pair of user and password with whom it stands for."""
        for account in self.accounts.values():
            yield account.sid, account.auth_token, account, None
            for key in account.keys:
                yield key.sid, key.secret, account, key
