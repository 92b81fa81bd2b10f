"""Names and telephone numbers in what a caller says. Pure, and modest: what is not clearly a name is none."""

from __future__ import annotations

import re
from typing import Final

from offhook.offline.speech.dialogue.numbers import digits_in

_NAME: Final = r"(?P<name>[A-Za-z][A-Za-z'’-]+(?:\s+(?:van|von|de|la|der|di|O'|Mc)?\s*[A-Z][A-Za-z'’-]*){0,3})"
_INTRODUCED: Final = re.compile(
    r"\b(?:[Mm]y name(?:'s| is)|[Tt]he name(?:'s| is)|[Ii]n the name of|[Uu]nder the name|[Nn]ame is|[Cc]all me|"
    r"[Tt]his is|[Ii]t is|[Ii]t'?s|I am|I'?m|[Uu]nder|[Ff]or)\s+" + _NAME
)
_STRONG: Final = re.compile(r"\b(?:my name|the name|name is|in the name|call me)\b", re.IGNORECASE)
_SPELLED: Final = re.compile(r"\b(?:[A-Za-z][-. ,]+){2,}[A-Za-z]\b")
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
        "august september october november december noon midday half quarter nothing never everything ready another",
    )
)
_FILLER: Final = re.compile(
    r"^(?:(?:yes|yeah|sure|um+|uh+|er+|well|okay|ok|of course|certainly|oh|it's|it is|its|that's|i'm|i am|this is|"
    r"my name's|my name is|the name is|name's|just|please|hi|hello)[\s,.]+)+",
    re.IGNORECASE,
)
_SHORTEST_NUMBER: Final = 6
_LONGEST_NUMBER: Final = 15


def name_in(text: str, *, is_expected: bool = False) -> str | None:
    """Return the name ``text`` gives. ``is_expected``: the whole answer may be one."""
    if spelled := _SPELLED.search(text):
        return re.sub(r"[^A-Za-z]", "", spelled[0]).title()
    for found in _INTRODUCED.finditer(text):
        if name := _cleaned(found["name"], must_look_like_one=not _STRONG.search(found[0])):
            return name
    if not is_expected:
        return None
    bare = _FILLER.sub("", text.strip()).strip(" .,!?")
    bare = re.split(r"[.,!?;]|\s(?:and|please|speaking|here)\b", bare)[0]
    return _cleaned(bare, must_look_like_one=False)


def _cleaned(raw: str, *, must_look_like_one: bool) -> str | None:
    words: list[str] = []
    for word in raw.split():
        if word.casefold().strip("'’-.") in _NO_NAME or not re.fullmatch(r"[A-Za-z'’-]+", word):
            break
        words.append(word)
    if not 1 <= len(words) <= 4 or (must_look_like_one and not all(w[0].isupper() for w in words)):
        return None
    return " ".join(word[0].upper() + word[1:] for word in words)


def number_in(text: str) -> str | None:
    """Return a telephone number: 6 to 15 digits, however they were read out."""
    digits = digits_in(text)
    return digits if _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER else None
