"""Answers that need no form: hours, address, facts of the prompt, small talk. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from offhook.offline.speech.dialogue.business import Business
from offhook.offline.speech.dialogue.days import WEEKDAYS, day_in, weekdays_in
from offhook.offline.speech.dialogue.forms import Slot
from offhook.offline.speech.dialogue.intents import Intent
from offhook.offline.speech.dialogue.memory import Desk
from offhook.offline.speech.dialogue.times import TimeOfDay

MORE: Final = "Is there anything else I can help you with?"
CAPABILITIES: Final = (
    "I can tell you our opening hours and our address, book, move or cancel an appointment, or take a message."
)
_SMALL_TALK: Final = {
    Intent.THANKS: "You are welcome.",
    Intent.HELLO: "Hello! How can I help you?",
    Intent.HOW_ARE_YOU: "I am very well, thank you. What can I do for you?",
    Intent.CAPABILITIES: CAPABILITIES,
    Intent.PRICE: "Prices depend on the treatment.",
    Intent.WEATHER: "I only see this desk, I am afraid. But it is always dry in here.",
    Intent.JOKE: "Why did the phone go to the dentist? It had lost its blue tooth.",
    Intent.HEAR_ME: "Yes, I can hear you well.",
    Intent.SORRY: "No problem at all.",
    Intent.FINE: "Glad to hear it. What can I do for you?",
    Intent.PRAISE: "Thank you, that is kind of you.",
    Intent.BACK: "Welcome back. What can I do for you?",
    Intent.WHEN_CALLED: "Somebody will call you back as soon as possible.",
    Intent.PAIN: "I am sorry to hear that. Let us find you an appointment.",
    Intent.HOLIDAYS: "I do not have our holiday hours here.",
    Intent.WHY: "I only need it for our notes.",
    Intent.SURE: "Yes, certainly.",
    Intent.GOT_IT: MORE,
    Intent.PERSONAL: "I am only a virtual receptionist, but I like to help. What can I do for you?",
}
#: Said along with something else, these are manners, not questions.
MANNERS: Final = frozenset(
    (
        Intent.THANKS, Intent.HELLO, Intent.SORRY, Intent.HOLD, Intent.HOW_ARE_YOU, Intent.HEAR_ME, Intent.FINE,
        Intent.PRAISE, Intent.BACK, Intent.PERSONAL, Intent.WHY, Intent.SURE,
        Intent.GOT_IT,
    )
)  # fmt: skip
FACTUAL: Final = frozenset(
    (
        Intent.HOURS,
        Intent.ADDRESS,
        Intent.PRICE,
        Intent.CLOCK,
        Intent.WHO_ARE_YOU,
        Intent.WHEN_CALLED,
        Intent.CAPABILITIES,
        Intent.HOLIDAYS,
    )
)
#: Questions that end in the offer of a message: somebody else knows.
OFFERS: Final = {
    Intent.PRICE: f"{_SMALL_TALK[Intent.PRICE]} Shall I take a message, so that somebody calls you back about it?",
    Intent.HOLIDAYS: f"{_SMALL_TALK[Intent.HOLIDAYS]} Would you like to leave a message about it?",
    Intent.COMPLAINT: "I am sorry about that. Would you like to leave a message for the team?",
}
_UNKNOWN: Final = (
    "I am afraid I do not know that. Shall I take a message, so that somebody calls you back?",
    "That I do not know either, I am sorry. Would you like to leave a message about it?",
    "I am sorry, I only know our opening hours, our address and the appointments. Shall I take a message?",
)
_CANNOT: Final = "I am afraid I cannot do that. Would you like to leave a message about it?"


def answer_to(intent: Intent, text: str, desk: Desk) -> tuple[str, ...]:
    """Return the sentences that answer ``intent``; none where it is no question."""
    match intent:
        case Intent.HOURS:
            return hours(text, desk)
        case Intent.ADDRESS if "park" in text.casefold() and (said := fact("parking", desk.business)):
            return (said,)
        case Intent.ADDRESS if desk.business.address:
            return (f"You find us at {desk.business.address}.",)
        case Intent.ADDRESS:
            return ("I do not have the address here, I am afraid.",)
        case Intent.WHO_ARE_YOU:
            of = f" of {desk.business.name}" if desk.business.name else ""
            return (f"I am the virtual receptionist{of}.",)
        case Intent.CLOCK:
            return (f"It is {desk.time.spoken}, on {desk.today:%A}.",)
        case Intent.PRICE if said := fact("price cost fees", desk.business):
            return (said,)
        case _ if intent in _SMALL_TALK:
            return (_SMALL_TALK[intent],)
    return ()


def is_stated(intent: Intent, desk: Desk) -> bool:
    """Whether the prompt answers what would otherwise need somebody else."""
    return intent is Intent.PRICE and fact("price cost fees", desk.business) is not None


def hours(text: str, desk: Desk) -> tuple[str, ...]:
    """Return the hours of the day ``text`` names, or of the week."""
    if not desk.business.hours and not desk.business.week:
        return ("I do not have the opening hours here, I am afraid.",)
    named = weekdays_in(text)
    if len(named) > 1:
        return tuple(dict.fromkeys(desk.business.on(weekday) for weekday in named))
    weekday = named[0] if named else None
    if weekday is None and (day := day_in(text, desk.today)):
        weekday = day.date.weekday()
    if weekday is None and re.search(r"\bnow\b", text.casefold()):
        return (_open_now(desk),)
    if weekday is None and re.search(r"\bweekends?\b", text.casefold()):
        return (desk.business.on(5), desk.business.on(6)) if desk.business.week else (desk.business.on(5),)
    return tuple(desk.business.all_week()) if weekday is None else (desk.business.on(weekday),)


def fact(text: str, business: Business) -> str | None:
    """Return a fact of the prompt whose label the caller used."""
    said = {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.casefold())}
    for label, value in business.facts.items():
        if {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", label)} & said:
            return value if value.endswith((".", "!", "?")) else f"{label.capitalize()}: {value}."
    return None


def _open_now(desk: Desk) -> str:
    span = desk.business.week.get(desk.today.weekday())
    if span is None:
        return desk.business.on(desk.today.weekday())
    opens, closes = span
    if opens <= desk.time < closes:
        return f"Yes, we are open today until {closes.spoken}."
    if desk.time < opens:
        return f"Not yet. We are open today from {opens.spoken} until {closes.spoken}."
    return f"No, we closed at {closes.spoken} today."


def not_known(text: str, unknowns: int) -> str:
    """Say openly that a question cannot be answered or a wish not be met, and offer what can be done."""
    is_wish = re.search(r"\b(?:can|could|will|would) you\b(?! (?:tell|say|explain))", text.casefold())
    return _CANNOT if is_wish else _UNKNOWN[min(unknowns, len(_UNKNOWN) - 1)]


def meant(day: dt.date, time: TimeOfDay, desk: Desk) -> TimeOfDay:
    """Return ``time`` in the half of the day that is open: "at eight" at a restaurant is in the evening."""
    span = desk.business.week.get(day.weekday())
    if span is None or time.is_sure or span[0] <= time < span[1]:
        return time
    return time.other_half if span[0] <= time.other_half < span[1] else time


def refusal(day: dt.date, time: TimeOfDay | None, desk: Desk) -> tuple[str, Slot] | None:
    """Say why an appointment cannot be then, and which answer must change; nothing where it can."""
    week = desk.business.week
    if week and day.weekday() not in week:
        return f"I am sorry, we are closed on {WEEKDAYS[day.weekday()]}s.", Slot.DAY
    if week:
        opens, closes = week[day.weekday()]
        if time is not None and not opens <= time < closes:
            on = WEEKDAYS[day.weekday()]
            return f"I am sorry, on {on} we are open from {opens.spoken} until {closes.spoken}.", Slot.TIME
        if day == desk.today and desk.time >= closes:
            return f"I am sorry, we closed at {closes.spoken} today.", Slot.DAY
    if day == desk.today and time is not None and time <= desk.time:
        return "I am sorry, that is already past.", Slot.TIME
    return None
