"""Filling in a form with a caller: ask, note, read back, correct, complete. Pure; the open conversation is `policy`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from offhook.offline.speech.dialogue import answers
from offhook.offline.speech.dialogue.calling import (
    arguments_from,
    as_answer,
    function_for,
    lacking,
    properties_of,
    spoken_parameter,
)
from offhook.offline.speech.dialogue.days import day_in
from offhook.offline.speech.dialogue.forms import Form, FunctionForm, Kind, Slot, what_in
from offhook.offline.speech.dialogue.intents import Intent, intents_in, is_question, says_no, says_yes
from offhook.offline.speech.dialogue.leanings import leaning_answer
from offhook.offline.speech.dialogue.memory import Call, Desk, Memory, Turn
from offhook.offline.speech.dialogue.names import is_like, name_in, with_better_part
from offhook.offline.speech.dialogue.noting import filled, without_excluded
from offhook.offline.speech.dialogue.times import time_in

_DROPPED: Final = "All right, I have dropped that.", "What else can I do for you?"
_SLOT_WORDS: Final = {
    Slot.DAY: r"\b(day|date)\b",
    Slot.TIME: r"\b(time|hour|earlier|later|sooner)\b",
    Slot.NAME: r"\bname\b",
    Slot.NUMBER: r"\b(number|phone)\b",
    Slot.TEXT: r"\b(message|text)\b",
}
#: Asked in vain this often, a question is given up and a person is offered instead.
_PATIENCE: Final = 3
_UNDONE: Final = {
    Kind.BOOKING: "Then I have not booked anything.",
    Kind.MOVE: "Then I leave everything as it is.",
    Kind.CANCELLATION: "Then I have not cancelled anything.",
    Kind.MESSAGE: "Then I have not passed on a message.",
}
_OTHER_TASKS: Final = {
    Intent.BOOK: Kind.BOOKING,
    Intent.RESCHEDULE: Kind.MOVE,
    Intent.CANCEL: Kind.CANCELLATION,
    Intent.MESSAGE: Kind.MESSAGE,
}


def start(form: Form, text: str, said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn:
    """Open a form with what the caller already said."""
    openings = {
        Kind.BOOKING: "I can book that for you.",
        Kind.MOVE: "I can move that for you.",
        Kind.CANCELLATION: "I can cancel that for you.",
        Kind.MESSAGE: "I am happy to take a message.",
    }
    form = noted(replace(form, what=what_in(text) or form.what), text, None, desk)
    memory = replace(memory, is_offering=False, is_offering_message=False, misses=0, attempts=0)
    opening = () if form.lacks is None or Intent.PAIN in intents_in(text) else (openings[form.kind],)
    return proceed(form, (*said, *opening), memory, desk)


def noted(form: Form, text: str, asked: Slot | None, desk: Desk) -> Form:
    """Fill in what ``text`` says, its time in the half of the day that is open."""
    form = filled(form, text, desk.today, asked)
    if form.day is None or form.time is None:
        return form
    return replace(form, time=answers.meant(form.day.date, form.time, desk))


def proceed(form: Form, said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn:
    """Refuse what cannot be, look up what is free, ask for what is missing, or read everything back."""
    memory = replace(memory, form=form, name=form.name or memory.name, is_confirming=False, is_correcting=False)
    if form.kind in (Kind.BOOKING, Kind.MOVE) and form.day:
        if refused := answers.refusal(form.day.date, form.time, desk):
            why, slot = refused
            memory = replace(memory, form=form.without(slot), asked=slot, attempts=0)
            return Turn((why, form.question(slot)), memory)
        if form.time is None and (turn := _free_slots(form, said, memory, desk)) is not None:
            return turn
    lacks = form.lacks
    if lacks is None:
        return Turn((*said, form.read_back()), replace(memory, asked=None, attempts=0, is_confirming=True))
    return Turn((*said, form.question(lacks)), replace(memory, asked=lacks, attempts=0))


def _free_slots(form: Form, said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn | None:
    spec = function_for("slots", desk.functions)
    if spec is None or form.day is None or memory.slots_asked_for == form.day.date:
        return None
    arguments = arguments_from(form, spec)
    if lacking(arguments, spec):
        return None
    memory = replace(memory, pending="slots", slots_asked_for=form.day.date)
    return Turn((*said, "Let me see what is free."), memory, Call("slots", spec.name, arguments))


def form_turn(text: str, intents: list[Intent], memory: Memory, desk: Desk) -> Turn:
    """Take the caller's words while a form is open."""
    form = memory.form
    if Intent.STOP in intents or form is None:
        return _dropped(memory)
    if _leaves(intents, form, memory):
        from offhook.offline.speech.dialogue.policy import respond

        left = replace(memory, form=None, asked=None, is_confirming=False, is_correcting=False)
        turn = respond(text, left, desk)
        undone = Intent.GOODBYE in intents and form.noted not in ("", f"the name {form.name}")
        return replace(turn, say=(_UNDONE[form.kind], *turn.say)) if undone else turn
    text = _with_same(text, memory.done)
    if memory.is_confirming:
        return _confirmation(text, intents, form, memory, desk)
    new = noted(form, text, memory.asked, desk)
    if new == form and (known := _side_answers(text, intents, form, desk)):
        return Turn((*known, _open_question(form, memory)), replace(memory, misses=0))
    if new == form and (said := _said_again(text, form, memory, desk)):
        return Turn((said, _open_question(form, memory)), replace(memory, misses=0))
    if new == form:
        return _closer(text, form, memory, desk) or _not_understood(form, memory)
    return proceed(new, _acknowledged(form, new), replace(memory, misses=0), desk)


