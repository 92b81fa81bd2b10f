"""How long Twilio waits for a webhook and what it tries again, by default and as a URL's fragment asks. Pure.

Source: Twilio, "Webhooks: connection overrides". Voice waits 15 s at most, whatever is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

TOTAL_S: Final = 15.0
_RANGES: Final = {"ct": (100, 10_000, 5000), "rt": (100, 15_000, 15_000), "tt": (100, 15_000, 15_000), "rc": (0, 5, 1)}
_KINDS: Final = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to connect, to read and in all, and how often what is tried again."""

    connect_s: float = 5.0
    read_s: float = TOTAL_S
    total_s: float = TOTAL_S
    retries: int = 1
    kinds: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str, most_s: float = TOTAL_S) -> Self:
        """Return what a URL's fragment asks for; what is malformed or out of range keeps its default."""
        asked = parse_qs(urlsplit(url).fragment)

        def number(name: str) -> int:
            low, high, otherwise = _RANGES[name]
            given = asked.get(name, [""])[-1]
            return int(given) if given.isascii() and given.isdigit() and low <= int(given) <= high else otherwise

        kinds = frozenset(",".join(asked.get("rp", ["ct"])).split(",")) & _KINDS
        total_s = min(most_s, number("tt") / 1000)
        return cls(number("ct") / 1000, min(total_s, number("rt") / 1000), total_s, number("rc"), kinds)

    @property
    def shorter_s(self) -> float:
        """What ends first when nothing is answered."""
        return min(self.read_s, self.total_s)

    def retries_on(self, kind: str) -> bool:
        """Say whether a failure of this kind is tried again."""
        return kind in self.kinds or ("all" in self.kinds and kind in _KINDS)
