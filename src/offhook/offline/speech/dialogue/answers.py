"""Answers that need no form: hours, address, facts of the prompt, small talk. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from offhook.offline.speech.dialogue.business import Business
from offhook.offline.speech.dialogue.days import WEEKDAYS, day_in, weekday_in
from offhook.offline.speech.dialogue.intents import Intent
from offhook.offline.speech.dialogue.memory import Desk
from offhook.offline.speech.dialogue.times import TimeOfDay

CAPABILITIES: Final = (
    "I can tell you our opening hours and our address, book, move or cancel an appointment, or take a message."
)
_SMALL_TALK: Final = {
    Intent.THANKS: "You are welcome.",
    Intent.HELLO: "Hello! How can I help you?",
    Intent.HOW_ARE_YOU: "I am very well, thank you. What can I do for you?",
    Intent.CAPABILITIES: CAPABILITIES,
    Intent.PRICE: "Prices depend on the treatment. I can take a message, and somebody will call you back about it.",
    Intent.WEATHER: "I only see this desk, I am afraid. But it is always dry in here.",
    Intent.JOKE: "Why did the phone go to the dentist? It had lost its blue tooth.",
    Intent.HEAR_ME: "Yes, I can hear you well.",
    Intent.SORRY: "No problem at all.",
}
#: Said along with something else, these are manners, not questions.
MANNERS: Final = frozenset((Intent.THANKS, Intent.HELLO, Intent.SORRY, Intent.HOLD, Intent.HOW_ARE_YOU, Intent.HEAR_ME))
FACTUAL: Final = frozenset((Intent.HOURS, Intent.ADDRESS, Intent.PRICE, Intent.CLOCK, Intent.WHO_ARE_YOU))


def answer_to(intent: Intent, text: str, desk: Desk) -> tuple[str, ...]:
    """Return the sentences that answer ``intent``; none where it is no question."""
    match intent:
        case Intent.HOURS:
            return hours(text, desk)
        case Intent.ADDRESS:
            return (f"You find us at {desk.business.address}.",)
        case Intent.WHO_ARE_YOU:
            return (f"I am the virtual receptionist of {desk.business.name}.",)
        case Intent.CLOCK:
            time = TimeOfDay(desk.now.hour, desk.now.minute)
            return (f"It is {time.spoken}, on {desk.today:%A}.",)
        case Intent.PRICE if said := fact("price cost fees", desk.business):
            return (said,)
        case _ if intent in _SMALL_TALK:
            return (_SMALL_TALK[intent],)
    return ()


def hours(text: str, desk: Desk) -> tuple[str, ...]:
    """Return the hours of the day ``text`` names, or of the week."""
    weekday = weekday_in(text)
    if weekday is None and (day := day_in(text, desk.today)):
        weekday = day.date.weekday()
    if weekday is None and re.search(r"\bnow\b|\bright now\b", text.casefold()):
        weekday = desk.today.weekday()
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


def refusal(day: dt.date | None, time: TimeOfDay | None, business: Business) -> str | None:
    """Say why an appointment cannot be then, or nothing where it can."""
    if day is None or not business.week:
        return None
    if day.weekday() not in business.week:
        return f"I am sorry, we are closed on {WEEKDAYS[day.weekday()]}s."
    opens, closes = business.week[day.weekday()]
    if time is not None and not opens <= time < closes:
        return f"I am sorry, on {WEEKDAYS[day.weekday()]} we are open from {opens.spoken} until {closes.spoken}."
    return None
