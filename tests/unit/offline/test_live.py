"""Think Live as far as time alone decides it, on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.offline.test_engine import calls
from tests.unit.offline.virtual import Actor, Scene, on_virtual_time

from offhook.offline.functions import Defined
from offhook.offline.live import FILLER_LINES, PRESENCE_LINE, Filling
from offhook.offline.plan import CallPlan
from offhook.offline.ports import FunctionSpec, SpeechMaybeOver, SpeechOver, SpeechStarted


def live(**provider: Any) -> dict[str, Any]:
    return {"think_live": {"provider": {"type": "deepgram", "version": "v1", **provider}}}


def behaviours(call: Scene) -> list[tuple[str, str]]:
    texts = [message for message in call.sheet.messages if message["type"] == "ConversationText"]
    return [(text["content"], text["conversational_behavior"]) for text in texts if text["role"] == "assistant"]


def test_a_silent_caller_is_asked_so_often_and_then_left_alone() -> None:
    async def scene() -> None:
        plan = CallPlan(agent=live(presence_check_max_count=2, presence_check_interval_ms=1000), greeting="Hello.")
        async with Scene(Actor(ms=1000), plan) as call:
            await asyncio.sleep(3.9)
            assert behaviours(call) == [("Hello.", "default")], "the first one never comes before 3 s of silence"
            await asyncio.sleep(1)
            assert behaviours(call)[1:] == [(PRESENCE_LINE, "presence_check")]
            await asyncio.sleep(100)
            assert behaviours(call)[1:] == [(PRESENCE_LINE, "presence_check")] * 2
            call.hears(SpeechStarted(), SpeechOver("yes"))
            await asyncio.sleep(100)
            assert len(behaviours(call)) == 1 + 2 + 1 + 2, "who answers is asked again later"

    on_virtual_time(scene)


def test_nobody_is_asked_while_a_turn_is_open_or_where_it_is_off() -> None:
    async def scene() -> None:
        async with Scene(plan=CallPlan(agent=live(presence_check_max_count=1))) as call:
            call.hears(SpeechStarted())
            await asyncio.sleep(60)
            assert behaviours(call) == []
            call.hears(SpeechOver(""))
            await asyncio.sleep(60)
            assert len(behaviours(call)) == 1
            call.engine.set_live(live(presence_check_max_count=3, presence_check_interval_ms=0)["think_live"])
            await asyncio.sleep(60)
            assert len(behaviours(call)) == 3
            call.engine.set_live(live()["think_live"])
            call.hears(SpeechStarted(), SpeechOver(""))
            await asyncio.sleep(60)
            assert len(behaviours(call)) == 3
        async with Scene() as call:
            await asyncio.sleep(60)
            assert behaviours(call) == []

    on_virtual_time(scene)


def test_a_function_that_takes_long_is_filled_in() -> None:
    async def scene() -> None:
        filling = Filling(at_once=True, more=2, every_s=5)
        plan = CallPlan(functions={"look": Defined(FunctionSpec("look"), filling=filling)})
        async with Scene(Actor(calls("look"), ms=1000), plan) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(3)
            assert behaviours(call) == [], "not before the turn is confirmed"
            call.hears(SpeechOver("x"))
            await asyncio.sleep(1)
            assert behaviours(call) == [(FILLER_LINES[0], "filler")]
            await asyncio.sleep(6)
            assert behaviours(call)[1:] == [(FILLER_LINES[1], "filler")]
            call.engine.answer_function("id-look", "look", "fine")
            await asyncio.sleep(60)
            assert behaviours(call)[2:] == [("The answer is fine.", "default")]
            assert call.does().count("AgentAudioDone") == 1, "it is all one turn"

    on_virtual_time(scene)


def test_a_caller_who_speaks_ends_the_filling_too() -> None:
    async def scene() -> None:
        plan = CallPlan(functions={"look": Defined(FunctionSpec("look"), filling=Filling(more=5, every_s=1))})
        async with Scene(Actor(calls("look"), ms=1000), plan) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(1.5)
            call.hears(SpeechStarted())
            await asyncio.sleep(60)
            assert behaviours(call) == [(FILLER_LINES[1], "filler")]
            assert "FunctionCallCancelled look" in call.does()

    on_virtual_time(scene)
