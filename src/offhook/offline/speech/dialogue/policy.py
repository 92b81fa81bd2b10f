"""What the receptionist does with a caller's words: one pure function from text and memory to a turn.

Order of attention: repeat and go on; the form being filled; what was asked; repair. Knows no audio and no protocol.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from offhook.offline.speech.dialogue import answers
from offhook.offline.speech.dialogue.calling import arguments_in, function_for, function_mentioned, lacking
from offhook.offline.speech.dialogue.days import day_in
from offhook.offline.speech.dialogue.filling import asking_for_argument, fill_argument, form_turn, noted, proceed, start
from offhook.offline.speech.dialogue.forms import Form, FunctionForm, Kind, Slot
from offhook.offline.speech.dialogue.intents import Intent, guessed, intents_in, is_question, says_no, says_yes
from offhook.offline.speech.dialogue.leanings import leaning_answer
from offhook.offline.speech.dialogue.memory import Call, Desk, Memory, Turn
from offhook.offline.speech.dialogue.names import name_in, number_in
from offhook.offline.speech.dialogue.noting import filled
from offhook.offline.speech.dialogue.recap import recap, which_date

_TASKS: Final = {
    Intent.BOOK: Kind.BOOKING,
    Intent.RESCHEDULE: Kind.MOVE,
    Intent.CANCEL: Kind.CANCELLATION,
    Intent.MESSAGE: Kind.MESSAGE,
}
#: "And what about Saturday?" asks on; "make it Saturday" does not.
_ASKS_ON: Final = re.compile(r"^(?:and|or|what about|how about|what if)\b|\?\s*$", re.IGNORECASE)
_GREETINGS: Final = frozenset((Intent.HELLO, Intent.THANKS, Intent.SORRY))
#: Politeness that may stand before "make it Friday"; "how are you today" names no day.
_MAY_FOLLOW: Final = frozenset((Intent.THANKS, Intent.HELLO, Intent.SORRY, Intent.FINE, Intent.GOT_IT, Intent.HOLD))
#: What is dictated as a message is no wish of its own: "Tell her I could not hear her."
_DICTATES: Final = re.compile(
    r"^(?:yes |okay |ok |please |just )*(?:tell|say|let|ask|that|it's about)\b", re.IGNORECASE
)
_NOTED: Final = ("I have noted that.",)
#: Words that say nothing yet, and the "..." of a turn in which none was recognised.
_FILLER: Final = re.compile(r"(?:\W|\b(?:please|um+|uh+|er+|hm+|ah|oh|so|well)\b)+")
_HELD: Final = ("Of course, take your time.",)
_REPAIRS: Final = (
    ("Sorry, I did not catch that.", "Could you say it again?"),
    ("I am sorry, I still did not understand.", answers.CAPABILITIES),
    ("I am having trouble understanding you.", "Shall I take a message, so that somebody calls you back?"),
)


def respond(text: str, memory: Memory, desk: Desk, unheard: str | None = None) -> Turn:
    """Answer ``text``. ``unheard`` is the sentence at which the caller interrupted the last turn, if they did."""
    turn = _respond(text, memory, desk, unheard)
    last = (
        memory.last if turn.say in ((), _HELD, answers.answer_to(Intent.BACK, "", desk)) else turn.say
    )  # "where were we?" is not "take your time"
    return replace(turn, memory=replace(turn.memory, last=last))


def _respond(text: str, memory: Memory, desk: Desk, unheard: str | None) -> Turn:
    intents = intents_in(text)
    if memory.asked is Slot.TEXT and memory.form is not None and _DICTATES.search(text):
        return form_turn(text, [], memory, desk)
    if _FILLER.fullmatch(text.casefold()):
        return _not_said(text, memory, desk, unheard)
    if Intent.RECAP in intents:
        return recap(memory)
    if Intent.WHICH_DATE in intents:
        return _dated(memory, desk)
    offers = memory.is_confirming or memory.is_offering_message
    if Intent.REPEAT in intents or (Intent.GO_ON in intents and (unheard or not offers)):
        return Turn(_again(memory, desk, unheard), replace(memory, misses=0))
    if Intent.HOLD in intents and all(i in answers.MANNERS for i in intents):
        return Turn(_HELD, replace(memory, misses=0))
    if memory.function is not None and Intent.STOP not in intents:
        return fill_argument(text, memory, desk)
    if memory.form is not None or memory.function is not None:
        return form_turn(text, intents, memory, desk)
    memory = replace(memory, misses=0 if intents else memory.misses, name=_introduced(text) or memory.name)
    return _open_turn(text, intents, memory, desk)


def _introduced(text: str) -> str | None:
    """Return the name of a caller who gives it before anybody asks: "this is John from Acme"."""
    found = re.search(r"\b(?:my name(?:'s| is)|this is|i am|i'm)\b.*", text, re.IGNORECASE)
    return name_in(found[0]) if found else None


def _not_said(text: str, memory: Memory, desk: Desk, unheard: str | None) -> Turn:
    """Go on where a noise cut us; wait for a caller who is thinking; ask again where words were lost. Costs no try."""
    if unheard:
        return Turn(_again(memory, desk, unheard), memory)
    if "please" in text.casefold() and (memory.is_confirming or memory.is_offering_message):
        return _respond("Yes, please.", memory, desk, None)
    if re.search(r"[a-z]", text.casefold()):
        return Turn(_HELD, memory)
    form = memory.form
    if form is None:
        return Turn(_REPAIRS[0], memory)
    slot = memory.asked or form.lacks
    return Turn(("Sorry, I did not catch that.", form.go_ahead() if slot is None else form.question(slot)), memory)


def _dated(memory: Memory, desk: Desk) -> Turn:
    form = memory.form
    asking = (
        () if form is None else (form.question(slot),) if (slot := memory.asked or form.lacks) else (form.go_ahead(),)
    )
    return Turn((which_date(memory, desk), *asking), replace(memory, misses=0))


def _again(memory: Memory, desk: Desk, unheard: str | None) -> tuple[str, ...]:
    said = memory.last or ((desk.greeting,) if desk.greeting else ("Hello! How can I help you?",))
    return said[said.index(unheard) :] if unheard in said else said


def _open_turn(text: str, intents: list[Intent], memory: Memory, desk: Desk) -> Turn:
    """No form is open: take every wish in turn, a task or a farewell last."""
    said: list[str] = []
    wishes = [i for i in intents if i not in answers.MANNERS]
    is_greeted_question = _GREETINGS.issuperset(intents) and is_question(text)
    if not wishes and intents and not is_greeted_question:
        if _MAY_FOLLOW.issuperset(intents) and (turn := _followed_up(text, memory, desk)) is not None:
            return turn
        return _with_manners(text, intents, memory, desk)
    for intent in wishes:
        if intent in answers.OFFERS and intent is wishes[-1] and not answers.is_stated(intent, desk):
            offered = replace(memory, misses=0, is_offering=False, is_offering_message=True)
            return Turn((*said, answers.OFFERS[intent]), offered)
        if intent is Intent.STOP:
            return _stopped(text, memory, desk)
        if intent is Intent.MINE:
            return Turn((*said, "Would you like to move it or cancel it?"), replace(_offering(memory), topic=intent))
        if intent is Intent.PAIN and not _TASKS.keys() & set(wishes):
            return start(
                Form(Kind.BOOKING, name=memory.name), text, answers.answer_to(intent, text, desk), memory, desk
            )
        if intent is Intent.RESCHEDULE and (turn := _moved_after(text, memory, desk)) is not None:
            return replace(turn, say=(*said, *turn.say))
        if intent in _TASKS:
            return start(Form(_TASKS[intent], name=memory.name), text, tuple(said), memory, desk)
        if intent is Intent.HUMAN:
            return _to_a_human(tuple(said), memory, desk)
        if intent is Intent.GOODBYE:
            return goodbye(tuple(said), memory, desk)
        if (turn := _looked_up(intent, text, memory, desk)) is not None:
            return turn
        said.extend(answers.answer_to(intent, text, desk))
        memory = replace(memory, topic=intent)
    if said:
        return Turn(tuple(said), replace(memory, is_offering=False, is_offering_message=False))
    return _without_intent(text, memory, desk)


def _stopped(text: str, memory: Memory, desk: Desk) -> Turn:
    """Take "cancel it" for the appointment that was spoken of, if one was; else as "never mind"."""
    done = memory.done if memory.done is not None and memory.done.kind in (Kind.BOOKING, Kind.MOVE) else None
    if "cancel" in text.casefold() and (done is not None or memory.topic is Intent.MINE):
        what = done.what if done is not None else "appointment"
        form = Form(Kind.CANCELLATION, day=done.day if done is not None else None, name=memory.name, what=what)
        return start(form, text, (), replace(memory, topic=None), desk)
    if memory.is_offering and text.casefold().strip().startswith("nothing"):
        return goodbye((), memory, desk)
    return Turn(("All right. What else can I do for you?",), _offering(memory))


def _offering(memory: Memory) -> Memory:
    return replace(memory, misses=0, is_offering=True, is_offering_message=False)


def _with_manners(text: str, intents: list[Intent], memory: Memory, desk: Desk) -> Turn:
    """Answer politeness alone; who thanks after a task or says no more may still go."""
    first = next((i for i in intents if i not in (Intent.HELLO, Intent.THANKS)), intents[0])
    offers = memory.is_offering or first is Intent.GOT_IT
    return Turn(answers.answer_to(first, text, desk), replace(memory, is_offering=offers, is_offering_message=False))


def _without_intent(text: str, memory: Memory, desk: Desk) -> Turn:
    if memory.is_offering_message and says_yes(text):
        return start(Form(Kind.MESSAGE, name=memory.name), "", (), memory, desk)
    if (turn := _followed_up(text, memory, desk)) is not None:
        return turn
    if known := answers.fact(text, desk.business):
        return Turn((known,), replace(memory, misses=0))
    if (turn := _mentioned(text, memory, desk)) is not None:
        return turn
    if says_no(text):
        return Turn(("All right. What can I do for you?",), _offering(memory))
    if says_yes(text):
        is_first = memory.topic is None and memory.done is None
        return Turn(("What can I do for you?" if is_first else answers.MORE,), _offering(memory))
    if bent := guessed(text):
        return _open_turn(text, bent, replace(memory, misses=0), desk)
    if is_question(text):
        sorry = answers.not_known(text, memory.unknowns)
        memory = replace(memory, misses=0, unknowns=memory.unknowns + 1, is_offering=False, is_offering_message=True)
        return Turn((sorry,), memory)
    if memory.is_offering_message and number_in(text):
        return start(Form(Kind.MESSAGE, name=memory.name), text, (), memory, desk)
    if memory.is_offering_message and not memory.misses and len(text.split()) > 3:  # the message itself, unasked
        return proceed(filled(Form(Kind.MESSAGE, name=memory.name), text, desk.today, Slot.TEXT), _NOTED, memory, desk)
    said = _REPAIRS[min(memory.misses, len(_REPAIRS) - 1)]
    offers = memory.misses + 1 >= len(_REPAIRS)
    return Turn(said, replace(memory, misses=memory.misses + 1, is_offering=False, is_offering_message=offers))


def _followed_up(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Take what makes sense only after the turn before: a correction, another day's hours, "no, thanks"."""
    about_hours = memory.topic is Intent.HOURS and (
        day_in(text, desk.today) is not None or re.search(r"\b(week|weekend)s?\b", text) is not None
    )
    if about_hours and _ASKS_ON.search(text):
        return Turn(answers.hours(text, desk), replace(memory, misses=0))
    if memory.done is not None and (turn := _corrected_after(text, memory, desk)) is not None:
        return turn
    booking = filled(Form(Kind.BOOKING, name=memory.name), text, desk.today, None)
    if booking.day and booking.time:
        return start(Form(Kind.BOOKING, name=memory.name), text, (), memory, desk)
    if about_hours:
        return Turn(answers.hours(text, desk), replace(memory, misses=0))
    if memory.is_offering and says_no(text):
        return goodbye((), memory, desk)
    return None


