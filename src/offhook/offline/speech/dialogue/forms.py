"""What the receptionist is filling in (a booking, a move, a cancellation, a message, a function's arguments). Pure.

A form knows which answer it lacks next, how to ask for it, how to read itself back, and what it says when done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from offhook.offline.speech.dialogue.days import Day
from offhook.offline.speech.dialogue.numbers import read_aloud
from offhook.offline.speech.dialogue.times import TimeOfDay


class Kind(Enum):
    """What a form is for."""

    BOOKING = "booking"
    MOVE = "move"
    CANCELLATION = "cancellation"
    MESSAGE = "message"


class Slot(Enum):
    """One answer of a form."""

    DAY = "day"
    TIME = "time"
    NAME = "name"
    NUMBER = "number"
    TEXT = "text"


_NEEDS: Final = {
    Kind.BOOKING: (Slot.DAY, Slot.TIME, Slot.NAME),
    Kind.MOVE: (Slot.NAME, Slot.DAY, Slot.TIME),
    Kind.CANCELLATION: (Slot.NAME, Slot.DAY),
    Kind.MESSAGE: (Slot.TEXT, Slot.NAME, Slot.NUMBER),
}
_QUESTIONS: Final = {
    (Kind.BOOKING, Slot.DAY): ("What day would suit you?", "Which day would you like, for example Monday or tomorrow?"),
    (Kind.MOVE, Slot.DAY): ("What day would you like instead?", "Which new day would you like?"),
    (Kind.CANCELLATION, Slot.DAY): ("What day is it on?", "On which day is it, for example Monday or tomorrow?"),
    (Kind.MOVE, Slot.NAME): ("What name is it under?", "Could you tell me your first and last name?"),
    (Kind.CANCELLATION, Slot.NAME): ("What name is it under?", "Could you tell me your first and last name?"),
    (Kind.MESSAGE, Slot.NAME): ("And what is your name?", "Could you tell me your first and last name?"),
    Slot.TIME: ("What time would you like?", "At what time, for example half past ten?"),
    Slot.NAME: ("What name should I put down?", "Could you tell me your first and last name?"),
    Slot.NUMBER: ("What number can we reach you at?", "Please tell me your phone number, digit by digit."),
    Slot.TEXT: ("What is the message?", "Please tell me the message in one sentence."),
}


_WHAT: Final = re.compile(r"\b(?:table|booking|reservation|room)\b")


@dataclass(frozen=True, slots=True)
class Form:
    """A form as far as it is filled in."""

    kind: Kind
    day: Day | None = None
    time: TimeOfDay | None = None
    name: str | None = None
    number: str | None = None
    text: str | None = None
    what: str = "appointment"  # what the caller calls it

    @property
    def lacks(self) -> Slot | None:
        """The next answer that is missing."""
        return next((slot for slot in _NEEDS[self.kind] if getattr(self, slot.value) is None), None)

    def needs(self, slot: Slot) -> bool:
        """Whether this kind of form has that answer at all."""
        return slot in _NEEDS[self.kind]

    def without(self, slot: Slot) -> Form:
        """Return the form with one answer taken out."""
        match slot:
            case Slot.DAY:
                return replace(self, day=None)
            case Slot.TIME:
                return replace(self, time=None)
            case Slot.NAME:
                return replace(self, name=None)
            case Slot.NUMBER:
                return replace(self, number=None)
            case Slot.TEXT:
                return replace(self, text=None)

    def question(self, slot: Slot, attempt: int = 0) -> str:
        """How to ask; differently the second time."""
        asked = _QUESTIONS.get((self.kind, slot)) or _QUESTIONS[slot]
        return asked[min(attempt, 1)]

    def read_back(self) -> str:
        """Say what is noted, to be confirmed."""
        match self.kind:
            case Kind.BOOKING:
                return f"So that is {self._article} {self.what} {self.when}, in the name of {self.name}. Is that right?"
            case Kind.MOVE:
                return f"So I move the {self.what} of {self.name} to {self.when_bare}. Is that right?"
            case Kind.CANCELLATION:
                return f"So I cancel the {self.what} of {self.name} {self._on}. Is that right?"
            case Kind.MESSAGE:
                number = read_aloud(self.number or "")
                return f"So the message from {self.name} is: {self.text}. And your number is {number}. Is that right?"

    def go_ahead(self) -> str:
        """Ask once more for the confirmation, without reading everything again."""
        verbs = {Kind.BOOKING: "book it", Kind.MOVE: "move it", Kind.CANCELLATION: "cancel it"}
        return f"Shall I {verbs.get(self.kind, 'pass the message on')}?"

    def done(self) -> str:
        """Say that it is done."""
        match self.kind:
            case Kind.BOOKING:
                return f"Your {self.what} is booked for {self.when_bare}."
            case Kind.MOVE:
                return f"Your {self.what} is now {self.when}."
            case Kind.CANCELLATION:
                return f"Your {self.what} {self._on} is cancelled."
            case Kind.MESSAGE:
                return "I will pass your message on, and somebody will call you back."

    @property
    def noted(self) -> str:
        """What is noted so far, as a list; empty where nothing is."""
        name = f"the name {self.name}" if self.name else ""
        number = f"the number {read_aloud(self.number)}" if self.number else ""
        text = f"the message: {self.text}" if self.text else ""
        when = self.when_bare if self.day else self.time.spoken if self.time else ""
        return ", ".join(part for part in (when, name, number, text) if part)

    def recap(self) -> str:
        """Say again what was done."""
        match self.kind:
            case Kind.BOOKING | Kind.MOVE:
                return f"Your {self.what} is {self.when}, in the name of {self.name}."
            case Kind.CANCELLATION:
                return f"The {self.what} of {self.name} {self._on} is cancelled."
            case Kind.MESSAGE:
                return f"I noted from {self.name}: {self.text}. The number is {read_aloud(self.number or '')}."

    @property
    def when(self) -> str:
        """Day and time behind a verb: "on Monday at noon"."""
        return f"{self._on}{self._at}"

    @property
    def when_bare(self) -> str:
        """Day and time behind "for" or "to": "Monday at noon"."""
        return f"{self.day.spoken if self.day else ''}{self._at}"

    @property
    def _article(self) -> str:
        return "an" if self.what[0] in "aeiou" else "a"

    @property
    def _on(self) -> str:
        return self.day.on if self.day else ""

    @property
    def _at(self) -> str:
        return f" at {self.time.spoken}" if self.time else ""


def what_in(text: str) -> str | None:
    """Return what the caller calls that which is booked, where it is no appointment."""
    found = _WHAT.search(text.casefold())
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class FunctionForm:
    """Arguments of a function of the Settings, as far as the caller gave them."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    purpose: str = "function"  # or the kind of the form that it completes
