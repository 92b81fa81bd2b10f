"""One thing a bridge did wrong, as a value. Codes are stable; sentences are for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` names the defect for programs; ``sentence`` says what was seen; ``at_ms`` when, on the history's clock.

    ``times`` counts how often the same was seen in this call.
    """

    code: str
    sentence: str
    at_ms: float | None = None
    times: int = 1

    def __str__(self) -> str:
        when = f" at {self.at_ms / 1000:.2f} s" if self.at_ms is not None else ""
        many = f" ({self.times} times)" if self.times > 1 else ""
        return f"{self.code}: {self.sentence}{when}{many}"
