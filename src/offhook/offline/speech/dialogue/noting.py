"""What a caller's words put into a form: days, times, names, numbers, a message, and corrections of each. Pure."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Final

from offhook.offline.speech.dialogue.days import day_in, without_dates
from offhook.offline.speech.dialogue.forms import Form, Kind, Slot
from offhook.offline.speech.dialogue.intents import Intent, intents_in, says_no
from offhook.offline.speech.dialogue.names import name_in, number_in, with_better_part
from offhook.offline.speech.dialogue.numbers import digits_in, with_figures, without_ordinals
from offhook.offline.speech.dialogue.times import time_in

_LONGEST_TEXT: Final = 300
#: What a caller says before the better version of what they just said.
_CORRECTION: Final = re.compile(
    r"(?:,|\s)\s*(?:oh no,|no,?\s+wait,?|no,|sorry,|wait,|i mean,?|i meant,?|make that|rather)\s+", re.IGNORECASE
)
_CORRECTING: Final = re.compile(
    r"\b(?:no|nope|nah|not|i meant?|actually|make (?:it|that)|rather|instead|wrong|change|better)\b", re.IGNORECASE
)
_JUST_A_TIME: Final = re.compile(r"\W*\d{1,2}(?:[ :.]?\d{2})?(?: ?[ap]\.?m)?\W*")
#: Said alone, a name is one even where something else was asked.
_TWO_CAPITALS: Final = re.compile(r"[A-Z][\w'’-]+ [A-Z][\w'’-]+[.!]?")
_LAST_DIGITS: Final = re.compile(r"\blast (?:\w+ )?(?:digits?|numbers?|figures?)\b.*?\b(?:is|are)\b(.*)", re.IGNORECASE)
_EXCLUDED: Final = re.compile(r"\bnot (?:(?:on|at|for|the|this|next) )*[\w']+", re.IGNORECASE)
#: "my appointment on Friday", said to move it, is the old day; what follows "to" is the new one.
_OLD_DAY: Final = re.compile(
    r"\b(?:appointment|booking|visit|check-?up|cleaning)\b[^,.;!?]*?(?=\bto\b|\band\b|\bbut\b|[,.;!?]|$)"
    r"|\bfrom\b.*?(?=\bto\b)",
    re.IGNORECASE,
)
_DICTATED: Final = re.compile(
    r".*\b(?:tell|let) (?:him|her|them|the \w+|(?:doctor|dr|mr|mrs|ms)\.? \w+) (?:know )?(?:that )?(?=\S+ \S+)",
    re.IGNORECASE,
)


def filled(form: Form, text: str, today: dt.date, asked: Slot | None) -> Form:
    """Return ``form`` with what ``text`` answers; what was answered before is replaced: people correct themselves."""
    for place, said in enumerate(_CORRECTION.split(text)):
        corrects = place > 0 or _CORRECTING.search(said) is not None
        form = _when_filled(form, said, today, asked, is_better=corrects)
        if form.needs(Slot.NUMBER) and (number := number_in(said) or _with_other_end(form.number, said)):
            form = replace(form, number=number)
    form = _name_filled(form, without_excluded(text), asked)
    return _text_filled(form, text, asked) if form.needs(Slot.TEXT) and form.text is None else form


def without_excluded(text: str) -> str:
    """Return ``text`` without what it says is not meant: "not Monday, Tuesday" means Tuesday."""
    return _EXCLUDED.sub(" ", text)


#: One digit alone is heard as another word.
_DIGITS_HEARD_AS: Final = {"for": "four", "to": "two", "too": "two", "won": "one", "ate": "eight"}
_SOUNDS_LIKE: Final = re.compile(rf"\b(?:{'|'.join(_DIGITS_HEARD_AS)})\b", re.IGNORECASE)


def _with_other_end(number: str | None, said: str) -> str | None:
    """Take "the last two digits are 33" as a correction of a number's end."""
    found = _LAST_DIGITS.search(said)
    end = digits_in(_SOUNDS_LIKE.sub(lambda like: _DIGITS_HEARD_AS[like[0].casefold()], found[1])) if found else ""
    return number[: -len(end)] + end if number and 0 < len(end) < len(number) else None


def _when_filled(form: Form, said: str, today: dt.date, asked: Slot | None, *, is_better: bool) -> Form:
    said = without_excluded(said)
    if form.kind is Kind.MOVE and asked is None:
        said = _OLD_DAY.sub(" ", said)
    day = day_in(said, today) if form.needs(Slot.DAY) else None
    is_better = is_better or _JUST_A_TIME.fullmatch(with_figures(said)) is not None
    is_expected = asked is Slot.TIME or (form.time is not None and is_better)
    hour = without_dates(without_ordinals(said))
    time = time_in(hour, is_expected=is_expected) if form.needs(Slot.TIME) else None
    return replace(form, day=day or form.day, time=time or form.time)


def _name_filled(form: Form, text: str, asked: Slot | None) -> Form:
    is_refusal = asked is Slot.NAME and says_no(text) and not re.search(r"\s[A-Z][a-z]", text)
    if is_refusal or (asked is Slot.TEXT and form.text is None):
        return form
    if form.kind is Kind.MESSAGE and asked is not Slot.NAME:
        text = re.sub(r"\bfor\b", "to", text)  # "a message for Bob" is not from Bob
    is_offered = form.name is None and _TWO_CAPITALS.fullmatch(text.strip()) is not None and not intents_in(text)
    name = name_in(text, is_expected=asked is Slot.NAME or is_offered)
    if name is None:
        return form
    words = (form.name or "").split()
    if re.search(r"\bfirst name\b", text, re.IGNORECASE) and words:
        name = " ".join((name, *(words[1:] or words)))
    elif re.search(r"\b(?:last|family) name\b|\bsurname\b", text, re.IGNORECASE) and words:
        name = " ".join((*(words[:-1] or words), name))
    elif form.name is not None and asked is not Slot.NAME:
        name = with_better_part(form.name, name)
    return replace(form, name=name)


def _text_filled(form: Form, text: str, asked: Slot | None) -> Form:
    """Take a whole answer as the message; before it was asked for, only what follows "tell her that"."""
    dictated = _DICTATED.match(text)
    if asked is not Slot.TEXT:
        said = text[dictated.end() :] if dictated else ""
    else:
        is_wish = Intent.MESSAGE in intents_in(text) and text.rstrip().endswith("?") and not dictated
        said = "" if is_wish or len(text.split()) < 2 else text
    said = said.strip().rstrip(".!?")[:_LONGEST_TEXT]
    return replace(form, text=said) if said else form