def _with_same(text: str, done: Form | None) -> str:
    """Put what was noted last in place of "the same day" and "the same time"."""
    if done is not None and done.day is not None:
        text = re.sub(r"\b(?:on )?(?:the |that )?same day\b", done.day.on, text, flags=re.IGNORECASE)
    if done is not None and done.time is not None:
        text = re.sub(r"\b(?:at )?(?:the |that )?same time\b", f"at {done.time.spoken}", text, flags=re.IGNORECASE)
    return text


def _said_again(text: str, form: Form, memory: Memory, desk: Desk) -> str | None:
    """Confirm a day or a time that was noted before."""
    said = noted(Form(form.kind, time=form.time), text, memory.asked, desk)
    same_day = said.day is not None and form.day is not None and said.day.date == form.day.date
    has_time = form.time is not None and time_in(text) == form.time
    return f"Yes, {form.when_bare.strip()}." if same_day or has_time else None


def _dropped(memory: Memory) -> Turn:
    """Give up what is being filled in; a booking whose function was never called is none."""
    was_for_a_form = memory.function is not None and memory.function.purpose != "function"
    done = None if was_for_a_form else memory.done
    memory = replace(memory, form=None, function=None, done=done, is_confirming=False, asked=None, attempts=0)
    return Turn(_DROPPED, replace(memory, is_offering=True))


def _leaves(intents: list[Intent], form: Form, memory: Memory) -> bool:
    """Whether the caller wants something else than this form: a person, to go, another task."""
    if Intent.HUMAN in intents:
        return True
    if Intent.GOODBYE in intents and (not memory.is_confirming or memory.attempts > 0):
        return True
    other = {_OTHER_TASKS[intent] for intent in intents if intent in _OTHER_TASKS} - {form.kind}
    if form.kind in (Kind.BOOKING, Kind.MOVE):  # "move it to Friday", "do you have anything on Friday": the same form
        other -= {Kind.BOOKING, *((Kind.MOVE,) if form.day is not None else ())}
    return bool(other)


def _closer(text: str, form: Form, memory: Memory, desk: Desk) -> Turn | None:
    """Say what is possible to a caller who leans somewhere, and what is not known to one who asks."""
    slot = memory.asked or form.lacks
    if slot is None:
        return None
    if form.time is not None and re.search(_SLOT_WORDS[Slot.TIME], text.casefold()):
        return _what_is_wrong(text, form, memory)
    for missing in (Slot.DAY, Slot.TIME):
        if form.needs(missing) and getattr(form, missing.value) is None:
            if said := leaning_answer(text, form, missing, desk):
                return Turn(said, replace(memory, misses=0, asked=missing))
            break
    if slot is not Slot.TEXT and (known := answers.fact(text, desk.business)):
        return Turn((known, form.question(slot)), replace(memory, misses=0))
    if is_question(text) and slot is not Slot.TEXT:
        return Turn(("I am afraid I do not know that.", form.question(slot)), replace(memory, misses=0))
    return None


