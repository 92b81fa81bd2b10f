"""Which language models to offer the vendor, and which of them it refuses. Pure: `now` is an argument, no sockets.

The vendor's own fallback chain (``agent.think`` as an array) covers a model that fails in mid-call. It does not cover
a model that the project may not use at all: then the vendor refuses the whole Settings. So the dialling code does::

    choice = ladder.choice(profile.think, now)
    while dialling:
        … send settings_message(profile, choice) …
        on SettingsApplied:  learned = ladder.applied(choice, now)
        on Error(code):      choice = ladder.step_down(choice, code)   # None: no model is left to blame
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offhook.config.think import Think, ThinkEntry

#: How long a refused model is left out before it is offered again: enrolment in Early Access may come any day.
REFUSED_FOR_S = 3600.0
#: Error codes that a model which is not enabled for the project can cause
#: (docs, "Errors & Warnings"; "Use in the Voice Agent").
REFUSAL_CODES = frozenset({"UNPARSABLE_CLIENT_MESSAGE", "INVALID_SETTINGS", "FAILED_TO_THINK"})
_BOUND = 64  # models remembered; configurations have a handful


@dataclass(frozen=True, slots=True)
class ThinkChoice:
    """The models offered in one Settings, in order, and those left out because the vendor refuses them."""

    entries: tuple[ThinkEntry, ...]
    left_out: tuple[ThinkEntry, ...] = ()

    @property
    def is_fallback(self) -> bool:
        """Whether the agent's first choice is not among the models offered."""
        return bool(self.left_out)

    @property
    def label(self) -> str:
        """The model that answers first, like ``open_ai/gpt-4o-mini``."""
        return self.entries[0].label


class ThinkLadder:
    """Remembers for this process which models the vendor refused, and offers the rest. Shared by all calls."""

    def __init__(self, refused_for_s: float = REFUSED_FOR_S) -> None:
        self._refused_for_s = refused_for_s
        self._refused_until: dict[str, float] = {}

    def choice(self, think: Think, now: float) -> ThinkChoice:
        """Return what to offer now: every model that is not known to be refused; all of them where none is left."""
        entries = think.entries
        offered = tuple(entry for entry in entries if self._refused_until.get(_identity(entry), 0.0) <= now)
        if not offered:
            return ThinkChoice(entries)
        return ThinkChoice(offered, tuple(entry for entry in entries if entry not in offered))

    def step_down(self, choice: ThinkChoice, code: str) -> ThinkChoice | None:
        """Return the next choice after a Settings was refused with ``code``; None where the models are not to blame.

        Nothing is remembered yet: if the next choice is refused as well, something else in the Settings is wrong.
        """
        if code not in REFUSAL_CODES or len(choice.entries) < 2:
            return None
        return ThinkChoice(choice.entries[1:], (*choice.left_out, choice.entries[0]))

    def applied(self, choice: ThinkChoice, now: float) -> tuple[ThinkEntry, ...]:
        """Note that the vendor applied ``choice``; return the models it is now known to refuse that were not before."""
        self._refused_until = {name: until for name, until in self._refused_until.items() if until > now}
        learned = []
        for entry in choice.left_out:
            name = _identity(entry)
            if name not in self._refused_until and len(self._refused_until) < _BOUND:
                self._refused_until[name] = now + self._refused_for_s
                learned.append(entry)
        return tuple(learned)

    def refused(self, now: float) -> Mapping[str, float]:
        """Return the refused models and for how many seconds more each is left out."""
        return {name: until - now for name, until in self._refused_until.items() if until > now}


def _identity(entry: ThinkEntry) -> str:
    return entry.label if entry.endpoint is None else f"{entry.label} at {entry.endpoint.url}"
