"""Numbers as callers say them: words to figures, and strings of digits read aloud. Pure; knows no times or days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_UNITS: Final = {
    w: n
    for n, w in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
    )
}  # fmt: skip
_TENS: Final = {
    w: 20 + 10 * n for n, w in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"))
}
_ORDINALS: Final = {
    w: n
    for n, w in enumerate(
        ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
         "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
         "nineteenth", "twentieth")
    )
} | {"thirtieth": 30}  # fmt: skip
_ORDINAL: Final = re.compile(rf"\b(?:{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))\b", re.IGNORECASE)
_REPEATS: Final = {"double": 2, "triple": 3}
_SPELLED_ZERO: Final = frozenset(("oh", "o"))
_TOKEN: Final = re.compile(r"[a-z]+|\d+")


def value_of(word: str) -> int | None:
    """Return the value of one number word ("seven", "thirty", "third", "12"), or ``None``."""
    if word.isdecimal():
        return int(word)
    for table in (_UNITS, _TENS, _ORDINALS):
        if word in table:
            return table[word]
    return None


def without_ordinals(text: str) -> str:
    """Return ``text`` without "first", "third", "21st": no time of day is one."""
    return _ORDINAL.sub(" ", text)


def with_figures(text: str) -> str:
    """Return ``text`` in lower case with number words as figures: "twenty-fifth of May" becomes "25 of may".

    Neighbours join only as English joins them ("twenty five" is 25; "three thirty" stays "3 30").
    """
    words = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text.casefold()).split()
    out: list[str] = []
    tens_before = False
    for word in words:
        bare = word.strip(".,;:!?")
        tail = word[len(bare) :] if word.startswith(bare) else ""
        value = value_of(bare)
        if value is None or bare.isdecimal():
            out.append(word)
            tens_before = False
            continue
        if tens_before and 0 < value < 10:
            out[-1] = str(int(out[-1]) + value) + tail
            tens_before = False
        else:
            out.append(f"{value}{tail}")
            tens_before = bare in _TENS and not tail
    return " ".join(out)


def digits_in(text: str) -> str:
    """Return the digits a caller read out: "415-555, oh one double two" is 415555 0122, without the space."""
    return "".join(_digit_groups(_TOKEN.findall(text.casefold())))


def _digit_groups(words: list[str]) -> Iterator[str]:
    """Yield each spoken number: hundreds take tens, tens take units; everything else begins a new one."""
    group: int | None = None
    repeat = 1
    for word in words:
        if word in _REPEATS:
            repeat = _REPEATS[word]
            continue
        value = 0 if word in _SPELLED_ZERO else _UNITS.get(word, _TENS.get(word))
        if word == "hundred" and group is not None and 0 < group < 10:
            group *= 100
        elif word.isdecimal() or repeat > 1 or value == 0:
            if group is not None:
                yield str(group)
            group = None
            yield (word if word.isdecimal() else str(value if value is not None else "")) * repeat
            repeat = 1
        elif value is None:
            continue
        elif group is not None and _joins(group, value):
            group += value
        else:
            if group is not None:
                yield str(group)
            group = value
    if group is not None:
        yield str(group)


def _joins(group: int, value: int) -> bool:
    if group % 100 == 0:
        return value < 100
    return group % 10 == 0 and group % 100 >= 20 and value < 10


def read_aloud(digits: str) -> str:
    """Return digits so that a voice says each: "4 1 5, 5 5 5, 0 1 3 2"."""
    size = 3 if len(digits) > 4 else 4
    groups = [digits[i : i + size] for i in range(0, len(digits), size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return ", ".join(" ".join(group) for group in groups)
