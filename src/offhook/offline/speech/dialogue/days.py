"""Days as callers say them ("tomorrow", "next Friday", "the third of March") with the date they mean. Pure.

Today is an argument. ``spoken`` keeps the caller's own way of putting it: that is what one reads back.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from offhook.offline.speech.dialogue.numbers import with_figures

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAY: Final = re.compile(
    r"\b(?:(?P<which>next|this|coming)\s+)?"
    r"(?P<day>mon|tues|tue|wednes|wed|thurs|thur|thu|fri|satur|sat|sun)(?:days?)?\b(?P<week> week| after next)?"
)
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
_MONTH_FIRST: Final = re.compile(rf"\b{_MONTH}\s+(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b")
_DAY_FIRST: Final = re.compile(rf"\b(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of )?{_MONTH}")
#: "The first name", "the second time": an ordinal that counts something is no date.
_COUNTS: Final = (
    r"(?! (?:1\b|name|last|time|thing|one|visit|appointment|floor|part|letter|digit|number|half|available|free))"
)
_OF_THIS_MONTH: Final = re.compile(
    rf"\bthe (?P<day>\d{{1,2}})(?:st|nd|rd|th)\b{_COUNTS}|\bthe (?P<spelled>\d{{1,2}})\b(?! of){_COUNTS}"
)
_WEEKS_FROM: Final = re.compile(
    r"\ba week (?:from|on) (?:(?P<near>today|tomorrow)|(?P<day>mon|tues|wednes|thurs|fri|satur|sun)day)\b"
)
_IN_DAYS: Final = re.compile(r"\bin (?P<count>\d{1,2}|a) (?P<unit>day|week|fortnight)s?\b")
_DATES: Final = (_MONTH_FIRST, _DAY_FIRST, _IN_DAYS)


@dataclass(frozen=True, slots=True)
class Day:
    """A day: the date it means, and how the caller put it."""

    date: dt.date
    spoken: str

    @property
    def on(self) -> str:
        """The day as it follows a verb: "tomorrow", "next Friday", "on Monday"."""
        return (
            self.spoken
            if self.spoken.split()[0] in ("today", "tomorrow", "next", "this", "the", "in", "a")
            else f"on {self.spoken}"
        )


def day_in(text: str, today: dt.date) -> Day | None:
    """Return the day ``text`` names, never one in the past."""
    plain = with_figures(text)
    if found := _WEEKS_FROM.search(plain):
        return _week_from(found, today)
    if "day after tomorrow" in plain:
        return Day(today + dt.timedelta(2), "the day after tomorrow")
    if re.search(r"\btomorrow\b", plain):
        return Day(today + dt.timedelta(1), "tomorrow")
    if found := _IN_DAYS.search(plain):
        count = 1 if found["count"] == "a" else int(found["count"])
        unit = found["unit"] + ("s" if count > 1 else "")
        length = {"day": 1, "week": 7, "fortnight": 14}[found["unit"]]
        return Day(today + dt.timedelta(count * length), f"in {found['count']} {unit}")
    for pattern in (_MONTH_FIRST, _DAY_FIRST):
        if (found := pattern.search(plain)) and (day := _in_month(found["month"], int(found["day"]), today)):
            return day
    numbered = _number_of_month(text)
    if found := _WEEKDAY.search(plain):
        return _weekday(found, today) if numbered is None else _next_numbered(numbered, today, _index(found["day"]))
    if re.search(r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", plain):
        return Day(today, "today")
    return None if numbered is None else _next_numbered(numbered, today)


def without_dates(text: str) -> str:
    """Return ``text`` without the numbers that are dates, so that none of them is taken for a time."""
    plain = with_figures(text)
    for pattern in (*_DATES, _OF_THIS_MONTH):
        plain = pattern.sub(" ", plain)
    return plain


def _number_of_month(text: str) -> int | None:
    found = _OF_THIS_MONTH.search(text.casefold()) or _OF_THIS_MONTH.search(_spelled_ordinal(text))
    return int(found["day"] or found["spelled"]) if found else None


def weekdays_in(text: str) -> list[int]:
    """Return all weekdays ``text`` names, Monday 0, in its order."""
    return [_index(found["day"]) for found in _WEEKDAY.finditer(text.casefold())]


def weekday_in(text: str) -> int | None:
    """Return the weekday ``text`` names, Monday 0."""
    found = _WEEKDAY.search(text.casefold())
    return _index(found["day"]) if found else None


def _spelled_ordinal(text: str) -> str:
    has_one = re.search(r"\bthe (?:twenty|thirty)?[ -]?(?:first|second|third|[a-z]+th|thirty)\b", text.casefold())
    return with_figures(text) if has_one else ""


def _index(stem: str) -> int:
    return next(i for i, name in enumerate(WEEKDAYS) if name.casefold().startswith(stem))


def _weekday(found: re.Match[str], today: dt.date) -> Day:
    index = _index(found["day"])
    ahead = (index - today.weekday()) % 7 or 7
    is_next = found["which"] == "next" or found["week"] is not None
    if is_next and today.weekday() < index:
        ahead += 7  # "next Friday", said on a Monday, is not the Friday of this week
    name = WEEKDAYS[index]
    spoken = f"next {name}" if is_next else f"this {name}" if found["which"] else name
    return Day(today + dt.timedelta(ahead), spoken)


def _week_from(found: re.Match[str], today: dt.date) -> Day:
    if found["near"]:
        return Day(today + dt.timedelta(8 if found["near"] == "tomorrow" else 7), f"a week from {found['near']}")
    ahead = (_index(found["day"]) - today.weekday()) % 7 or 7
    return Day(today + dt.timedelta(ahead + 7), f"a week from {WEEKDAYS[_index(found['day'])]}")


def _in_month(month: str, number: int, today: dt.date) -> Day | None:
    index = next(n for n, name in enumerate(_MONTHS, 1) if name.startswith(month[:3]))
    for year in (today.year, today.year + 1):
        try:
            date = dt.date(year, index, number)
        except ValueError:
            continue
        if date >= today:
            return Day(date, f"{date:%B} {number}")
    return None


def _next_numbered(number: int, today: dt.date, weekday: int | None = None) -> Day | None:
    """Return the next day of that number, in the coming months the one on that weekday where it was said."""
    days = [date for ahead in range(186) if (date := today + dt.timedelta(ahead)).day == number]
    agreed = next((date for date in days if date.weekday() == weekday), None)
    if agreed is not None:
        return Day(agreed, f"{WEEKDAYS[agreed.weekday()]}, {agreed:%B} {number}")
    return Day(days[0], f"{days[0]:%B} {number}") if days else None
