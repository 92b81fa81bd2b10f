"""Questions about what was said in this call: "when is it now?", "read it back", "what date is that?". Pure."""

from __future__ import annotations

from dataclasses import replace

from offhook.offline.speech.dialogue.days import WEEKDAYS, Day
from offhook.offline.speech.dialogue.forms import Form
from offhook.offline.speech.dialogue.memory import Desk, Memory, Turn

_NOTHING = "I cannot look up earlier appointments, I am afraid.", "But I can book, move or cancel one."


def recap(memory: Memory) -> Turn:
    """Say what is noted: of the form that is open, else of what was last done."""
    form = memory.form
    if form is not None:
        slot = memory.asked or form.lacks
        if slot is None:
            return Turn((form.read_back(),), replace(memory, misses=0, is_confirming=True))
        noted = form.noted
        return Turn((*((f"So far I have {noted}.",) if noted else ()), form.question(slot)), replace(memory, misses=0))
    said = (memory.done.recap(),) if memory.done is not None else _NOTHING
    return Turn(said, replace(memory, misses=0, is_offering=True, is_offering_message=False))


def which_date(memory: Memory, desk: Desk) -> str:
    """Say the weekday and the date of the day that was spoken of; of today where none was."""
    form: Form | None = memory.form if memory.form is not None and memory.form.day else memory.done
    if form is not None and form.day is not None:
        return f"That is {_in_full(form.day)}."
    return f"Today is {_in_full(Day(desk.today, ''))}."


def _in_full(day: Day) -> str:
    return f"{WEEKDAYS[day.date.weekday()]}, {day.date:%B} {day.date.day}"
