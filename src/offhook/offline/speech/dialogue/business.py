"""The facts the receptionist knows: from the prompt where it states any, else a practice that does not exist.

What a prompt with facts leaves out is unknown: nobody is told another business's address.
A line ``Label: value`` is a fact. Name, hours and address have a meaning of their own; any other label is read out
when the caller uses its words. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from offhook.offline.speech.dialogue.days import WEEKDAYS, weekday_in
from offhook.offline.speech.dialogue.times import TimeOfDay, time_in

_FACT: Final = re.compile(
    r"^[\s>*#-]*\**(?P<label>[A-Za-z][A-Za-z ]{1,30}?)\**\s*:\**\s*(?P<value>\S.{1,400})$", re.MULTILINE
)
_NAMED: Final = re.compile(
    r"(?:receptionist|assistant|agent|concierge|hosts?|hostess|operator|secretary|desk|telephone|phones?|calls)\s+(?:of|at|for)\s+(?:the\s+)?"
    r"(?P<name>[A-Z][\w&'’. -]{2,60}?)(?:[,.;\n]| in | that | who |$)"
)
_GREETED: Final = re.compile(r"(?:calling|welcome to|this is|reached)\s+(?P<name>[A-Z][\w&'’ -]{2,50}?)(?:[,.!?;]|$)")
_LABELS: Final = {
    "name": ("business", "business name", "name", "company", "practice"),
    "hours": ("hours", "opening hours", "business hours", "opening times", "open"),
    "address": ("address", "location", "where"),
}
_DAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_HOUR: Final = r"(?:\d{1,2}(?:[:.]\d{2})?\s*(?:[ap]\.?m\.?)?|noon)"
_RANGE: Final = re.compile(
    rf"(?P<days>(?:{_DAY}|daily|every day|weekdays|weekends)(?:\s*(?:-|–|to|through|and|&)\s*{_DAY})?)[\s:,]*"
    rf"(?:from\s+)?(?:closed|(?P<open>{_HOUR})\s*(?:-|–|to|until|till)\s*(?P<close>{_HOUR}))",
    re.IGNORECASE,
)
#: The same in a sentence: "The practice is open Monday to Friday from 8:30 to 18:00", "It is at 14 Willow Street."
_TOLD_HOURS: Final = re.compile(r"\bopens?\b[^\n]*", re.IGNORECASE)
_TOLD_ADDRESS: Final = re.compile(r"\b(?:is|are|located|find us) at (?P<address>\d+[A-Za-z]? [A-Z][^.;\n]{3,120})")
Span = tuple[TimeOfDay, TimeOfDay]

_NINE_TO_ONE: Final = (TimeOfDay(9), TimeOfDay(13))
_HALF_EIGHT_TO_SIX: Final = (TimeOfDay(8, 30), TimeOfDay(18))


@dataclass(frozen=True, slots=True)
class Business:
    """What can be said about the business; empty is unknown. ``week`` is empty where the hours are only quoted."""

    name: str = "Larkfield Dental"
    address: str = "14 Willow Street, across from the public library, and there is free parking behind the house"
    hours: str = ""
    week: Mapping[int, Span] = field(
        default_factory=lambda: {**dict.fromkeys(range(5), _HALF_EIGHT_TO_SIX), 5: _NINE_TO_ONE}
    )
    facts: Mapping[str, str] = field(default_factory=dict)

    def on(self, weekday: int) -> str:
        """Return the hours of one weekday, as a sentence; the quoted hours where they are not understood."""
        if not self.week:
            return f"Our opening hours are {self.hours}."
        name = WEEKDAYS[weekday]
        if weekday not in self.week:
            return f"We are closed on {name}s."
        opens, closes = self.week[weekday]
        return f"On {name} we are open from {opens.spoken} until {closes.spoken}."

    def all_week(self) -> list[str]:
        """Return the whole week, as sentences."""
        if not self.week:
            return [f"Our opening hours are {self.hours}."]
        said = [f"{'We are open' if n == 0 else 'On'} {line}" for n, line in enumerate(_runs(self.week))]
        closed = [f"{WEEKDAYS[d]}s" for d in range(7) if d not in self.week]
        if closed:
            said.append(f"We are closed on {' and '.join(closed)}.")
        return said


def _runs(week: Mapping[int, Span]) -> list[str]:
    """Group neighbouring days with the same hours: "Monday to Friday from 8:30 … until 6 …."."""
    lines: list[str] = []
    days = sorted(week)
    while days:
        run = [days.pop(0)]
        while days and days[0] == run[-1] + 1 and week[days[0]] == week[run[0]]:
            run.append(days.pop(0))
        span = WEEKDAYS[run[0]] if len(run) == 1 else f"{WEEKDAYS[run[0]]} to {WEEKDAYS[run[-1]]}"
        opens, closes = week[run[0]]
        middle = "" if not lines and len(run) > 1 else " we are open" if lines else ""
        lines.append(f"{span}{middle} from {opens.spoken} until {closes.spoken}.")
    return lines


def business_from(prompt: str, greeting: str = "") -> Business:
    """Read the facts out of a prompt; one that states none is answered for the practice that does not exist."""
    facts = {m["label"].strip().casefold(): m["value"].strip(" .*") for m in _FACT.finditer(prompt)}
    known = {part: next((facts.pop(k) for k in labels if k in facts), "") for part, labels in _LABELS.items()}
    name = known["name"]
    if not name:
        found = _NAMED.search(prompt) or _GREETED.search(greeting)
        name = found["name"].strip() if found else ""
    known["address"] = known["address"] or (told["address"].strip() if (told := _TOLD_ADDRESS.search(prompt)) else "")
    week = _week_from(known["hours"] or " ".join(_TOLD_HOURS.findall(prompt)))
    if not (name or facts or week or any(known.values())):
        return Business()
    return Business(name, known["address"], known["hours"], week, facts)


def _week_from(hours: str) -> dict[int, Span]:
    week: dict[int, Span] = {}
    for found in _RANGE.finditer(hours):
        opens = time_in(found["open"], is_expected=True) if found["open"] else None
        closes = time_in(found["close"], is_expected=True) if found["close"] else None
        for day in _days_of(found["days"]):
            if opens is None or closes is None:
                week.pop(day, None)
            else:
                # "9 to 8": a place that closes before it opens meant the other half of the day.
                later = TimeOfDay(closes.hour + 12, closes.minute) if closes <= opens and closes.hour < 12 else closes
                week[day] = (_morning(opens, found["open"]), later)
    return week


def _morning(opens: TimeOfDay, said: str) -> TimeOfDay:
    """Take "6-14" as six in the morning: nobody opens at six in the evening and writes just 6."""
    explicit = re.search(r"[ap]\.?m", said, re.IGNORECASE)
    return (
        TimeOfDay(opens.hour - 12, opens.minute)
        if not explicit and 17 <= opens.hour <= 18 and said[:1] != "1"
        else opens
    )


def _days_of(said: str) -> list[int]:
    plain = said.casefold()
    if plain.startswith(("daily", "every")):
        return list(range(7))
    if plain.startswith("weekday"):
        return list(range(5))
    if plain.startswith("weekend"):
        return [5, 6]
    ends = [weekday_in(w) for w in re.findall(r"[a-z]+", plain)]
    named = [d for d in ends if d is not None]
    if len(named) == 2 and re.search(r"-|–|\bto\b|through", plain):
        return [(named[0] + i) % 7 for i in range((named[1] - named[0]) % 7 + 1)]
    return named
