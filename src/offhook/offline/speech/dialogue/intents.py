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
    HOLIDAYS = "holidays"
    WHICH_DATE = "which date"
    RECAP = "recap"
    WHEN_CALLED = "when called"
    PAIN = "pain"
    COMPLAINT = "complaint"
    WEATHER = "weather"
    JOKE = "joke"
    HEAR_ME = "hear me"
    SORRY = "sorry"
    FINE = "fine"
    PRAISE = "praise"
    BACK = "back"
    PERSONAL = "personal"
    WHY = "why"
    SURE = "sure"
    GOT_IT = "got it"
    MINE = "my appointment"


#: Looked for in this order only where two begin at the same word; otherwise what was said first comes first.
_PATTERNS: Final = {
    intent: re.compile(pattern)
    for intent, pattern in {
        Intent.CANCEL: r"\bcancel\w*( (my|the|an|that))? (appointment|booking|visit)|\b(want|need|like|have) to cancel",
        Intent.RESCHEDULE: r"\bre-?schedul\w*"
        r"|\b(move|change|shift|postpone|push) (my|the|an|our) (appointment|booking|visit)"
        r"|\b(move|shift|postpone) (it|that)\b|\bchange (it|that) (to|for|from)\b"
        r"|\b(want|like|need) to (change|move) (it|that)\b|\b(can't|cannot|can not"
        r"|won't be able to) (make|come to|keep|attend)\b"
        r"|\b(another|different|new) (time|day|date) for my\b",
        Intent.BOOK: r"\b(book|make|schedule|set up|get|have|need|want|arrange)\b[^.?!]{0,24}\b(appointment|booking"
        r"|visit|cleaning|check-?up|reservation|table|slot)\b|\bbook (me|us|in|a|an|one)\b"
        r"|\b(appointments?|come in|(see|need|want) (the|a) (dentist|doctor|hygienist)|fit me in"
        r"|squeeze me in)\b(?! is| was)"
        r"|\bbook (something|some|two|another)\b|\b(another|a new|the second|the other) one\b"
        r"|\bdo you have (anything|something|any (space|room|slots?))\b|\bi('d| would) like to come\b"
        r"|\b(can|could|may) (i|we) come\b",
        Intent.HOURS: r"\b(opening|business|office)?\s?hours\b|\b(when|what time|how (late|early|long))\b[^.?!]{0,24}"
        r"\b(open|close|shut|closed)\b|\b(are|is) (you|it|the \w+) (open|closed)\b"
        r"|\bdo you do (weekends|evenings|mornings|[a-z]+days?)\b|\bopen (on|today|tomorrow|now|until|at"
        r"|mon|tues|wed|thurs|fri|sat|sun)|\bopening times?\b|\btimes? (are|do) you open\b|\byou open\b",
        Intent.ADDRESS: r"\baddress\b|\bwhere (are|is|exactly|can i find|do i find)\b|\bwhere's\b|\b(located"
        r"|location|directions)\b"
        r"|\bhow (do|can) i (get|find)\b|\bpark(ing)?\b|\bwhere you are\b|\bwhere (to|do i) (go|come|find)\b"
        r"|\b(what|which) (was )?(the )?(street|road|house|building)\b|\bnumber of the house\b|\bhouse number\b"
        r"|\b(bus|train|tram|subway|metro|underground)\b|\b(post|zip) ?code\b",
        Intent.PRICE: r"\b(price|prices|cost|costs|how much|fee|fees|charge|charges)\b",
        Intent.MESSAGE: r"\b(leave|take|pass( on)?|give)\b[^.?!]{0,16}\bmessage\b|\bcall (me|us) back\b"
        r"|\bcallback\b|\b(ring|phone) me back\b"
        r"|\b(have|get) (someone|somebody|him|her|them|the [a-z]+|(doctor|dr) [a-z]+) (to )?(call|ring|phone)\b"
        r"|\ba message for\b|\bask (him|her|them|somebody|someone) to call\b"
        r"|\b(tell|let) (him|her|them|the (doctor|dentist|team|boss)|(doctor|dr|mr|mrs|ms)\.? \w+)\b"
        r"|\b(can|could|will) (he|she|they|you|someone|somebody) call me\b",
        Intent.HUMAN: r"\b(human|real person|operator|representative|somebody real|someone real|manager|transfer me)\b"
        r"|\b(speak|talk) (to|with) (?!you\b|me\b)\w+|\bis (doctor|dr|mr|mrs|ms)\.? \w+ (there|in|available|free)\b"
        r"|\bput me through\b|\bconnect me\b",
        Intent.HOLD: r"\b(hold on|hang on|one moment|just a (moment|second|minute|sec)"
        r"|one (second|sec|minute)|wait a (moment|second|minute)|bear with me|^wait$|let me (think|see|check|look)"
        r"|give me a (second|moment|minute))\b",
        Intent.REPEAT: r"\b(repeat|say (that|it) again|come again|pardon|one more time|once more"
        r"|didn't (catch|get|hear)|did not (catch|get|hear)|couldn't hear|can you say that"
        r"|say again|(speak|talk) (up|slower|louder|more slowly|slowly)|slow down|(can't|cannot) hear you"
        r"|where were we)\b"
        r"|^(sorry )?(sorry|what|excuse me|huh|what was that|what did you say)\s*\??$",
        Intent.GO_ON: r"^(please |yes |okay |and )*(go on|go ahead|continue|carry on|keep going)\b"
        r"|\bwhat were you saying\b",
        Intent.STOP: r"\b(never ?mind|forget (it|that|about it)|stop that|scrap that|changed my mind|don't bother)\b"
        r"|^(no )?(cancel|stop)$|^nothing\b(?! else)|\b(cancel|stop) (that|it|this)\b",
        Intent.GOODBYE: r"\b(good[ -]?bye?|bye|bye-bye|see (you|ya)|(talk|speak) to you (later|soon)|speak soon"
        r"|cheerio|so long"
        r"|ta-?ra|ciao|take care|i'm done|we're done|all set|i give up|that's everything|that is everything"
        r"|(i have to|i've got to|got to|gotta|i must) (go|run)\b|have a (nice|good|great|lovely) (day|one|evening"
        r"|weekend)"
        r"|(do not|don't) need anything|that's me( done)?"
        r"|good night|(got|have|dialled|dialed|sorry) (the |a )?wrong number"
        r"|that's all(?! right)|that is all(?! right)|that's it|that will be all|that'll be all|nothing else"
        r"|hang up)\b",
        Intent.THANKS: r"\b(thanks|thank you|cheers|much appreciated)\b",
        Intent.HOW_ARE_YOU: r"\bhow are you\b|\bhow's it going\b|\bhow are things\b|\bhow do you do\b",
        Intent.WHO_ARE_YOU: r"\b(who are you|who am i (speaking|talking)|who is this|what('s| is) your name"
        r"|are you (a |an )?(robot|human|real|machine|bot|computer|person|ai))\b"
        r"|\bis this (the )?[a-z' ]{3,30}\?|\bare you (the |a )?(dentist|doctor|receptionist|secretary)\b",
        Intent.CAPABILITIES: r"\bwhat (else )?(can|do) you (do|offer|help)"
        r"|\bhow can you help\b|\bwhat are my options\b|^help\b|\bneed (some |your )?help\b|\bhelp me\b",
        Intent.CLOCK: r"\bwhat time is it\b|\bwhat's the time\b|\bwhat day is (it|today)\b|\btoday's date\b",
        Intent.HOLIDAYS: r"\b(christmas|easter|new year'?s?|thanksgiving|(bank |public )?holidays?)\b",
        Intent.WHICH_DATE: r"\b(is|was) (that|it) (on )?(a|the)? ?(mon|tues|wednes|thurs|fri|satur|sun)day\b"
        r"|\b(is|was) (that|it) (on )?the [a-z0-9-]+ of [a-z]+\b|\b(what|which) (date|day)( of the week)? (is|was"
        r"|would|will) (that|it|this"
        r"|be)\b(?! today)",
        Intent.RECAP: r"\bwhen (is|was) (it|that|my (appointment|booking|visit))\b|\bwhen it (is|was)\b"
        r"|\bis (it|that) (now |really )?(cancelled|booked|moved|done|confirmed)\b|\bdo i have (an |any "
        r"|my )?(appointment|booking)"
        r"|\b(time|day|date|name|number|when)\b[^.?!]{0,12}\b(is|was|of) (my|our) (appointment|booking|visit)\b"
        r"|\bwhat (time|day|date|name|number) was (that|it)\b|\bwhat was (the|my) (time|day|date|name|number)\b"
        r"|\bwhat (time|day|date|name|number) (did (i|you|we)|do you have|have you)\b"
        r"|\bread (it|that|everything|me|them)( all)? back\b|\brepeat (my|the) (number|name|appointment|message"
        r"|booking)\b"
        r"|\bdid you (get|note|write|catch) (all |down )?(that|it|everything|my)\b"
        r"|\b(double[- ]check|confirm) (my|the) (appointment|booking|time|number)\b",
        Intent.WHEN_CALLED: r"\b(when|how (soon|long))\b[^.?!]{0,30}\bcall (me|us)\b",
        Intent.PAIN: r"\btooth ?ache\b|\bkilling me\b|\bit hurts\b|\bhurts (a lot|so|really|badly)\b"
        r"|\bin ([a-z]+ )?pain\b"
        r"|\bemergency\b|\b(broke|broken|lost|cracked|chipped) (a |my )?(tooth|filling|crown)\b",
        Intent.COMPLAINT: r"\b(ridiculous|useless|terrible|unacceptable|complain|complaint|rude|awful|refund|fed up)\b"
        r"|\bmoney back\b|\bbeen waiting\b",
        Intent.WEATHER: r"\b(weather|raining|sunny)\b",
        Intent.JOKE: r"\b(joke|make me laugh)\b",
        Intent.HEAR_ME: r"\b(can|do) you hear me\b|\bare you (there|still there)\b|\banybody there\b",
        Intent.HELLO: r"^(hello|hi|hey|good (morning|afternoon|evening))\b",
        Intent.SORRY: r"^(i'm |i am )?sorry\b",
        Intent.FINE: r"^(oh )?(i'm|i am) (fine|good|great|well|okay|ok|very well|doing (fine|well|good)"
        r"|not (too )?bad)\b"
        r"|^(fine|not bad|very well) (thanks|thank you)\b",
        Intent.PRAISE: r"\b(funny|haha|ha ha|(you're|you are|you have been|you've been) (very |so |really "
        r"|most )?(nice|kind|great|good|helpful|lovely|sweet)|well done"
        r"|(nice|lovely|good) (to talk|talking) (to|with) you)\b",
        Intent.PERSONAL: r"\bdo you (like|enjoy|love|sleep|eat|dream)\b|\bhow old are you\b|\bwhere do you live\b"
        r"|\bare you (married|single|happy|busy|tired)\b",
        Intent.WHY: r"\bwhy do you (need|want|ask)\b|\bdo you (really )?need (my|that|to)\b|\brather not\b",
        Intent.SURE: r"^(are you sure|really|is (that|this) (okay|ok|all right|alright|possible|fine))\b",
        Intent.GOT_IT: r"^(okay |ok |right |ah |oh )*(got it|understood|i see|noted|i've got (that|it)|good to know)\b",
        Intent.MINE: r"^(?!.*\b(book|make|schedule|arrange|set up|need|want) an?\b).*\bmy (appointment|booking)\b",
        Intent.BACK: r"\b(i'm|i am) (back|ready|here)\b|\b(thanks|thank you) for (waiting|holding)\b|^(okay "
        r"|ok )?ready$",
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
#: Wishes that begin something, and are none where the caller says that they do not want it.
TASKS: Final = frozenset((Intent.BOOK, Intent.RESCHEDULE, Intent.CANCEL, Intent.MESSAGE, Intent.HUMAN))
_UNWANTED: Final = re.compile(
    r"\b(?:don't|do not|didn't|not|do i|do we) (?:want|need|like|have)\b[^.?!;]*?(?=\bbut\b|\bi\b|[.?!;]|$)"
)
#: What one wish means, its words would suggest as another one, too.
_STRONGER: Final = {
    Intent.RESCHEDULE: (Intent.BOOK, Intent.MINE),
    Intent.CANCEL: (Intent.BOOK, Intent.MINE),
    Intent.RECAP: (Intent.BOOK, Intent.CLOCK, Intent.REPEAT, Intent.MINE),
    Intent.MINE: (Intent.BOOK,),
    Intent.WHEN_CALLED: (Intent.MESSAGE,),
    Intent.ADDRESS: (Intent.REPEAT,),
    Intent.HOURS: (Intent.REPEAT,),
    Intent.HOLIDAYS: (Intent.HOURS,),
    Intent.FINE: (Intent.THANKS,),
    Intent.BACK: (Intent.THANKS,),
    Intent.GOODBYE: (Intent.PRAISE,),
}
_QUESTION: Final = re.compile(
    r"^(?:(?:and|but|so|well|oh|um|uh|okay|ok|also|hi|hello|sorry|please) )*(?:do|does|did|are|is|can|could|will"
    r"|would|have"
    r"|has|what|what's|which|who|who's|how|how's|when|when's|where|where's|why|should|may|must|any)(?: \S+){2,}"
    r"|\b(?:know|wondering|wonder|ask|asking|tell me) (?:if|whether|what|how|who|why|which|about)\b"
)
_YES: Final = re.compile(
    r"^(oh |well |um |uh |and )*(yes|yeah|yep|yup|sure|correct|right|exactly|of course|absolutely|definitely|please do"
    r"|that's (right|correct|fine|good|great|perfect)|that is (right|correct|fine)|sounds (good|great|right|fine)|ok"
    r"|okay|perfect|great|fine|it is|i do|i would|go ahead|works for me|that works|brilliant|lovely|wonderful|excellent"
    r"|super|awesome|cool|alright|all right|aye|indeed|spot on|that'll do|mhm|uh-huh|that's it)\b"
)
_NO: Final = re.compile(
    r"^(oh |well |um |uh |sorry |actually )*(no|nope|nah|not really|not quite|that's (wrong|not)|that is (wrong"
    r"|not)|not"
    r"|wrong|incorrect|it's not|i don't|no thanks)\b"
)


def plain(text: str) -> str:
    """Return ``text`` as the patterns want it: lower case, one kind of apostrophe, no marks at the ends."""
    return re.sub(r"\s+", " ", text.casefold().replace("’", "'").replace(",", " ")).strip(" .!-")


def intents_in(text: str) -> list[Intent]:
    """Return what ``text`` asks for, first things first, each once."""
    said = plain(text)
    wanted = _UNWANTED.sub(" ", said)
    found = [
        (m.start(), n, i)
        for n, (i, p) in enumerate(_PATTERNS.items())
        if (m := p.search(wanted if i in TASKS else said))
    ]
    intents = [intent for _, _, intent in sorted(found, key=lambda entry: entry[:2])]
    for stronger, weaker in _STRONGER.items():
        if stronger in intents:
            intents = [i for i in intents if i not in weaker]
    return intents


def is_question(text: str) -> bool:
    """Whether ``text`` is put as a question, whatever it is about."""
    return any(_QUESTION.search(plain(sentence)) for sentence in re.split(r"[.!?;,]", text))


def guessed(text: str) -> list[Intent]:
    """Return what a bent word suggests; for texts in which `intents_in` finds nothing."""
    for word in _UNWANTED.sub(" ", plain(text)).split():
        if len(word) >= 6 and (close := difflib.get_close_matches(word, _KEYWORDS, n=1, cutoff=0.8)):
            return [_KEYWORDS[close[0]]]
    return []


def says_yes(text: str) -> bool:
    """Whether ``text`` begins as a yes."""
    return _YES.search(plain(text)) is not None and not says_no(text)


def says_no(text: str) -> bool:
    """Whether ``text`` begins as a no."""
    return _NO.search(plain(text)) is not None
