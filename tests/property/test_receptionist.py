"""Whatever a caller says, the receptionist answers, remembers without changing the past, and calls only what exists."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.offline.ports import Called, CallFunctions, Conversation, FunctionSpec, Said, Say
from offhook.offline.speech.dialogue.receptionist import Receptionist

NOW = dt.datetime(2026, 11, 23, 10, 5, tzinfo=dt.UTC)
FRAGMENTS = st.sampled_from(
    """yes no hours address book appointment next Friday tomorrow at 330 half past three my name is Alice 415 555 0132
    double oh message cancel reschedule sorry what go on never mind goodbye thanks human , . ? ! 25th of March the
    weather in Paris order forty two no, Thursday S M I T H""".split()  # noqa: SIM905  # words read as words
)
LINES = st.one_of(st.lists(FRAGMENTS, max_size=12).map(" ".join), st.text(max_size=80))
RESULTS = st.one_of(
    st.sampled_from(['{"ok": true}', '{"error": "x"}', "Done.", "", "[]", '{"slots": ["10:15"]}', "null", "3"]),
    st.text(max_size=40),
)
SCHEMA = st.sampled_from(
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {"date": {"type": "string"}, "n": {"type": "integer"}}, "required": ["date"]},
        {"type": "object", "properties": {"kind": {"enum": ["a", 2]}}, "required": ["kind", "undeclared"]},
        {"properties": ["broken"], "required": None},
    ]
)
NAMES = st.sampled_from(["book_appointment", "find_slots", "hang_up", "transfer", "get_weather", "order", "x"])
FUNCTIONS = st.lists(st.builds(FunctionSpec, NAMES, st.sampled_from(["", "Look up an order"]), SCHEMA), max_size=4)


@settings(max_examples=int(os.environ.get("OFFHOOK_EXAMPLES", "200")), deadline=None)
@given(
    lines=st.lists(LINES, min_size=1, max_size=8),
    functions=FUNCTIONS,
    results=st.lists(RESULTS, min_size=1),
    prompt=st.text(max_size=60),
)
def test_any_conversation(lines: list[str], functions: list[FunctionSpec], results: list[str], prompt: str) -> None:
    asyncio.run(_talk(lines, functions, results, prompt))


async def _talk(lines: list[str], functions: list[FunctionSpec], results: list[str], prompt: str) -> None:
    brain = Receptionist(lambda: NOW)
    conversation = Conversation(prompt=prompt, functions=functions)
    known = {f.name for f in functions}
    for number, line in enumerate(lines):
        conversation.history.append(Said("user", line))
        said = 0
        for _ in range(4):
            before: Any = conversation.memory
            picture = repr(before)
            calls: CallFunctions | None = None
            async for action in brain.reply(conversation):
                match action:
                    case Say(text):
                        assert text.strip()
                        said += 1
                        conversation.history.append(Said("assistant", text))
                    case CallFunctions():
                        calls = action
            assert repr(before) == picture
            if calls is None:
                break
            for call in calls.calls:
                assert call.name in known
                assert isinstance(json.loads(call.arguments), dict)
                result = results[number % len(results)]
                conversation.history.append(Called(call.id, call.name, call.arguments, result))
        else:
            raise AssertionError("calls without end")
        assert said
