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
_MONTH_FIRST: Final = re.compile(rf"\b(?P<month>{'|'.join(_MONTHS)})\s+(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b")
_DAY_FIRST: Final = re.compile(
    rf"\b(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of )?(?P<month>{'|'.join(_MONTHS)})\b"
)
_OF_THIS_MONTH: Final = re.compile(r"\bthe (?P<day>\d{1,2})(?:st|nd|rd|th)\b|\bthe (?P<spelled>\d{1,2})\b(?! of)")
_IN_DAYS: Final = re.compile(r"\bin (?P<count>\d{1,2}|a) (?P<unit>day|week)s?\b")


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
            if self.spoken.split()[0] in ("today", "tomorrow", "next", "this", "the", "in")
            else f"on {self.spoken}"
        )


def day_in(text: str, today: dt.date) -> Day | None:
    """Return the day ``text`` names, never one in the past."""
    plain = with_figures(text)
    if "day after tomorrow" in plain:
        return Day(today + dt.timedelta(2), "the day after tomorrow")
    if re.search(r"\btomorrow\b", plain):
        return Day(today + dt.timedelta(1), "tomorrow")
    if found := _IN_DAYS.search(plain):
        count = 1 if found["count"] == "a" else int(found["count"])
        unit = found["unit"] + ("s" if count > 1 else "")
        return Day(today + dt.timedelta(count * (7 if found["unit"] == "week" else 1)), f"in {found['count']} {unit}")
    for pattern in (_MONTH_FIRST, _DAY_FIRST):
        if (found := pattern.search(plain)) and (day := _in_month(found["month"], int(found["day"]), today)):
            return day
    if found := _WEEKDAY.search(plain):
        return _weekday(found, today)
    if re.search(r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", plain):
        return Day(today, "today")
    if (found := _OF_THIS_MONTH.search(text.casefold()) or _OF_THIS_MONTH.search(_spelled_ordinal(text))) is not None:
        return _next_numbered(int(found["day"] or found["spelled"]), today)
    return None


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


def _in_month(month: str, number: int, today: dt.date) -> Day | None:
    index = _MONTHS.index(month) + 1
    for year in (today.year, today.year + 1):
        try:
            date = dt.date(year, index, number)
        except ValueError:
            continue
        if date >= today:
            return Day(date, f"{month.title()} {number}")
    return None


def _next_numbered(number: int, today: dt.date) -> Day | None:
    for ahead in range(62):
        date = today + dt.timedelta(ahead)
        if date.day == number:
            return Day(date, f"{date:%B} {number}")
    return None
