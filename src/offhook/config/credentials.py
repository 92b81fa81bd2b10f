"""Recognises keys that cannot be right: placeholders, stray quotes, another vendor's. Never repeats a key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_PLACEHOLDER = re.compile(
    r"(?i)^(<.*>|\[.*\]|\{.*\}|\$\{?\w+\}?|x{3,}|\*{3,}|\.{3,}|…|changeme|change[-_ ]me|todo|none|null|secret|password"
    r"|(your|my|the|insert|paste|enter|put|add|replace)[-_ ].*|.*[-_ ](here|goes[-_ ]here)|(deepgram|twilio)[-_]?"
    r"(api[-_]?key|auth[-_]?token|account[-_]?sid)|AC(x|X|\.|…)+|api[-_]?key|auth[-_]?token)$"
)
# The shapes of what people paste by mistake, and what each one is.
_SHAPES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"AC[0-9a-fA-F]{32}"), "account_sid", "a Twilio account SID"),
    (re.compile(r"SK[0-9a-fA-F]{32}"), "twilio_api_key", "a Twilio API key SID"),
    (re.compile(r"PN[0-9a-fA-F]{32}"), "twilio_number", "a Twilio phone number SID"),
    (re.compile(r"sk-ant-.*"), "anthropic", "an Anthropic key"),
    (re.compile(r"sk-.*"), "openai", "an OpenAI key"),
    (re.compile(r"AIza[\w-]{30,}"), "google", "a Google key"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "jwt", "a temporary token (JWT), which expires in minutes"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE), "uuid", "an id (UUID), not a secret"),
    (re.compile(r"[0-9a-f]{40}"), "deepgram", "a Deepgram API key"),
    (re.compile(r"[0-9a-f]{32}"), "auth_token", "a Twilio auth token"),
    (re.compile(r"\+\d[\d ().-]{6,18}"), "number", "a phone number"),
)


def _bare(value: str, where: str) -> None:
    if not value.strip():
        raise ValueError(f"is blank; copy it from {where}")
    if value != value.strip():
        raise ValueError("has a blank or a line break before or after it; remove that")
    if value[0] in "\"'`“”‘’" or value[-1] in "\"'`“”‘’":
        raise ValueError("has quotes around it; remove the quotes")
    if _PLACEHOLDER.match(value):
        raise ValueError(f"is a placeholder; copy the real one from {where}")
    if re.match(r"(?i)(token|bearer|basic)\s", value):
        raise ValueError("has the word of an Authorization header before it; keep only the key")
    if re.search(r"\s", value) or not value.isascii() or not value.isprintable():
        raise ValueError("has blanks or characters in it that no key has; copy it again")


def _shape_check(accepted: str, where: str, *, strict: bool = False) -> Callable[[str], None]:
    def check(value: str) -> None:
        _bare(value, where)
        for pattern, kind, meaning in _SHAPES:
            if pattern.fullmatch(value):
                if kind != accepted:
                    raise ValueError(f"is {meaning}; what belongs here is in {where}")
                return
        if strict:
            raise ValueError(f"does not have the right form; copy it again from {where}")

    return check


_account_sid = _shape_check("account_sid", "the Twilio console under Account Info (AC and 32 hex digits)", strict=True)
_auth_token = _shape_check("auth_token", "the Twilio console under Account Info, Auth Token")
_api_key_sid = _shape_check(
    "twilio_api_key", "the Twilio console under Account, API keys (SK and 32 hex digits)", strict=True
)
_api_secret = _shape_check("", "the Twilio console, where an API key's secret is shown once, when it is made")
_railway_token = _shape_check("uuid", "Railway under Account Settings, Tokens (or the project's Settings, Tokens)")
_deepgram_key = _shape_check("deepgram", "the Deepgram console under API Keys")


def _sid(value: str) -> str:
    _account_sid(value)
    return value


def _key_sid(value: str) -> str:
    _api_key_sid(value)
    return value


def _secret(check: Callable[[str], None]) -> Callable[[SecretStr], SecretStr]:
    def checked(value: SecretStr) -> SecretStr:
        check(value.get_secret_value())
        return value

    return checked


AccountSid = Annotated[str, AfterValidator(_sid)]
ApiKeySid = Annotated[str, AfterValidator(_key_sid)]
ApiSecret = Annotated[SecretStr, AfterValidator(_secret(_api_secret))]
AuthToken = Annotated[SecretStr, AfterValidator(_secret(_auth_token))]
RailwayToken = Annotated[SecretStr, AfterValidator(_secret(_railway_token))]
DeepgramKey = Annotated[SecretStr, AfterValidator(_secret(_deepgram_key))]
