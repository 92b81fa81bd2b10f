"""One request to the simulated REST API, authenticated and taken apart. Answers nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from offhook.sim.grammar import is_whole
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import Account, ApiKey

_TRUE: Final = {"true": True, "false": False}


class Fields:
    """Parameters of a query or a form, with the vendor's names. An empty value is a value: it clears a field."""

    def __init__(self, text: str) -> None:
        self._pairs = parse_qsl(text, keep_blank_values=True)

    def __contains__(self, name: str) -> bool:
        return any(found == name for found, _ in self._pairs)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def get(self, name: str) -> str | None:
        """Return the last value; None where it was not sent."""
        return next((value for found, value in reversed(self._pairs) if found == name), None)

    def all(self, name: str) -> list[str]:
        """Return every value of a repeated parameter."""
        return [value for found, value in self._pairs if found == name]

    def url(self, name: str, code: int) -> str | None:
        """Return a web address, empty to clear it. Refused with ``code``."""
        value = self.get(name)
        if value and not is_url(value):
            raise Refusal(code, name)
        return value

    def method(self, name: str, code: int) -> str | None:
        """Return GET or POST. Refused with ``code``."""
        value = self.get(name)
        if not value:
            return None
        if value.upper() not in ("GET", "POST"):
            raise Refusal(code, name)
        return value.upper()

    def integer(self, name: str, lowest: int, highest: int, code: int = 20001) -> int | None:
        """Return a whole number. Refused with ``code``."""
        value = self.get(name)
        if not value:
            return None
        if not is_whole(value) or not lowest <= int(value) <= highest:
            raise Refusal(code, name)
        return int(value)

    def flag(self, name: str) -> bool:
        """Return whether it is true; it is false where it was not sent."""
        value = self.get(name)
        if not value:
            return False
        if value.lower() not in _TRUE:
            raise Refusal(20001, name)
        return _TRUE[value.lower()]

    def moment(self, name: str) -> datetime | None:
        """Return a date, or a date with a time. Refused with 20001."""
        value = self.get(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Refusal(20001, name) from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def fits(self, name: str, moment: datetime | None) -> bool:
        """Say whether a moment fits the three filters of a name: the same day, at or before, at or after."""
        day, last, first = self.moment(name), self.moment(f"{name}<"), self.moment(f"{name}>")
        if moment is None:
            return day is last is first is None
        return (
            (day is None or moment.date() == day.date())
            and (last is None or moment <= last)
            and (first is None or moment >= first)
        )

    def one_of(self, name: str, allowed: Sequence[str]) -> str | None:
        """Return one of the words allowed."""
        value = self.get(name)
        if value and value not in allowed:
            raise Refusal(20001, name)
        return value or None


def is_url(value: str) -> bool:
    """Say whether Twilio would take this as the address of a webhook; no underscore may be in a host's name."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by ``account`` (with ``key``, where an API key asks), at ``path`` of the API under ``base_url``."""

    owner: Account
    key: ApiKey | None
    account: Account
    path: str
    names: Mapping[str, str]
    query: Fields
    form: Fields
    base_url: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What is answered: a status, and JSON or a file."""

    body: Any = None
    status: int = 200
    media: bytes | None = None
