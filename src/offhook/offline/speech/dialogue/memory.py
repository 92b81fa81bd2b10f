"""What the receptionist remembers between two turns, and what one turn of it consists of. Values only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from offhook.offline.ports import FunctionSpec
from offhook.offline.speech.dialogue.business import Business
from offhook.offline.speech.dialogue.forms import Form, FunctionForm, Slot
from offhook.offline.speech.dialogue.intents import Intent
from offhook.offline.speech.dialogue.times import TimeOfDay


@dataclass(frozen=True, slots=True)
class Memory:
    """One caller so far. Replaced at every turn, never changed: a speculative turn may be thrown away."""

    form: Form | None = None
    function: FunctionForm | None = None
    asked: Slot | None = None
    attempts: int = 0  # how often `asked` was asked in vain
    is_confirming: bool = False
    is_correcting: bool = False  # "what should I change" was the last thing said
    is_offering: bool = False  # "is there anything else" was the last thing said
    is_offering_message: bool = False
    is_leaving: bool = False  # goodbye was said, by either
    misses: int = 0  # turns not understood, in a row
    unknowns: int = 0  # questions that could not be answered
    topic: Intent | None = None
    done: Form | None = None
    name: str | None = None
    slots_asked_for: dt.date | None = None
    pending: str = ""  # what the outstanding function call is for
    last: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call, and what for."""

    purpose: str
    function: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the receptionist does: sentences, then perhaps a call; and what it remembers."""

    say: tuple[str, ...]
    memory: Memory
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What does not change while a turn is thought out."""

    business: Business
    today: dt.date
    now: dt.time
    greeting: str = ""
    functions: Sequence[FunctionSpec] = field(default_factory=tuple)

    @property
    def time(self) -> TimeOfDay:
        """The time of day now."""
        return TimeOfDay(self.now.hour, self.now.minute)
