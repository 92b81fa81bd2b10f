"""What the receptionist does with a caller's words: one pure function from text and memory to a turn.

Order of attention: repeat and go on; the form being filled; what was asked; repair. Knows no audio and no protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from offhook.offline.speech.dialogue import answers
from offhook.offline.speech.dialogue.calling import arguments_in, function_for, function_mentioned, lacking
from offhook.offline.speech.dialogue.days import day_in
from offhook.offline.speech.dialogue.filling import asking_for_argument, fill_argument, form_turn, proceed, start
from offhook.offline.speech.dialogue.forms import Form, FunctionForm, Kind, filled
from offhook.offline.speech.dialogue.intents import Intent, guessed, intents_in, says_no, says_yes
from offhook.offline.speech.dialogue.memory import Call, Desk, Memory, Turn

_TASKS: Final = {
    Intent.BOOK: Kind.BOOKING,
    Intent.RESCHEDULE: Kind.MOVE,
    Intent.CANCEL: Kind.CANCELLATION,
    Intent.MESSAGE: Kind.MESSAGE,
}
_REPAIRS: Final = (
    ("Sorry, I did not catch that.", "Could you say it again?"),
    ("I am sorry, I still did not understand.", answers.CAPABILITIES),
    ("I am having trouble understanding you.", "Shall I take a message, so that somebody calls you back?"),
)


def respond(text: str, memory: Memory, desk: Desk, unheard: str | None = None) -> Turn:
    """Answer ``text``. ``unheard`` is the sentence at which the caller interrupted the last turn, if they did."""
    turn = _respond(text, memory, desk, unheard)
    return replace(turn, memory=replace(turn.memory, last=turn.say or memory.last))


def _respond(text: str, memory: Memory, desk: Desk, unheard: str | None) -> Turn:
    intents = intents_in(text)
    if Intent.REPEAT in intents or (Intent.GO_ON in intents and unheard):
        return Turn(_again(memory, desk, unheard), replace(memory, misses=0))
    if Intent.HOLD in intents and all(i in answers.MANNERS for i in intents):
        return Turn(("Of course, take your time.",), replace(memory, misses=0))
    if memory.function is not None and Intent.STOP not in intents:
        return fill_argument(text, memory, desk)
    if memory.form is not None or memory.function is not None:
        return form_turn(text, intents, memory, desk)
    memory = replace(memory, misses=0 if intents else memory.misses)
    return _open_turn(text, intents, memory, desk)


def _again(memory: Memory, desk: Desk, unheard: str | None) -> tuple[str, ...]:
    said = memory.last or ((desk.greeting,) if desk.greeting else ("Hello! How can I help you?",))
    return said[said.index(unheard) :] if unheard in said else said


def _open_turn(text: str, intents: list[Intent], memory: Memory, desk: Desk) -> Turn:
    """No form is open: take every wish in turn, a task or a farewell last."""
    said: list[str] = []
    wishes = [i for i in intents if i not in answers.MANNERS]
    if not wishes and intents:
        if (turn := _followed_up(text, memory, desk)) is not None:
            return turn
        wishes = intents[:1]
    for intent in wishes:
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
        return Turn(("All right. What can I do for you?",), memory)
    if says_yes(text):
        return Turn(("What can I do for you?",), replace(memory, is_offering=False, misses=0))
    if bent := guessed(text):
        return _open_turn(text, bent, replace(memory, misses=0), desk)
    said = _REPAIRS[min(memory.misses, len(_REPAIRS) - 1)]
    offers = memory.misses + 1 >= len(_REPAIRS)
    return Turn(said, replace(memory, misses=memory.misses + 1, is_offering=False, is_offering_message=offers))


def _followed_up(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Take what makes sense only after the turn before: a correction, another day's hours, "no, thanks"."""
    if memory.done is not None and (turn := _corrected_after(text, memory, desk)) is not None:
        return turn
    if memory.topic is Intent.HOURS and day_in(text, desk.today):
        return Turn(answers.hours(text, desk), replace(memory, misses=0))
    if memory.is_offering and says_no(text):
        return goodbye((), memory, desk)
    return None


def _corrected_after(text: str, memory: Memory, desk: Desk) -> Turn | None:
    """Take "no, Thursday" after all was noted as a wish to move what was just booked."""
    done = memory.done
    if done is None or done.kind not in (Kind.BOOKING, Kind.MOVE):
        return None
    moved = filled(replace(done, kind=Kind.MOVE), text, desk.today, None)
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
        return asking_for_argument(form, memory)
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
    said = (*said, f"Thank you for calling {desk.business.name}.", "Goodbye!")
    memory = replace(memory, form=None, is_confirming=False, is_offering=False, is_leaving=True)
    spec = function_for("goodbye", desk.functions)
    if spec is None:
        return Turn(said, memory)
    return Turn(said, replace(memory, pending="goodbye"), Call("goodbye", spec.name, {}))