def _confirmation(text: str, intents: list[Intent], form: Form, memory: Memory, desk: Desk) -> Turn:
    new = noted(form, text, None, desk)
    if new == form and (name := _better_name(text, form, memory)):
        new = replace(form, name=name)
    if new == form and memory.is_correcting and says_yes(text) and not says_no(text):
        return Turn((form.read_back(),), replace(memory, is_correcting=False))
    if new != form and (says_no(text) or not says_yes(text) or (new.day, new.time) != (form.day, form.time)):
        return proceed(new, ("I see.",) if says_no(text) else (), memory, desk)
    if says_no(text):
        return _what_is_wrong(text, form, memory)
    if says_yes(text):
        leaving = Intent.GOODBYE in intents and not re.search(r"\bthat's it\W*$", text.casefold())
        return complete(form, replace(memory, is_leaving=leaving), desk)
    if known := _side_answers(text, intents, form, desk):
        return Turn((*known, form.go_ahead()), replace(memory, misses=0))
    wrong = _what_is_wrong(text, form, memory)
    if wrong.memory.asked is not None:
        return wrong
    if name_in(text, is_expected=True) == form.name:  # said once more, as it was noted
        return Turn((form.read_back(),), replace(memory, misses=0))
    attempts = memory.attempts + 1
    if Intent.GOODBYE in intents:
        return Turn(("Before you go.", form.read_back()), replace(memory, attempts=attempts))
    if attempts > _PATIENCE:
        return _given_up(form, memory)
    again = form.go_ahead() if attempts == 1 else form.read_back()
    return Turn(("Sorry, was that a yes or a no?", again), replace(memory, attempts=attempts))


def _what_is_wrong(text: str, form: Form, memory: Memory) -> Turn:
    for slot, pattern in _SLOT_WORDS.items():
        if form.needs(slot) and re.search(pattern, text.casefold()):
            cleared = form.without(slot)
            memory = replace(memory, form=cleared, asked=slot, attempts=0, is_confirming=False, is_correcting=False)
            return Turn(("I see.", cleared.question(slot)), memory)
    parts = [slot.value if slot is not Slot.TEXT else "message" for slot in Slot if form.needs(slot)]
    listed = f"{', the '.join(parts[:-1])} or the {parts[-1]}"
    memory = replace(memory, is_confirming=True, is_correcting=True)
    return Turn((f"Sorry about that. What should I change: the {listed}?",), memory)


def _better_name(text: str, form: Form, memory: Memory) -> str | None:
    """Return the name in "No, Smythe": said to correct one, or like enough to the one that was noted."""
    if form.name is None or (says_yes(text) and not memory.is_correcting):
        return None
    text = without_excluded(text)
    name = name_in(text, is_expected=True)
    if name is None or not (name in text or re.search(r"\b[A-Z][-. ,]+[A-Z]\b", text)):
        return None
    merged = with_better_part(form.name, name)
    return merged if merged != name or is_like(name, form.name) or memory.is_correcting or says_no(text) else None


def complete(form: Form, memory: Memory, desk: Desk) -> Turn:
    """Do what the form is for: by the function the Settings have for it, or by noting it."""
    memory = replace(memory, form=None, is_confirming=False, asked=None, topic=None, done=form, attempts=0, misses=0)
    spec = function_for(form.kind.value, desk.functions)
    if spec is not None:
        arguments = arguments_from(form, spec)
        if missing := lacking(arguments, spec):
            return asking_for_argument(FunctionForm(spec.name, arguments, missing, form.kind.value), memory, desk)
        memory = replace(memory, pending=form.kind.value)
        return Turn(("One moment, please.",), memory, Call(form.kind.value, spec.name, arguments))
    return closing((form.done(),), memory, desk)


def closing(said: tuple[str, ...], memory: Memory, desk: Desk) -> Turn:
    """End a task: say goodbye to a caller who did, else offer more."""
    if memory.is_leaving:
        from offhook.offline.speech.dialogue.policy import goodbye

        return goodbye(said, memory, desk)
    return Turn((*said, answers.MORE), replace(memory, is_offering=True))


