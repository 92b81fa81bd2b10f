"""The turn engine under any interleaving of ear events, injections, function answers and time."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.offline.virtual import Actor, Scene, on_virtual_time

from offhook.offline.functions import Defined
from offhook.offline.live import Filling
from offhook.offline.plan import CallPlan
from offhook.offline.ports import (
    BrainAction,
    Called,
    CallFunctions,
    Conversation,
    FunctionSpec,
    Say,
    SpeechMaybeOver,
    SpeechOver,
    SpeechStarted,
    Think,
)

PLAN = CallPlan(
    greeting="Hello. How are you?",
    functions={"look": Defined(FunctionSpec("look")), "book": Defined(FunctionSpec("book", defer_until_eot=True))},
)

#: What `UpdateThink` may bring: the same again, other functions that take fillers, none at all.
PLANS = [
    PLAN,
    CallPlan(functions={"look": Defined(FunctionSpec("look"), filling=Filling(at_once=True, more=2, every_s=1.0))}),
    CallPlan(),
]
LIVE = {"provider": {"presence_check_max_count": 2, "presence_check_interval_ms": 500}}

texts = st.sampled_from(["", "yes", "no", "call", "long"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.05, 0.4, 1.0, 5.0])),
        st.just(("starts",)),
        st.tuples(st.just("maybe"), texts),
        st.tuples(st.just("over"), texts),
        st.tuples(st.just("user"), texts),
        st.tuples(st.just("line"), st.sampled_from(["default", "queue", "interrupt"])),
        st.tuples(st.just("answer"), st.sampled_from(["look", "book"])),
        st.just(("listen",)),
        st.tuples(st.just("think"), st.sampled_from(PLANS)),
        st.tuples(st.just("prompt"), texts),
        st.just(("live",)),
        st.just(("speak",)),
    ),
    max_size=40,
)


ids = itertools.count()


async def mixed(conversation: Conversation) -> AsyncIterator[BrainAction]:
    last = conversation.history[-1]
    text = getattr(last, "content", "")
    await asyncio.sleep(0.03)
    if text == "call":
        yield Say("Let me look.")
        if known := [spec.name for spec in conversation.functions]:
            yield CallFunctions([Called(f"call-{next(ids)}", name, "{}", None) for name in known])
    elif text == "long":
        yield Think("Long.")
        for n in range(5):
            yield Say(f"Sentence {n}.")
    elif text != "no":
        yield Say("Yes.")


def act(call: Scene, step: tuple) -> None:
    match step:
        case ("starts",):
            call.hears(SpeechStarted())
        case ("maybe", text):
            call.hears(SpeechMaybeOver(text))
        case ("over", text):
            call.hears(SpeechOver(text, 0.5, 0.1))
        case ("user", text):
            call.engine.inject_user(text)
        case ("line", behavior):
            call.engine.inject_agent("A line.", behavior)
        case ("answer", name):
            call.engine.answer_function(None, name, "fine")
        case ("listen",):
            call.engine.set_listen({"version": "v2"})
        case ("think", plan):
            call.engine.set_think(plan)
        case ("prompt", text):
            call.engine.set_prompt(text)
        case ("live",):
            call.engine.set_live(LIVE)
        case ("speak",):
            call.engine.set_speak({})


def check(lines: list[str]) -> None:
    """State what must hold of any call sheet."""
    is_open = False
    for line in lines:
        kind = line.split(" ")[0]
        if kind == "AgentStartedSpeaking":
            assert not is_open, "two turns at once"
            is_open = True
        elif kind == "AgentAudioDone":
            assert is_open, "AgentAudioDone without a turn, or twice"
            is_open = False
        elif kind == "audio":
            assert is_open, "audio outside a turn"
        assert not line.startswith("Error"), line
    assert not is_open, "a turn without its AgentAudioDone"


def open_calls(messages: list[dict]) -> Counter[str]:
    """Return what was asked for and neither answered nor withdrawn."""
    left: Counter[str] = Counter()
    for message in messages:
        if message["type"] == "FunctionCallRequest":
            left.update(function["name"] for function in message["functions"])
        elif message["type"] == "FunctionCallCancelled":
            left.subtract(function["name"] for function in message["functions"])
        elif message["type"] == "History" and "function_calls" in message:
            left.subtract(function["name"] for function in message["function_calls"])
    return +left


@settings(max_examples=200, deadline=None)
@given(steps)
def test_any_call_is_orderly(plan: list[tuple]) -> None:
    async def scene() -> None:
        async with Scene(Actor(mixed, voice_s=0.1, ms=1000), PLAN) as call:
            for step in plan:
                if step[0] == "wait":
                    await asyncio.sleep(step[1])
                else:
                    act(call, step)
            call.hears(SpeechOver(""))
            for name in ("look", "book") * 3:
                await asyncio.sleep(5)
                call.engine.answer_function(None, name, "fine")
            await asyncio.sleep(300)
            check(call.sheet.lines)
            assert not open_calls(call.sheet.messages)
            assert call.mind.unfinished == 0
            assert not call.engine.agent_is_mid_turn

    on_virtual_time(scene)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_hanging_up_at_any_moment_leaves_nothing(plan: list[tuple]) -> None:
    async def scene() -> None:
        call = Scene(Actor(mixed, voice_s=0.1, ms=1000), PLAN)
        async with call:
            for step in plan:
                if step[0] == "wait":
                    await asyncio.sleep(min(step[1], 0.05))
                else:
                    act(call, step)
        written = len(call.sheet.lines)
        await asyncio.sleep(100)
        assert len(call.sheet.lines) == written
        assert call.mind.unfinished == 0

    on_virtual_time(scene)