def _moved_after(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Move what was just booked: by what the caller named, else ask; "to the morning" keeps the day."""
    done = memory.done
    if done is None or done.kind not in (Kind.BOOKING, Kind.MOVE):
        return None
    if (turn := _corrected_after(text, memory, desk)) is not None:
        return turn
    form = replace(done, kind=Kind.MOVE, time=None)
    memory = replace(memory, misses=0, is_offering=False, is_offering_message=False)
    if said := leaning_answer(text, form, Slot.TIME, desk):
        return Turn(said, replace(memory, form=form, asked=Slot.TIME, attempts=0))
    return start(Form(Kind.MOVE, name=done.name, what=done.what), "", (), memory, desk)


def _corrected_after(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Take "no, Thursday" after all was noted as a wish to move what was just booked."""
    done = memory.done
    if done is None or done.kind not in (Kind.BOOKING, Kind.MOVE):
        return None
    moved = noted(replace(done, kind=Kind.MOVE), text, None, desk)
    if (moved.day, moved.time) == (done.day, done.time):
        return None
    return proceed(moved, (), replace(memory, misses=0, is_offering=False), desk)


def _looked_up(intent: Intent, text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Ask a function where the Settings have one for what we would otherwise answer ourselves."""
    purpose = {Intent.HOURS: "hours", Intent.ADDRESS: "address"}.get(intent)
    if purpose is None:
        return _mentioned(text, memory, desk) if intent in (Intent.WEATHER, Intent.PRICE, Intent.JOKE) else None
    spec = function_for(purpose, desk.functions)
    if spec is None or lacking({}, spec):
        return None
    return Turn(("Let me look that up.",), replace(memory, pending=purpose, topic=intent), Call(purpose, spec.name, {}))


def _mentioned(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Call a function whose own words the caller used; ask for what it needs and was not given."""
    spec = function_mentioned(text, desk.functions)
    if spec is None:
        return None
    arguments = arguments_in(text, spec)
    memory = replace(memory, misses=0, is_offering=False)
    form = FunctionForm(spec.name, arguments, lacking(arguments, spec))
    if form.missing:
        return asking_for_argument(form, memory, desk)
    said = ("Let me look that up.",)
    return Turn(said, replace(memory, pending="function"), Call("function", spec.name, arguments))


def _to_a_human(said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn:
    spec = function_for("human", desk.functions)
    if spec is None:
        offer = "I am the only one at the desk right now, but I can take a message.", "Would you like to leave one?"
        return Turn((*said, *offer), replace(memory, is_offering_message=True))
    memory = replace(memory, pending="human")
    return Turn((*said, "One moment, I will connect you."), memory, Call("human", spec.name, {}))


def goodbye(said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn:
    """Say goodbye, and hang up where the Settings have a function for it."""
    thanks = (
        ()
        if memory.is_leaving and not said
        else (f"Thank you for calling{f' {desk.business.name}' if desk.business.name else ''}.",)
    )
    said = (*said, *thanks, "Goodbye!")
    memory = replace(memory, form=None, is_confirming=False, is_offering=False, is_leaving=True)
    spec = function_for("goodbye", desk.functions)
    if spec is None:
        return Turn(said, memory)
    return Turn(said, replace(memory, pending="goodbye"), Call("goodbye", spec.name, {}))
