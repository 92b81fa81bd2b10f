"""Times of day as callers say them ("330", "half past three", "3:30 p.m.") and as the receptionist says them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from offhook.offline.speech.dialogue.numbers import digits_in, with_figures

_FRACTIONS: Final = {"half": 30, "quarter": 15, "a quarter": 15}
_PART: Final = r"(?:\s*(?P<part>a\.?m\.?\b|p\.?m\.?\b|in the (?:morning|afternoon|evening)|o'?clock))?"
_PAST: Final = re.compile(
    r"\b(?P<much>half|a quarter|quarter|(?:5|10|20|25)(?: minutes)?|\d{1,2} minutes) "  # "2 to 3" is a span of time
    r"(?P<side>past|after|to|before|till|(?<=quarter )of) (?P<hour>\d{1,2})\b" + _PART
)
_HALF: Final = re.compile(r"\bhalf (?P<hour>\d{1,2})\b" + _PART)
_CLOCK: Final = re.compile(r"\b(?P<hour>\d{1,2})\s*[:.]\s*(?P<minute>[0-5]\d)\b" + _PART)
_APART: Final = re.compile(r"\b(?P<hour>\d{1,2}) (?:oh |o )?(?P<minute>[0-5]?\d)\b(?! of| hundred)" + _PART)
_JOINED: Final = re.compile(r"\b(?P<hour>\d{1,2})(?P<minute>[0-5]\d)\b" + _PART)
_MARKED: Final = re.compile(r"\b(?P<hour>\d{1,2})" + _PART.rstrip("?"))
_AFTER_AT: Final = re.compile(
    r"\b(?:at|around|about|by|after|before|make it|say)\s+(?P<hour>\d{1,2})\b(?! of|/)" + _PART
)
_ALONE: Final = re.compile(r"\b(?P<hour>\d{1,2})\b(?!st|nd|rd|th)" + _PART)
_NAMED: Final = {"noon": (12, 0), "midday": (12, 0), "midnight": (0, 0), "lunchtime": (12, 0)}


@dataclass(frozen=True, slots=True, order=True)
class TimeOfDay:
    """A time of day, 24 hours."""

    hour: int
    minute: int = 0
    is_sure: bool = field(default=False, compare=False)  # the half of the day was said, not supposed

    @property
    def other_half(self) -> TimeOfDay:
        """The same time twelve hours away: what "at eight" may mean, too."""
        return TimeOfDay((self.hour + 12) % 24, self.minute)

    @property
    def iso(self) -> str:
        """The time as HH:MM."""
        return f"{self.hour:02}:{self.minute:02}"

    @property
    def spoken(self) -> str:
        """The time as one says it on the telephone."""
        if (self.hour, self.minute) == (12, 0):
            return "noon"
        clock = f"{(self.hour - 1) % 12 + 1}" + (f":{self.minute:02}" if self.minute else "")
        part = "in the morning" if self.hour < 12 else "in the afternoon" if self.hour < 18 else "in the evening"
        return f"{clock} {part}"


def time_in(text: str, *, is_expected: bool = False) -> TimeOfDay | None:
    """Return the time ``text`` names. ``is_expected``: a bare number is one too ("three", "330")."""
    plain = with_figures(text).replace("’", "'")
    is_expected = is_expected and len(digits_in(text)) < 6  # a telephone number is no time
    for name, (hour, minute) in _NAMED.items():
        if re.search(rf"\b{name}\b", plain):
            return TimeOfDay(hour, minute, is_sure=True)
    if found := _PAST.search(plain):
        minutes = _FRACTIONS.get(found["much"]) or int(found["much"].split()[0])
        sign = 1 if found["side"] in ("past", "after") else -1
        total = int(found["hour"]) * 60 + sign * minutes
        return _made(total // 60, total % 60, found["part"], plain)
    if found := _HALF.search(plain):  # "half two", as the British say it
        return _made(int(found["hour"]), 30, found["part"], plain)
    for pattern in (_CLOCK, *((_APART, _JOINED) if is_expected or _has_cue(plain) else ())):
        if (found := pattern.search(plain)) and (
            made := _made(int(found["hour"]), int(found["minute"]), found["part"], plain)
        ):
            return made
    for pattern in (_MARKED, _AFTER_AT, *((_ALONE,) if is_expected else ())):
        if (found := pattern.search(plain)) and (made := _made(int(found["hour"]), 0, found["part"], plain)):
            return made
    return None


def _has_cue(plain: str) -> bool:
    return re.search(r"\b(?:at|around|about|by|make it|instead)\s+\d|\d\s*(?:[ap]\.?m\b)", plain) is not None


def _made(hour: int, minute: int, part: str | None, whole: str) -> TimeOfDay | None:
    """Decide the half of the day: said, else by what a practice's day looks like (1-6 is the afternoon)."""
    if hour > 23 or minute > 59:
        return None
    said = (part or "").replace(".", "") + " " + whole
    is_sure = hour > 12 or re.search(r"\b[ap]m\b|morning|afternoon|evening|tonight", said) is not None
    if hour <= 12:
        if re.search(r"\bpm\b|afternoon|evening|tonight", said):
            hour = hour % 12 + 12
        elif re.search(r"\bam\b|morning", said):
            hour %= 12
        elif 1 <= hour <= 6:
            hour += 12
    return TimeOfDay(hour, minute, is_sure)
