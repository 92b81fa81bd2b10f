"""How long to wait for more after these words: the text's share in deciding that a turn is over. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Patience(Enum):
    """What the recognised text says about whether more will come."""

    SHORT = "the caller is done"
    USUAL = "nothing speaks for or against"
    LONG = "the caller is in the middle of something"


_WORD: Final = re.compile(r"[a-z']+|\d+")
#: Nobody ends a sentence on one of these.
_DANGLING: Final = frozenset(
    _WORD.findall(
        "a an the and or but so because if with without for from to of at in on by my your our his her their is are "
        "was i'd i'm i'll um uh er erm hmm like about between until till than that's it's name's"
    )
)
_DANGLING_ENDS: Final = (
    "i would like",
    "i want",
    "can you",
    "could you",
    "my name is",
    "my number is",
    "the number is",
    "let me see",
    "let me think",
    "how about",
    "what about",
)
#: Not "great", "okay", "thanks", "hello": those begin a sentence as often as they are one.
_COMPLETE: Final = frozenset(
    re.split(
        ", ",
        "yes, yeah, yep, yup, no, nope, correct, exactly, yes please, no thanks, no thank you, "
        "that's right, that is right, that's correct, that's all, that is all, that's it, nothing else, sounds good, "
        "thank you very much, bye, goodbye, good by, bye bye, thanks bye, "
        "thank you goodbye, thank you good by, no thank you goodbye, no thank you good by, "
        "thank you bye, go on, go ahead, what, pardon, please do, of course, yes that's right, "
        "yes it is, yes that's correct, no that's all, no that's it, no that's wrong, yes please do",
    )
)
_FAREWELLS: Final = ("goodbye", "good bye", "good by", "bye bye", " bye")
_ENDS_QUESTIONS: Final = frozenset(
    ("at", "from", "for", "to", "on", "in", "about", "like", "is", "are", "was", "that's")
)
_SMALL_NUMBERS: Final = frozenset(
    ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double")
)
#: A telephone number has this many digits in most places; fewer at the end of a row of digits: more will come.
_WHOLE_NUMBER: Final = 10
_A_ROW: Final = 3


def patience_for(text: str) -> Patience:
    """Judge ``text`` as recognised so far; an empty text is noise, for which nobody need wait."""
    words = _WORD.findall(text.casefold())
    if not words:
        return Patience.SHORT
    plain = " ".join(words)
    if plain in _COMPLETE or plain.endswith(_FAREWELLS):  # before "good by", as it is written at times, dangles
        return Patience.SHORT
    if text.rstrip().endswith("?") and words[-1] in _ENDS_QUESTIONS:  # "Where are you from?"
        return Patience.USUAL
    # No comma: the recogniser ends whole sentences with one at times.
    if text.rstrip().endswith(("-", "…", "...")) or words[-1] in _DANGLING or plain.endswith(_DANGLING_ENDS):
        return Patience.LONG
    if _is_reading_digits(words):
        return Patience.LONG
    if text.rstrip().endswith("?"):
        return Patience.SHORT
    return Patience.USUAL


def _is_reading_digits(words: list[str]) -> bool:
    row = 0
    for word in reversed(words):
        if word.isdigit():
            row += len(word)
        elif word in _SMALL_NUMBERS:
            row += 1
        else:
            break
    # "3:30" and "15" are a time and a day; three digits in a row begin a number that somebody reads out.
    return _A_ROW <= row < _WHOLE_NUMBER and not _is_time(words)


def _is_time(words: list[str]) -> bool:
    tail = words[-2:]
    return tail[-1].isdigit() and len(tail[-1]) in (2, 3) and any(w in ("at", "by", "around") for w in words[-4:])
