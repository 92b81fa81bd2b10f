"""The Twilio account our credentials belong to, as a value, and how the credentials are chosen. Asks nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from offhook.config.twilio import TwilioAccount
from offhook.errors import CarrierRefused

#: ``unknown``: an API key may not look at its account; everything else works.
AccountType = Literal["trial", "full", "unknown"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. ``user`` is the account SID with its auth token, or an API key's SID with its secret."""

    account_sid: str
    user: str
    password: str = field(repr=False)

    @property
    def is_api_key(self) -> bool:
        """Whether an API key asks."""
        return self.user.startswith("SK")


def credentials_of(settings: TwilioAccount) -> Credentials:
    """Return the credentials of the settings, the API key where there is one. Raises CarrierRefused without any."""
    if settings.account_sid is not None and settings.api_key is not None and settings.api_secret is not None:
        return Credentials(settings.account_sid, settings.api_key, settings.api_secret.get_secret_value())
    if settings.account_sid is not None and settings.auth_token is not None:
        return Credentials(settings.account_sid, settings.account_sid, settings.auth_token.get_secret_value())
    raise CarrierRefused(
        "There are no Twilio credentials; set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, which the Twilio console "
        "shows under Account Info."
    )


@dataclass(frozen=True, slots=True)
class Account:
    """An account as Twilio describes it. ``status`` is Twilio's: active, suspended or closed; empty where unknown."""

    sid: str
    type: AccountType
    status: str = ""
    name: str = ""

    @property
    def is_trial(self) -> bool:
        """Whether it is a trial account, from whose calls Twilio takes `<Stream>` away."""
        return self.type == "trial"

    @property
    def is_usable(self) -> bool:
        """Whether it may be used at all."""
        return self.status in ("active", "")


def account_of(found: Any) -> Account:
    """Read the SDK's account resource."""
    kind: AccountType = "trial" if str(found.type).lower() == "trial" else "full"
    return Account(str(found.sid), kind, str(found.status or "").lower(), str(found.friendly_name or ""))
