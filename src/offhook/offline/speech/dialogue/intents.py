"""What a caller wants, from the words alone: intents in the order they were said, yes and no. Pure; no slots."""

from __future__ import annotations

import difflib
import re
from enum import Enum
from typing import Final


class Intent(Enum):
    """Something a caller may want."""

    HOURS = "hours"
    ADDRESS = "address"
    BOOK = "book"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    MESSAGE = "message"
    HUMAN = "human"
    REPEAT = "repeat"
    GO_ON = "go on"
    HOLD = "hold"
    STOP = "stop"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    HELLO = "hello"
    HOW_ARE_YOU = "how are you"
    WHO_ARE_YOU = "who are you"
    CAPABILITIES = "capabilities"
    PRICE = "price"
    CLOCK = "clock"
    WEATHER = "weather"
    JOKE = "joke"
    HEAR_ME = "hear me"
    SORRY = "sorry"


#: Looked for in this order only where two begin at the same word; otherwise what was said first comes first.
_PATTERNS: Final = {
    intent: re.compile(pattern)
    for intent, pattern in {
        Intent.CANCEL: r"\bcancel\w*( (my|the|an|that))? (appointment|booking|visit)|\b(want|need|like|have) to cancel",
        Intent.RESCHEDULE: r"\bre-?schedul\w*"
        r"|\b(move|change|shift|postpone) (my|the|an|our) (appointment|booking|visit)"
        r"|\b(another|different|new) (time|day|date) for my\b",
        Intent.BOOK: r"\b(book|make|schedule|set up|get|have|need|want|arrange)\b[^.?!]{0,24}\b(appointment|booking"
        r"|visit|cleaning|check-?up|reservation|table|slot)\b|\bbook (me|us|in|a|an)\b"
        r"|\b(appointment|come in|see (the|a) (dentist|doctor))\b(?! is| was)|\bi('d| would) like to come\b",
        Intent.HOURS: r"\b(opening|business|office)?\s?hours\b|\b(when|what time|how (late|early|long))\b[^.?!]{0,24}"
        r"\b(open|close|shut|closed)\b|\b(are|is) (you|it|the \w+) (open|closed)\b"
        r"|\bopen (on|today|tomorrow|now|until|at"
        r"|mon|tues|wed|thurs|fri|sat|sun)|\bopening times?\b|\btimes? (are|do) you open\b|\byou open\b",
        Intent.ADDRESS: r"\baddress\b|\bwhere (are|is|exactly|can i find|do i find)\b|\b(located|location|directions)\b"
        r"|\bhow (do|can) i (get|find)\b|\bparking\b|\bwhere you are\b|\bwhere to (go|come|find)\b",
        Intent.PRICE: r"\b(price|prices|cost|costs|how much|fee|fees|charge|charges)\b",
        Intent.MESSAGE: r"\b(leave|take|pass( on)?|give)\b[^.?!]{0,16}\bmessage\b|\bcall (me|us) back\b|\bcallback\b"
        r"|\ba message for\b|\bask (him|her|them|somebody|someone) to call\b",
        Intent.HUMAN: r"\b(human|real person|operator|representative|somebody real|someone real|manager|transfer me)\b"
        r"|\b(speak|talk) (to|with) (a|an|some|the|your)\b|\bput me through\b|\bconnect me\b",
        Intent.HOLD: r"\b(hold on|hang on|one moment|just a (moment|second|minute|sec)"
        r"|one (second|sec|minute)|wait a (moment|second|minute)|bear with me|give me a (second|moment|minute))\b",
        Intent.REPEAT: r"\b(repeat|say (that|it) again|come again|pardon|one more time|once more"
        r"|didn't (catch|get|hear)|did not (catch|get|hear)|couldn't hear|can you say that)\b"
        r"|^(sorry|what|excuse me|huh|what was that)\s*\??$",
        Intent.GO_ON: r"^(please |yes |okay |and )*(go on|go ahead|continue|carry on|keep going)\b"
        r"|\bwhat were you saying\b",
        Intent.STOP: r"\b(never ?mind|forget (it|that|about it)|stop that|scrap that|changed my mind|don't bother)\b"
        r"|^(no )?(cancel|stop)( that| it)?$",
        Intent.GOODBYE: r"\b(good[ -]?bye?|bye|bye-bye|see you|talk to you later"
        r"|have a (nice|good|great) (day|one|evening)"
        r"|that's all|that is all|that's it|that will be all|that'll be all|nothing else|hang up)\b",
        Intent.THANKS: r"\b(thanks|thank you|cheers|much appreciated)\b",
        Intent.HOW_ARE_YOU: r"\bhow are you\b|\bhow's it going\b|\bhow are things\b|\bhow do you do\b",
        Intent.WHO_ARE_YOU: r"\b(who are you|who am i (speaking|talking)|who is this|what('s| is) your name"
        r"|are you (a |an )?(robot|human|real|machine|bot|computer|person|ai))\b|\bis this [a-z ]*(dental|dentist)",
        Intent.CAPABILITIES: r"\bwhat (can|do) you (do|offer|help)"
        r"|\bhow can you help\b|\bwhat are my options\b|^help\b",
        Intent.CLOCK: r"\bwhat time is it\b|\bwhat's the time\b|\bwhat day is (it|today)\b",
        Intent.WEATHER: r"\b(weather|raining|sunny)\b",
        Intent.JOKE: r"\b(joke|make me laugh)\b",
        Intent.HEAR_ME: r"\b(can|do) you hear me\b|\bare you (there|still there)\b|\banybody there\b",
        Intent.HELLO: r"^(hello|hi|hey|good (morning|afternoon|evening))\b",
        Intent.SORRY: r"^(i'm |i am )?sorry\b",
    }.items()
}
#: One word each that a bad line may bend and that still gives the wish away.
_KEYWORDS: Final = {
    "appointment": Intent.BOOK,
    "booking": Intent.BOOK,
    "reschedule": Intent.RESCHEDULE,
    "opening": Intent.HOURS,
    "address": Intent.ADDRESS,
    "message": Intent.MESSAGE,
    "operator": Intent.HUMAN,
    "goodbye": Intent.GOODBYE,
    "located": Intent.ADDRESS,
}
_YES: Final = re.compile(
    r"^(oh |well |um |uh |and )*(yes|yeah|yep|yup|sure|correct|right|exactly|of course|absolutely|definitely|please do"
    r"|that's (right|correct|fine|good|great|perfect)|that is (right|correct|fine)|sounds (good|great|right|fine)|ok"
    r"|okay|perfect|great|fine|it is|i do|i would|go ahead|works for me|that works)\b"
)
_NO: Final = re.compile(
    r"^(oh |well |um |uh |sorry |actually )*(no|nope|nah|not really|not quite|that's (wrong|not)|that is (wrong|not)"
    r"|wrong|incorrect|it's not|i don't|no thanks)\b"
)