def _side_answers(text: str, intents: list[Intent], form: Form, desk: Desk) -> tuple[str, ...]:
    said: list[str] = []
    for intent in intents:
        is_alone = intent is intents[-1] is not Intent.HELLO and all(i in answers.MANNERS for i in intents)
        if intent is Intent.HOURS and form.day is not None and not day_in(text, desk.today):
            said.append(desk.business.on(form.day.date.weekday()))
        elif intent in answers.FACTUAL or (intent in answers.MANNERS and is_alone):
            said.extend(_statement(line) for line in answers.answer_to(intent, text, desk))
    return tuple(line for line in said if line)


def _statement(line: str) -> str:
    """Leave out the question at the end of an answer: the form has its own."""
    return re.sub(r"\s*[^.!?]*\?$", "", line)


def _open_question(form: Form, memory: Memory) -> str:
    slot = memory.asked or form.lacks
    return form.question(slot) if slot is not None else form.read_back()


def _not_understood(form: Form, memory: Memory) -> Turn:
    slot = memory.asked or form.lacks
    if slot is None:
        return Turn((form.read_back(),), replace(memory, is_confirming=True))
    attempts = memory.attempts + 1
    if attempts >= _PATIENCE:
        return _given_up(form, memory)
    sorry = "Sorry, I did not catch that." if attempts == 1 else "I am sorry, I still did not understand."
    return Turn((sorry, form.question(slot, attempts)), replace(memory, asked=slot, attempts=attempts))


def _given_up(form: Form, memory: Memory) -> Turn:
    offers = form.kind is not Kind.MESSAGE
    memory = replace(
        memory, form=None, asked=None, attempts=0, is_confirming=False, is_correcting=False, is_offering_message=offers
    )
    offer = "Shall I have somebody call you back?" if offers else "What else can I do for you?"
    return Turn(("I am sorry, I cannot make that out.", offer), memory)


def _acknowledged(old: Form, new: Form) -> tuple[str, ...]:
    """Repeat what was just noted, so that a wrong one is noticed before the end."""
    if new.lacks is None:
        return ()
    noted = []
    if new.day != old.day and new.day:
        noted.append(new.day.spoken)
    if new.time != old.time and new.time:
        noted.append(f"at {new.time.spoken}")
    if noted:
        return (f"All right, {' '.join(noted)}.",)
    if new.name != old.name:
        return (f"Thank you, {new.name}.",)
    return ("I have noted that.",) if (new.text, new.number) != (old.text, old.number) else ()


def asking_for_argument(form: FunctionForm, memory: Memory, desk: Desk) -> Turn:
    """Ask for the next argument a function needs."""
    return Turn((_argument_question(form, desk),), replace(memory, function=form))


def _argument_question(form: FunctionForm, desk: Desk) -> str:
    name = spoken_parameter(form.missing[0])
    spec = next((s for s in desk.functions if s.name == form.function), None)
    kind = properties_of(spec).get(form.missing[0], {}).get("type") if spec is not None else None
    is_count = kind in ("integer", "number") and name.endswith("s")
    return f"How many {name}?" if is_count else f"What is the {name}?"


def fill_argument(text: str, memory: Memory, desk: Desk) -> Turn:
    """Take the answer as the argument that was asked for; call the function once none is missing."""
    form = memory.function
    assert form is not None
    spec = next((s for s in desk.functions if s.name == form.function), None)
    if spec is None:
        return _dropped(memory)
    value = as_answer(form.missing[0], text, spec)
    if value is None:
        attempts = memory.attempts + 1
        if attempts >= _PATIENCE:
            return _dropped(memory)
        said = "Sorry, I did not catch that.", _argument_question(form, desk)
        return Turn(said, replace(memory, attempts=attempts))
    arguments = {**form.arguments, form.missing[0]: value}
    form = FunctionForm(form.function, arguments, form.missing[1:], form.purpose)
    if form.missing:
        return asking_for_argument(form, replace(memory, attempts=0), desk)
    memory = replace(memory, function=None, attempts=0, pending=form.purpose)
    wait = "Let me look that up." if form.purpose == "function" else "One moment, please."
    return Turn((wait,), memory, Call(form.purpose, spec.name, arguments))
