"""Names and telephone numbers in what a caller says. Pure, and modest: what is not clearly a name is none."""

from __future__ import annotations

import difflib
import re
from typing import Final

from offhook.offline.speech.dialogue.numbers import digits_in

_LETTER: Final = r"[^\W\d_]"
_WORD: Final = rf"(?:{_LETTER}|['’-])"
_SMALL: Final = ("van", "von", "de", "la", "der", "den", "di", "del", "da", "dos", "el", "bin", "al", "y")
_NAME: Final = rf"(?P<name>{_LETTER}{_WORD}+(?:\s+(?:(?:{'|'.join(_SMALL)}|O'|Mc)\s*){{0,2}}[A-ZÀ-Þ]{_WORD}*){{0,3}})"
_INTRODUCED: Final = re.compile(
    r"\b(?:[Mm]y name(?:'s| is)|[Tt]he name(?:'s| is)|[Ii]n the name of|[Uu]nder the name|[Nn]ame is|[Cc]all me|"
    r"[Tt]his is|[Ii]t is(?: under)?|[Ii]t'?s(?: under)?|I am|I'?m|[Uu]nder|[Ff]or|"
    r"[Mm]y (?:son|daughter|child|wife|husband|partner|mother|father|mum|mom|dad|boss|friend)(?:'s| is| called"
    r"| named|,)*)"
    r"\s+" + _NAME
)
_STRONG: Final = re.compile(r"\b(?:my name|the name|name is|in the name|call me)\b", re.IGNORECASE)
_SPELLED: Final = re.compile(r"(?<!['’\w])(?:[A-Za-z][-. ,]+){2,}[A-Za-z]\b")
_TITLE: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Mister|Missus|Miss|Doctor)\b\.?\s+(?=[A-Z])")
_PARTICLES: Final = frozenset(_SMALL)
#: Months that people are called, too.
_PEOPLE: Final = frozenset(("april", "may", "june", "august", "will"))
#: Words that follow "I'm" or "it's" and are no name.
_NO_NAME: Final = frozenset(
    re.findall(
        r"\S+",
        "a an the not no yes sorry fine good ok okay well here there calling looking just about going to at on in for "
        "monday tuesday wednesday thursday friday saturday sunday tomorrow today next this it that my your his her "
        "one two three four five six seven eight nine ten correct right wrong all please thanks thank you hello hi "
        "morning afternoon evening great perfect urgent interested wondering trying having looking done me him "
        "appointment cleaning checkup check-up i is and or so um uh actually what when where who how can could would "
        "book reschedule cancel message appointment's i'd i'll i'm it's january february march april may june july "
        "august september october november december noon midday half quarter nothing never everything ready another "
        "of wait let tell know want need have do does did don't can't say make change put give get see think also "
        "before after why which because but with without from by about under oh zero o double triple hundred you we "
        "they he she them us are was were be been has had will would should must came come still maybe perhaps same "
        "first last second yep yeah nope nah sure excuse pardon repeat speak only some any there's that's what's",
    )
)
_FILLER: Final = re.compile(
    r"^(?:(?:yes|yeah|sure|um+|uh+|er+|well|okay|ok|of course|certainly|oh|it's|it is|its|that's|i'm|i am|this is|"
    r"my name's|my name is|the name is|name's|just|please|hi|hello|under|in the name of|for|no|actually"
    r"|sorry)[\s,.]+)+",
    re.IGNORECASE,
)
#: So much of a name must be the same for another one to be a better version of it.
_ALIKE: Final = 0.6
_SHORTEST_NUMBER: Final = 6
_LONGEST_NUMBER: Final = 15


def name_in(text: str, *, is_expected: bool = False) -> str | None:
    """Return the name ``text`` gives. ``is_expected``: the whole answer may be one."""
    text = _TITLE.sub("", text)
    if spelled := _SPELLED.search(text):
        letters = re.sub(r"[^A-Za-z]", "", spelled[0]).title()
        return _with_spelling(name_in(text[: spelled.start()], is_expected=is_expected), letters)
    for found in _INTRODUCED.finditer(text):
        if name := _cleaned(found["name"], must_look_like_one=not _STRONG.search(found[0])):
            return name
    if not is_expected:
        return None
    bare = _FILLER.sub("", text.strip()).strip(" .,!?")
    parts = re.split(r"[.,!?;]\s*|\s(?:and|please|speaking|here|with)\b", bare)
    is_bond = len(parts) > 1 and bool(parts[0]) and parts[1].endswith(f" {parts[0]}")  # "Bond, James Bond"
    bare = parts[1] if is_bond else parts[0]
    is_sentence = text.rstrip().endswith("?") and len(bare.split()) > 2
    return None if is_sentence or _runs_on(bare) else _cleaned(bare, must_look_like_one=False)


def _with_spelling(name: str | None, letters: str) -> str:
    """Return ``name`` with its last word as it was spelled, where that word was: "Jon Smythe, S M Y T H E"."""
    words = (name or "").split()
    return " ".join((*words[:-1], letters)) if words and words[-1][0] == letters[0] else letters


def with_better_part(name: str, better: str) -> str:
    """Return ``name`` with the one word corrected that ``better`` is like: "No, Smythe" leaves John his first name."""
    words = name.split()
    for place in (-1, 0):
        if len(words) > 1 and " " not in better and is_like(better, words[place]):
            words[place] = better
            return " ".join(words)
    return better


def is_like(one: str, other: str) -> bool:
    """Whether two names are versions of one: the same letters, or one within the other."""
    one, other = one.casefold(), other.casefold()
    return one in other or other in one or difflib.SequenceMatcher(None, one, other).ratio() >= _ALIKE


def _runs_on(bare: str) -> bool:
    """Whether small words after a capital make a sentence of it: "Let them know I am late"."""
    words = bare.split()
    small = [word for word in words[1:] if word[0].islower() and word not in _PARTICLES]
    return bool(small) and len(words) > 2 and words[0][0].isupper()


def _cleaned(raw: str, *, must_look_like_one: bool) -> str | None:
    words: list[str] = []
    for word in raw.split():
        plain = word.casefold().strip("'’-.")
        is_person = plain in _PEOPLE and word[0].isupper()
        if (plain in _NO_NAME and not is_person) or not re.fullmatch(rf"{_WORD}+", word):
            break
        words.append(word)
    if not 1 <= len(words) <= 4 or (must_look_like_one and not all(w[0].isupper() for w in words)):
        return None
    first, *rest = (word if word in _PARTICLES else word[0].upper() + word[1:] for word in words)
    return " ".join((first[0].upper() + first[1:], *rest))


def number_in(text: str) -> str | None:
    """Return a telephone number: 6 to 15 digits, however they were read out."""
    digits = digits_in(text)
    return digits if _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER else None
