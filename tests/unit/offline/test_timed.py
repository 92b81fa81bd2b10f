"""Utterances by the clock, with the turn engine on virtual time: turns, a resumption, an interruption, no audio."""

from __future__ import annotations

import asyncio

from tests.unit.offline.virtual import Sheet, on_virtual_time

from offhook.offline.engine import TurnEngine
from offhook.offline.functions import Defined
from offhook.offline.manners import Manners
from offhook.offline.plan import CallPlan
from offhook.offline.ports import FunctionSpec
from offhook.offline.script import EarsPart, Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind

SCRIPT = Script(
    ears=EarsPart(by="clock"),
    turn=[
        Turn("What is free?", calls=[ScriptedCall("look")], then=["{look}."], resumes_ms=500),
        Turn("Tell me a story.", ["Once upon a time there was a telephone.", "It never rang."]),
        Turn("Stop.", ["All right."], interrupts=True, starts_ms=400),
    ],
)


def test_a_script_by_the_clock_needs_no_audio() -> None:
    sheet = Sheet()
    plan = CallPlan(greeting="Hello.", functions={"look": Defined(FunctionSpec("look"))})

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            engine = TurnEngine(ScriptedMind(SCRIPT), plan, sheet, group.create_task, Manners())
            engine.start()
            asked = 0
            while "assistant: All right." not in sheet.lines:
                await asyncio.sleep(0.1)
                requests = [m for m in sheet.messages if m["type"] == "FunctionCallRequest"]
                if len(requests) > asked:
                    asked += 1
                    if asked == 2:
                        engine.answer_function(requests[-1]["functions"][0]["id"], "look", "Friday")
            await asyncio.sleep(5)
            await engine.close()

    on_virtual_time(scene)
    assert [line for line in sheet.does("LatencyReport", "AgentStartedSpeaking", "History") if line[:5] != "audio"] == [
        "assistant: Hello.",
        "AgentAudioDone",
        "UserStartedSpeaking",
        "FunctionCallRequest look",
        "UserStartedSpeaking",
        "FunctionCallCancelled look",
        "FunctionCallRequest look",
        "user: What is free?",
        "assistant: Friday.",
        "AgentAudioDone",
        "UserStartedSpeaking",
        "user: Tell me a story.",
        "assistant: Once upon a time there was a telephone.",
        "UserStartedSpeaking",
        "AgentAudioDone",
        "user: Stop.",
        "assistant: All right.",
        "AgentAudioDone",
    ]