def plain(text: str) -> str:
    """Return ``text`` as the patterns want it: lower case, one kind of apostrophe, no marks at the ends."""
    return re.sub(r"\s+", " ", text.casefold().replace("’", "'").replace(",", " ")).strip(" .!-")


def intents_in(text: str) -> list[Intent]:
    """Return what ``text`` asks for, first things first, each once."""
    said = plain(text)
    found = [(m.start(), n, i) for n, (i, p) in enumerate(_PATTERNS.items()) if (m := p.search(said))]
    intents = [intent for _, _, intent in sorted(found, key=lambda entry: entry[:2])]
    if Intent.RESCHEDULE in intents or Intent.CANCEL in intents:
        intents = [i for i in intents if i is not Intent.BOOK]
    return intents


def guessed(text: str) -> list[Intent]:
    """Return what a bent word suggests; for texts in which `intents_in` finds nothing."""
    for word in plain(text).split():
        if len(word) >= 6 and (close := difflib.get_close_matches(word, _KEYWORDS, n=1, cutoff=0.8)):
            return [_KEYWORDS[close[0]]]
    return []


def says_yes(text: str) -> bool:
    """Whether ``text`` begins as a yes."""
    return _YES.search(plain(text)) is not None and not says_no(text)


def says_no(text: str) -> bool:
    """Whether ``text`` begins as a no."""
    return _NO.search(plain(text)) is not None
