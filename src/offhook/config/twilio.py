"""The Twilio account. Who may sign requests to us, and how its REST API is reached; nothing about calls."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.credentials import AccountSid, ApiKeySid, ApiSecret, AuthToken
from offhook.config.parts import Part
from offhook.config.values import is_loopback, split_url

API_URL = "https://api.twilio.com"


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

    api_key: ApiKeySid | None = Field(
        default=None,
        description="SID of an API key (SK and 32 hex digits), which asks the REST API instead of the auth token.",
    )
    api_secret: ApiSecret | None = Field(default=None, description="The secret of `api_key`, shown once by Twilio.")
    api_url: str = Field(
        default=API_URL,
        description="The REST API. Regions: https://api.dublin.ie1.twilio.com, https://api.sydney.au1.twilio.com.",
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

    @field_validator("api_secret")
    @classmethod
    def _goes_with_the_key(cls, value: ApiSecret | None, facts: ValidationInfo) -> ApiSecret | None:
        if "api_key" in facts.data and (value is None) != (facts.data["api_key"] is None):
            raise ValueError("and TWILIO_API_KEY belong together; set both, or neither to use the auth token")
        if value is not None and "account_sid" in facts.data and facts.data["account_sid"] is None:
            raise ValueError("is set without TWILIO_ACCOUNT_SID, the account it belongs to; set that too")
        return value

    @field_validator("api_url")
    @classmethod
    def _is_the_rest_api(cls, value: str) -> str:
        parts = split_url(value, ("https", "http"), API_URL)
        host = (parts.hostname or "").split(".")
        if parts.query or parts.fragment or parts.path not in ("", "/"):
            raise ValueError(f"ends after the host, like {API_URL}; paths are added")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("is http:// to another machine: the credentials would travel unencrypted; use https://")
        if host[0] == "api" and host[-2:] == ["twilio", "com"] and len(host) == 4:
            raise ValueError(
                "names a region without its edge, a host that Twilio has switched off; regions are "
                "https://api.dublin.ie1.twilio.com and https://api.sydney.au1.twilio.com"
            )
        return value.rstrip("/")

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """Every token that may have signed a request, the current one first."""
        both = (self.auth_token, self.previous_auth_token)
        return tuple(token.get_secret_value() for token in both if token is not None)
