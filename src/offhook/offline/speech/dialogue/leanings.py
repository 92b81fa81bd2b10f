"""Answers to "which day?" and "what time?" that lean somewhere and name nothing: "next week", "mornings". Pure."""

from __future__ import annotations

import re
from typing import Final

from offhook.offline.speech.dialogue.days import WEEKDAYS, Day
from offhook.offline.speech.dialogue.forms import Form, Slot
from offhook.offline.speech.dialogue.memory import Desk

_WEEK: Final = re.compile(r"\b(?:next|this|the) (?:week|month)(?: after)?\b")
_PART: Final = re.compile(r"\b(?P<part>morning|afternoon|evening)s?\b")
_OPEN: Final = re.compile(
    r"\b(not sure|no idea|don't know|do not know|any ?time|any day|anything|whenever|whatever|what have you got"
    r"|available"
    r"|availability|free|earliest|soonest|as soon as|first|next one|slots?|sometime|some time|right now|right away"
    r"|in (an|half an|\d+|a few|one|two|three) (hours?|minutes)"
    r"|you choose|up to you|do(es)?n't matter|do you have)\b"
)


def leaning_answer(text: str, form: Form, slot: Slot, desk: Desk) -> tuple[str, ...]:
    """Ask closer, having said what is possible; nothing where ``text`` leans nowhere."""
    said = text.casefold().replace("’", "'")
    if slot is Slot.DAY:
        if found := _WEEK.search(said):
            period = found[0]
            return (f"Which day {period}?",)
        if _OPEN.search(said) or _PART.search(said):
            return (_open_days(desk), form.question(slot))
    if slot is Slot.TIME:
        if "same time" in said:
            return ("I cannot see the old time from here, I am afraid.", form.question(slot))
        if found := _PART.search(said):
            return (f"What time in the {found['part']}?",)
        if _OPEN.search(said) and form.day is not None:
            return (_open_hours(form.day, desk), form.question(slot))
    return ()


def _open_days(desk: Desk) -> str:
    week = sorted(desk.business.week)
    if not week and not desk.business.hours:
        return "Any day is possible."
    if not week:
        return f"Our opening hours are {desk.business.hours}."
    if len(week) > 2 and week[-1] - week[0] == len(week) - 1:
        return f"Any day from {WEEKDAYS[week[0]]} to {WEEKDAYS[week[-1]]} is possible."
    names = [WEEKDAYS[day] for day in week]
    return f"{' or '.join(names)} is possible."


def _open_hours(day: Day, desk: Desk) -> str:
    known = desk.business.hours or desk.business.week
    return desk.business.on(day.date.weekday()) if known else "Any time is possible."
