"""Types of single values that several parts share: phone numbers and addresses. Holds no setting of its own."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator

_PUNCTUATION = re.compile(r"[\s().\-\u00a0]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def normalised_number(number: str) -> str:
    """Return a phone number without punctuation and with ``00`` written as ``+``; anything else as it came."""
    bare = _PUNCTUATION.sub("", number)
    return "+" + bare[2:] if bare.startswith("00") else bare


def _e164(value: object) -> str:
    number = normalised_number(value) if isinstance(value, str) else ""
    if not _E164.fullmatch(number):
        raise ValueError("must be a phone number in E.164: + and the country code, like +441632960000, in quotes")
    return number


E164 = Annotated[str, BeforeValidator(_e164, json_schema_input_type=str)]


def split_url(value: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """Split an address or raise ValueError with the form it must have. The value itself is never repeated."""
    if value != value.strip() or any(letter in value for letter in "\"'<> \n\r\t"):
        raise ValueError(f"has quotes, brackets or blanks in it; write it bare, like {example}")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it validates it
    except ValueError:
        raise ValueError(f"is not an address; it looks like {example}") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}, like {example}")
    if parts.username or parts.password:
        raise ValueError(f"must not carry a user or password; it looks like {example}")
    return parts


def is_loopback(host: str) -> bool:
    """Say whether a host name or address can only be reached from this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_ipv6(host: str) -> bool:
    """Say whether a host is an IPv6 address, written bare."""
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def address_of(domain: str) -> str:
    """Return the address of a bare public name: https, except on this very machine (a stand-in of a platform)."""
    host = urlsplit(f"//{domain}").hostname or ""
    return f"http://{domain}" if is_loopback(host) else f"https://{domain}"
