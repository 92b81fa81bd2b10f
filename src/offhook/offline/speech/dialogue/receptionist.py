"""The receptionist as a brain: reads the conversation, asks `policy`, yields what to say and call. No policy here."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from offhook.offline.ports import BrainAction, Called, CallFunctions, Conversation, Said, Say
from offhook.offline.speech.dialogue.answers import MORE
from offhook.offline.speech.dialogue.business import business_from
from offhook.offline.speech.dialogue.calling import failed, spoken_result
from offhook.offline.speech.dialogue.filling import closing
from offhook.offline.speech.dialogue.forms import Slot
from offhook.offline.speech.dialogue.memory import Desk, Memory, Turn
from offhook.offline.speech.dialogue.policy import respond


class Receptionist:
    """Answers one caller from a script that is alive; see `offhook.offline.ports.Brain`. A turn costs under 1 ms."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone()) -> None:
        self._now = now

    async def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
        """Yield the sentences of one turn, then perhaps a function call."""
        turn = self.turn(conversation)
        conversation.memory = turn.memory
        for sentence in turn.say:
            yield Say(sentence)
        if turn.call is not None:
            arguments = json.dumps(turn.call.arguments, ensure_ascii=False)
            yield CallFunctions((Called(f"call_{uuid.uuid4().hex[:12]}", turn.call.function, arguments, None),))

    async def close(self) -> None:
        """Nothing is held."""

    def turn(self, conversation: Conversation) -> Turn:
        """Think one turn out, without changing anything."""
        now = self._now()
        business = business_from(conversation.prompt, conversation.greeting)
        desk = Desk(business, now.date(), now.time(), conversation.greeting, tuple(conversation.functions))
        memory = conversation.memory if isinstance(conversation.memory, Memory) else Memory()
        history = conversation.history
        match history[-1] if history else None:
            case Called(response=str() as result):
                return _after(result, memory, desk)
            case Said(role="user", content=text):
                return respond(text, memory, desk, _unheard(history[:-1]))
        return Turn((), memory)


def _unheard(history: Sequence[Said | Called]) -> str | None:
    """Return the agent sentence at which the caller interrupted, if the last turn was interrupted."""
    for entry in reversed(history):
        if isinstance(entry, Said):
            if entry.role == "user":
                return None
            if entry.interrupted:
                return entry.content
    return None


def _after(result: str, memory: Memory, desk: Desk) -> Turn:
    """Say what a function's result means for the caller."""
    turn = _result_turn(result, replace(memory, pending=""), desk, memory.pending)
    return replace(turn, memory=replace(turn.memory, last=turn.say or memory.last))


def _result_turn(result: str, memory: Memory, desk: Desk, purpose: str) -> Turn:
    is_error = failed(result)
    said = spoken_result(result)
    match purpose:
        case "goodbye":
            return Turn((), memory)
        case "human":
            sorry = "I am sorry, nobody can take your call right now.", "Would you like to leave a message?"
            return Turn(sorry, replace(memory, is_offering_message=True)) if is_error else Turn((), memory)
        case "slots" if memory.form is not None:
            when = "" if is_error or not said else f"{_capital(memory.form.when)} I have {said.rstrip('.')}."
            question = memory.form.question(Slot.TIME)
            return Turn(tuple(s for s in (when, question) if s), replace(memory, asked=Slot.TIME, attempts=0))
        case "booking" | "move" | "cancellation" | "message" if memory.done is not None:
            if is_error:
                offer = "I am sorry, that did not work.", "Shall I take a message instead?"
                return Turn(offer, replace(memory, done=None, is_offering_message=True))
            return closing((memory.done.done(),), memory, desk)
    if is_error or not said:
        return Turn(("I am sorry, I could not find that out.", MORE), replace(memory, is_offering=True))
    return Turn((said,), memory)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
