"""The keys a caller pressed: bounded in number and rate (C16). Pure; nobody logs them."""

from __future__ import annotations

from collections import Counter

from offhook.config.limits import Limits


class Keypad:
    """Keeps the first ``limits.dtmf`` keys, at most ``limits.dtmf_per_second``; counts the rest."""

    __slots__ = ("_counts", "_limits", "_times", "digits")

    def __init__(self, limits: Limits, counts: Counter[str]) -> None:
        self.digits = ""
        self._limits, self._counts = limits, counts
        self._times: list[float] = []

    def press(self, key: str | None, now: float) -> None:
        """Take a key; None is something no telephone has."""
        recent = [at for at in self._times if now - at < 1.0]
        if key is None or len(recent) >= self._limits.dtmf_per_second or len(self.digits) >= self._limits.dtmf:
            self._counts["dtmf_dropped"] += 1
            return
        self._times = [*recent, now]
        self.digits += key
