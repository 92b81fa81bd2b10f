"""The Twilio account. Who may sign requests to us; nothing about calls."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.credentials import AccountSid, AuthToken
from offhook.config.parts import Part


class TwilioAccount(Part):
    """Whose calls we answer. Without ``auth_token`` no signature can be checked: loopback only."""

    auth_token: AuthToken | None = Field(
        default=None, description="Checks the signature of every webhook and stream. Without it: this machine only."
    )
    previous_auth_token: AuthToken | None = Field(
        default=None, description="Accepted beside `auth_token` while it is being rotated; remove it afterwards."
    )
    account_sid: AccountSid | None = Field(
        default=None, description="The account whose streams are accepted: AC and 32 hex digits."
    )

    static_streams: bool = Field(
        default=False,
        description="Accept signed streams without a one-time token on the bare stream path: needed for a TwiML Bin.",
    )

    @field_validator("previous_auth_token")
    @classmethod
    def _has_a_successor(cls, value: AuthToken | None, facts: ValidationInfo) -> AuthToken | None:
        if value is not None and "auth_token" in facts.data and facts.data["auth_token"] is None:
            raise ValueError("is set without TWILIO_AUTH_TOKEN; the current token belongs there")
        return value

    @field_validator("account_sid")
    @classmethod
    def _goes_with_the_token(cls, value: str | None, facts: ValidationInfo) -> str | None:
        if value is None and facts.data.get("auth_token") is not None:
            raise ValueError("is missing beside TWILIO_AUTH_TOKEN; set TWILIO_ACCOUNT_SID (AC and 32 hex digits)")
        return value

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """Every token that may have signed a request, the current one first."""
        both = (self.auth_token, self.previous_auth_token)
        return tuple(token.get_secret_value() for token in both if token is not None)
