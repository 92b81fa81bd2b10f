"""Whole calls as callers speak them, word for word: `callers.txt` beside this file. Wednesday, 25 November 2026.

Each call was read as a stranger reads it: every reply fits, is short, remembers, and repairs. Change a line there only
where the new reply is better.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from offhook.offline.ports import Conversation, Said, Say
from offhook.offline.speech.dialogue.receptionist import Receptionist

WEDNESDAY = dt.datetime(2026, 11, 25, 10, 5, tzinfo=dt.UTC)
PROMPT = """You answer the telephone of Larkfield Dental, a dental practice. Answer in one or two short sentences.
Hours: Monday to Friday from 8:30 to 18:00, Saturday from 9:00 to 13:00, closed on Sunday.
Address: 14 Willow Street, across from the public library, with free parking behind the house."""


def calls() -> dict[str, list[tuple[str, str]]]:
    """Read the file: a title, then what the caller (C) and the agent (A) say, in turns."""
    text = Path(__file__).with_name("callers.txt").read_text(encoding="utf-8")
    read: dict[str, list[tuple[str, str]]] = {}
    for call in text.split("\n\n"):
        title, *lines = call.strip().splitlines()
        said = [line.removeprefix("C: ").removeprefix("A: ") for line in lines]
        read[title.removeprefix("# ")] = list(zip(said[0::2], said[1::2], strict=True))
    return read


CALLS = calls()


@pytest.mark.parametrize("title", CALLS)
async def test_a_caller_is_answered_as_a_good_receptionist_would(title: str) -> None:
    brain = Receptionist(lambda: WEDNESDAY)
    conversation = Conversation(prompt=PROMPT, greeting="Thank you for calling Larkfield Dental. How can I help you?")
    for said, expected in CALLS[title]:
        conversation.history.append(Said("user", said))
        heard = [action.text async for action in brain.reply(conversation) if isinstance(action, Say)]
        conversation.history += [Said("assistant", sentence) for sentence in heard]
        assert (said, " ".join(heard)) == (said, expected)


def test_there_are_many_calls_of_many_turns() -> None:
    assert len(CALLS) >= 30
    assert sum(len(turns) >= 9 for turns in CALLS.values()) >= 25
