"""The turn engine's calls, on a virtual clock: each test reads like the sheet of one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.offline.virtual import Actor, Scene, Sheet, on_virtual_time

from offhook.offline.functions import Defined
from offhook.offline.plan import CallPlan
from offhook.offline.ports import (
    BrainAction,
    Called,
    CallFunctions,
    Conversation,
    FunctionSpec,
    Said,
    Say,
    SpeechMaybeOver,
    SpeechOver,
    SpeechStarted,
    Think,
)

A_WHILE = 30.0


def says(*sentences: str, after_s: float = 0.0):
    async def answer(_: Conversation) -> AsyncIterator[BrainAction]:
        for sentence in sentences:
            await asyncio.sleep(after_s)
            yield Say(sentence)

    return answer


def calls(*names: str):
    async def answer(conversation: Conversation) -> AsyncIterator[BrainAction]:
        last = conversation.history[-1]
        if isinstance(last, Called):
            yield Say(f"The answer is {last.response}.")
        else:
            yield CallFunctions([Called(f"id-{name}", name, "{}", None) for name in names])

    return answer


def with_functions(*specs: FunctionSpec) -> CallPlan:
    return CallPlan(functions={spec.name: Defined(spec) for spec in specs})


def test_a_greeting_is_spoken_and_done() -> None:
    async def scene() -> None:
        async with Scene(plan=CallPlan(greeting="Hello! How are you?")) as call:
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["assistant: Hello! How are you?", "audio 2000", "AgentAudioDone"]
            assert call.ears.audible == [True, False]

    on_virtual_time(scene)


def test_a_turn_is_user_text_then_reply() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.hears(SpeechStarted())
            assert call.does() == ["UserStartedSpeaking"]
            call.hears(SpeechOver("hello", silent_for_s=0.6, recognised_in_s=0.1))
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["user: hello", "assistant: You said hello.", "audio 1000", "AgentAudioDone"]
            kinds = [message["type"] for message in call.sheet.messages]
            assert kinds == [
                "UserStartedSpeaking",
                "ConversationText",
                "History",
                "AgentStartedSpeaking",
                "ConversationText",
                "History",
                "AgentAudioDone",
                "LatencyReport",
            ]

    on_virtual_time(scene)


def test_latencies_are_what_the_clock_says() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", after_s=0.3), voice_s=0.2)) as call:
            call.hears(SpeechStarted(), SpeechOver("x", silent_for_s=0.5, recognised_in_s=0.125))
            await asyncio.sleep(A_WHILE)
            report = call.sheet.messages[-1]
            assert report == {
                "type": "LatencyReport",
                "stt_latency": 0.125,
                "ttt_token_latency": 0.3,
                "ttt_text_latency": 0.3,
                "tts_latency": 0.2,
                "total_latency": 1.0,
            }
            started = next(m for m in call.sheet.messages if m["type"] == "AgentStartedSpeaking")
            assert (started["total_latency"], started["tts_latency"], started["ttt_latency"]) == (1.0, 0.2, 0.3)

    on_virtual_time(scene)


def test_history_is_not_sent_when_not_wanted() -> None:
    async def scene() -> None:
        async with Scene(plan=CallPlan(greeting="Hi.", history=False)) as call:
            call.engine.inject_user("hello")
            await asyncio.sleep(A_WHILE)
            assert all(message["type"] != "History" for message in call.sheet.messages)

    on_virtual_time(scene)


def test_a_speculative_reply_is_prepared_and_released_at_once() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", after_s=0.2), voice_s=0.2)) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("what time"))
            await asyncio.sleep(1)
            assert call.does() == ["UserStartedSpeaking"]
            now = asyncio.get_running_loop().time()
            call.hears(SpeechOver("What time?"))
            await asyncio.sleep(0.001)
            assert call.does() == ["user: What time?", "assistant: One.", "audio 400"]
            assert asyncio.get_running_loop().time() < now + 0.002
            assert len(call.mind.asked) == 1, "the brain was asked once, at the pause"

    on_virtual_time(scene)


def test_resumed_speech_discards_the_speculation() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("I want"))
            await asyncio.sleep(1)
            call.hears(SpeechStarted(), SpeechMaybeOver("I want a table"))
            await asyncio.sleep(1)
            call.hears(SpeechOver("I want a table"))
            await asyncio.sleep(A_WHILE)
            assert call.does() == [
                "UserStartedSpeaking",
                "UserStartedSpeaking",
                "user: I want a table",
                "assistant: You said I want a table.",
                "audio 1000",
                "AgentAudioDone",
            ]
            said = [entry.content for entry in call.mind.asked[-1].history]
            assert said == ["I want a table", "You said I want a table."], "nothing of the discarded reply is left"

    on_virtual_time(scene)


def test_a_different_final_text_is_answered_anew() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("the date"), SpeechOver("the late show"))
            await asyncio.sleep(A_WHILE)
            assert call.does()[:3] == [
                "UserStartedSpeaking",
                "user: the late show",
                "assistant: You said the late show.",
            ]

    on_virtual_time(scene)


def test_noise_is_no_turn() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.hears(SpeechStarted(), SpeechMaybeOver(""), SpeechOver(""))
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["UserStartedSpeaking"]
            assert call.mind.asked == []

    on_virtual_time(scene)


def test_audio_bursts_ahead_of_real_time_and_the_next_sentence_is_held() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", "Two."), ms=4000)) as call:
            call.hears(SpeechStarted(), SpeechOver("x"))
            start = asyncio.get_running_loop().time()
            await asyncio.sleep(1)
            assert call.does()[-1] == "audio 4000", "the whole first sentence within a second"
            await asyncio.sleep(A_WHILE)
            texts = [(line, at - start) for line, at in zip(call.sheet.lines, call.sheet.times, strict=True)]
            two = next(at for line, at in texts if line == "assistant: Two.")
            assert 3.8 < two < 4.0, "released just before the first has played"

    on_virtual_time(scene)


def test_barge_in_ends_the_turn_at_once() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", "Two.", "Three."), ms=4000)) as call:
            call.hears(SpeechStarted(), SpeechOver("x"))
            await asyncio.sleep(0.1)
            call.does()
            call.hears(SpeechStarted())
            assert call.does() == ["UserStartedSpeaking", "AgentAudioDone"]
            assert call.ears.audible == [True, False]
            await asyncio.sleep(A_WHILE)
            assert call.does() == [], "nothing of the old turn afterwards"
            assert call.mind.unfinished == 0, "the brain's generator was closed"
            call.hears(SpeechOver("stop"))
            await asyncio.sleep(0.1)
            assert call.mind.asked[-1].history[:3] == [
                Said("user", "x"),
                Said("assistant", "One.", interrupted=True),
                Said("user", "stop"),
            ]

    on_virtual_time(scene)


def test_barge_in_after_the_burst_marks_what_was_still_playing() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", "Two."), ms=1000)) as call:
            call.hears(SpeechStarted(), SpeechOver("x"))
            await asyncio.sleep(1.5)
            assert call.does()[-1] == "AgentAudioDone", "all was sent; the second sentence is still playing"
            call.hears(SpeechStarted(), SpeechOver("y"))
            await asyncio.sleep(0.1)
            assert call.does()[:2] == ["UserStartedSpeaking", "user: y"], "no second AgentAudioDone"
            assert call.mind.asked[-1].history[:4] == [
                Said("user", "x"),
                Said("assistant", "One."),
                Said("assistant", "Two.", interrupted=True),
                Said("user", "y"),
            ]

    on_virtual_time(scene)


def test_speech_that_starts_with_the_very_end_of_the_turn_brings_no_second_audio_done() -> None:
    class Tight(Sheet):
        def event(self, message: dict) -> None:
            super().event(message)
            if message["type"] == "AgentAudioDone":
                asyncio.get_running_loop().call_soon(call.hears, SpeechStarted())

    call = Scene(plan=CallPlan(greeting="Hi."), sheet=Tight())

    async def scene() -> None:
        async with call:
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["assistant: Hi.", "audio 1000", "AgentAudioDone", "UserStartedSpeaking"]

    on_virtual_time(scene)


def test_functions_are_asked_for_before_the_turn_is_confirmed() -> None:
    async def scene() -> None:
        async with Scene(Actor(calls("look")), with_functions(FunctionSpec("look"))) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(0.1)
            assert call.does() == ["UserStartedSpeaking", "FunctionCallRequest look"]
            call.engine.answer_function("id-look", "look", "42")
            await asyncio.sleep(0.1)
            assert call.sheet.messages[-1] == {
                "type": "History",
                "function_calls": [
                    {"id": "id-look", "name": "look", "client_side": True, "arguments": "{}", "response": "42"}
                ],
            }
            call.hears(SpeechOver("x"))
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["user: x", "assistant: The answer is 42.", "audio 1000", "AgentAudioDone"]

    on_virtual_time(scene)


def test_a_deferred_function_waits_for_the_turn_to_be_confirmed() -> None:
    async def scene() -> None:
        plan = with_functions(FunctionSpec("look"), FunctionSpec("book", defer_until_eot=True))
        async with Scene(Actor(calls("look", "book")), plan) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(1)
            assert call.does() == ["UserStartedSpeaking", "FunctionCallRequest look"]
            call.hears(SpeechOver("x"))
            await asyncio.sleep(0.1)
            assert call.does() == ["user: x", "FunctionCallRequest book"]
            call.engine.answer_function(None, "book", "booked")
            call.engine.answer_function("id-look", "look", "free")
            await asyncio.sleep(A_WHILE)
            assert call.does()[0] == "assistant: The answer is booked."
            assert [entry.response for entry in call.mind.asked[-1].history if isinstance(entry, Called)] == [
                "free",
                "booked",
            ]

    on_virtual_time(scene)


def test_resumed_speech_cancels_open_functions_and_late_answers_are_dropped() -> None:
    async def scene() -> None:
        async with Scene(Actor(calls("look")), with_functions(FunctionSpec("look"))) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(0.1)
            call.does()
            call.hears(SpeechStarted())
            assert call.does() == ["UserStartedSpeaking", "FunctionCallCancelled look"]
            call.engine.answer_function("id-look", "look", "too late")
            call.hears(SpeechOver(""))
            await asyncio.sleep(A_WHILE)
            assert call.does() == []

    on_virtual_time(scene)


def test_barge_in_cancels_open_functions() -> None:
    async def scene() -> None:
        async with Scene(
            Actor(calls("look", "see")), with_functions(FunctionSpec("look"), FunctionSpec("see"))
        ) as call:
            call.hears(SpeechStarted(), SpeechOver("x"))
            await asyncio.sleep(0.1)
            call.engine.answer_function("id-see", "see", "seen")
            await asyncio.sleep(0.1)
            call.does()
            call.hears(SpeechStarted())
            assert call.does() == ["UserStartedSpeaking", "FunctionCallCancelled look"], "nothing was spoken: no Done"

    on_virtual_time(scene)


def test_an_undefined_function_is_fatal() -> None:
    async def scene() -> None:
        async with Scene(Actor(calls("nothing"))) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["user: x", "Error NON_EXISTENT_FUNCTION_CALLED"]

    on_virtual_time(scene)


def test_a_brain_that_calls_without_end_is_stopped() -> None:
    async def endless(_: Conversation) -> AsyncIterator[BrainAction]:
        yield CallFunctions([Called("same", "look", "{}", None)])

    async def scene() -> None:
        async with Scene(Actor(endless), with_functions(FunctionSpec("look"))) as call:
            call.engine.inject_user("x")
            for _ in range(12):
                await asyncio.sleep(0.1)
                call.engine.answer_function("same", "look", "again")
            assert call.does()[-1] == "Error FAILED_TO_THINK"
            assert call.does() == []

    on_virtual_time(scene)


def test_a_failing_brain_and_a_failing_voice_are_errors() -> None:
    async def raises(_: Conversation) -> AsyncIterator[BrainAction]:
        yield Say("First.")
        raise RuntimeError("secret words")

    class Mute(Actor):
        async def say(self, text: str) -> AsyncIterator[bytes]:
            raise RuntimeError("secret words")
            yield b""

    async def scene() -> None:
        async with Scene(Actor(raises)) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(A_WHILE)
            assert "Error FAILED_TO_THINK" in call.does()
        async with Scene(Mute()) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["user: x", "Error FAILED_TO_SPEAK"]

    on_virtual_time(scene)


def test_a_brain_or_voice_that_hangs_is_an_error_in_the_end() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", after_s=1e6))) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(100)
            assert call.does() == ["user: x", "Error FAILED_TO_THINK"]
        async with Scene(Actor(says("One."), voice_s=1e6)) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(100)
            assert call.does() == ["user: x", "Error FAILED_TO_SPEAK"]

    on_virtual_time(scene)


def test_a_thought_is_reported_with_the_turn_and_never_before_it_is_confirmed() -> None:
    async def thoughtful(_: Conversation) -> AsyncIterator[BrainAction]:
        yield Think("Hm.")
        yield Say("Yes.")

    async def scene() -> None:
        async with Scene(Actor(thoughtful)) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(1)
            assert call.does() == ["UserStartedSpeaking"]
            call.hears(SpeechOver("x"))
            await asyncio.sleep(A_WHILE)
            assert call.does()[:3] == ["user: x", "AgentThinking", "assistant: Yes."]

    on_virtual_time(scene)


def test_injected_user_text_is_a_turn_and_interrupts() -> None:
    async def scene() -> None:
        async with Scene(plan=CallPlan(greeting="Hello there.")) as call:
            await asyncio.sleep(0.01)
            call.does()
            call.engine.inject_user("skip that")
            await asyncio.sleep(A_WHILE)
            assert call.does() == [
                "UserStartedSpeaking",
                "AgentAudioDone",
                "user: skip that",
                "assistant: You said skip that.",
                "audio 1000",
                "AgentAudioDone",
            ]

    on_virtual_time(scene)


def test_injected_agent_lines_follow_the_table() -> None:
    async def scene() -> None:
        async with Scene(Actor(ms=2000)) as call:
            assert call.engine.inject_agent("Idle.", "default") is None
            await asyncio.sleep(1)
            assert call.does() == ["assistant: Idle.", "audio 2000", "AgentAudioDone"]
            assert call.engine.inject_agent("No.", "default") == "agent", "by the server's clock it still speaks"
            assert call.engine.inject_agent("Next.", "queue") is None
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["assistant: Next.", "audio 2000", "AgentAudioDone"]
            call.hears(SpeechStarted())
            assert call.engine.inject_agent("No.", "default") == "user"
            assert call.engine.inject_agent("No.", "queue") == "user"
            assert call.engine.inject_agent("Now.", "interrupt") is None
            await asyncio.sleep(0.4)
            assert call.does() == ["UserStartedSpeaking", "assistant: Now.", "audio 2000", "AgentAudioDone"]
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["UserStartedSpeaking"], "the speech that goes on interrupts it soon"

    on_virtual_time(scene)


def test_a_line_over_a_pause_or_over_speech_that_ends_is_not_interrupted_by_it() -> None:
    async def scene() -> None:
        async with Scene(Actor(ms=2000)) as call:
            for ends in (SpeechMaybeOver("x"), SpeechOver("")):
                call.hears(SpeechStarted())
                assert call.engine.inject_agent("Now.", "interrupt") is None
                await asyncio.sleep(0.1)
                call.hears(ends)
                await asyncio.sleep(1)
                assert call.does() == ["UserStartedSpeaking", "assistant: Now.", "audio 2000", "AgentAudioDone"]
                call.hears(SpeechOver(""))
                await asyncio.sleep(A_WHILE)

    on_virtual_time(scene)


def test_queued_lines_follow_the_turn_and_are_bounded() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", "Two."), ms=1000)) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(0.1)
            taken = [call.engine.inject_agent(f"Line {n}.", "queue") for n in range(40)]
            assert taken == [None] * 32 + ["agent"] * 8
            await asyncio.sleep(3)
            lines = [line for line in call.does() if line.startswith("assistant")]
            assert lines == ["assistant: One.", "assistant: Two.", "assistant: Line 0.", "assistant: Line 1."]
            call.hears(SpeechStarted())
            await asyncio.sleep(A_WHILE)
            after = call.does()
            assert after[0] == "UserStartedSpeaking"
            assert not [line for line in after if line.startswith("assistant")], "barge-in empties the queue"

    on_virtual_time(scene)


def test_interrupt_replaces_what_is_being_said() -> None:
    async def scene() -> None:
        async with Scene(Actor(says("One.", "Two."), ms=4000)) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(0.5)
            call.does()
            assert call.engine.inject_agent("Stop.", "interrupt") is None
            await asyncio.sleep(A_WHILE)
            assert call.does() == ["AgentAudioDone", "assistant: Stop.", "audio 4000", "AgentAudioDone"]

    on_virtual_time(scene)


def test_updates_reach_the_next_turn() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.engine.set_prompt("new prompt")
            call.engine.set_think(CallPlan(prompt="desk two", functions={"f": Defined(FunctionSpec("f"))}))
            call.engine.set_speak({"type": "deepgram"})
            call.engine.set_listen({"version": "v2"})
            assert len(call.mind.ears_made) == 2, "no turn was open: new ears at once"
            await asyncio.sleep(0.01)
            assert call.mind.closed == 2, "nobody uses the old brain and the old voice"
            call.engine.inject_user("x")
            await asyncio.sleep(A_WHILE)
            assert call.mind.asked[-1].prompt == "desk two"
            assert [spec.name for spec in call.mind.asked[-1].functions] == ["f"]
            assert call.mind.ears_made[0].is_closed
            call.hears(SpeechStarted())
            call.engine.set_listen({"version": "v1"})
            assert len(call.mind.ears_made) == 2, "an open turn keeps its ears"
            call.hears(SpeechOver(""))
            assert len(call.mind.ears_made) == 3
            call.engine.force_end_turn()
            assert call.ears.forced == 1

    on_virtual_time(scene)


def test_updates_while_a_reply_is_prepared_hold_afterwards() -> None:
    async def scene() -> None:
        async with Scene() as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("one"))
            await asyncio.sleep(0.1)
            call.engine.set_think(CallPlan(prompt="desk two", functions={"f": Defined(FunctionSpec("f"))}))
            call.engine.set_prompt("desk two, verified")
            call.hears(SpeechOver("one"))
            await asyncio.sleep(A_WHILE)
            call.engine.inject_user("two")
            await asyncio.sleep(A_WHILE)
            assert call.mind.asked[-1].prompt == "desk two, verified"
            assert [spec.name for spec in call.mind.asked[-1].functions] == ["f"]

    on_virtual_time(scene)


def test_an_update_from_within_a_function_holds_for_what_follows_its_answer() -> None:
    seen = []

    async def answer(conversation: Conversation) -> AsyncIterator[BrainAction]:
        seen.append((conversation.prompt, [spec.name for spec in conversation.functions]))
        if isinstance(conversation.history[-1], Called):
            yield Say("Done.")
        else:
            yield CallFunctions([Called("c1", "old", "{}", None)])

    async def scene() -> None:
        plan = CallPlan(prompt="desk one", functions={"old": Defined(FunctionSpec("old"))})
        async with Scene(Actor(answer), plan) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(0.1)
            call.engine.set_think(CallPlan(prompt="desk two", functions={"new": Defined(FunctionSpec("new"))}))
            call.engine.answer_function("c1", "old", "ok")
            await asyncio.sleep(A_WHILE)
            assert seen == [("desk one", ["old"]), ("desk two", ["new"])]
            assert "assistant: Done." in call.does()

    on_virtual_time(scene)


@pytest.mark.parametrize("deferred", [False, True])
def test_a_function_that_was_replaced_while_it_was_wanted_is_still_asked_for(deferred: bool) -> None:
    """`UpdateThink` comes after the brain has named it and before it is asked for: the brain was told of it."""

    async def answer(conversation: Conversation) -> AsyncIterator[BrainAction]:
        if isinstance(conversation.history[-1], Called):
            yield Say("Done.")
            return
        await asyncio.sleep(0.2)
        yield CallFunctions([Called("c1", "old", "{}", None)])

    async def scene() -> None:
        plan = CallPlan(functions={"old": Defined(FunctionSpec("old", defer_until_eot=deferred))})
        async with Scene(Actor(answer), plan) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("x"))
            await asyncio.sleep(0.1)
            call.engine.set_think(CallPlan())
            await asyncio.sleep(0.2)
            call.hears(SpeechOver("x"))
            await asyncio.sleep(0.1)
            call.engine.answer_function("c1", "old", "ok")
            await asyncio.sleep(A_WHILE)
            assert "assistant: Done." in call.does()

    on_virtual_time(scene)


def test_new_ears_know_what_was_heard_and_the_old_ones_say_nothing_more() -> None:
    async def scene() -> None:
        async with Scene(Actor(ms=2000)) as call:
            call.hears(SpeechStarted(), SpeechOver("one"))
            await asyncio.sleep(0.5)
            call.engine.set_listen({"version": "v2"})
            await asyncio.sleep(0)
            assert call.ears.heard == 1
            assert call.ears.audible == [True], "they are told that the agent is speaking"
            assert call.mind.ears_made[0].is_closed

    on_virtual_time(scene)


def test_context_is_what_the_brain_remembers() -> None:
    async def scene() -> None:
        past = [Said("user", "Friday?"), Called("c", "look", "{}", "free"), Said("assistant", "Free.")]
        async with Scene(plan=CallPlan(context=past)) as call:
            call.engine.inject_user("x")
            await asyncio.sleep(0.1)
            assert call.mind.asked[0].history[:4] == [*past, Said("user", "x")]

    on_virtual_time(scene)


def test_memory_of_a_discarded_reply_is_lost_and_of_a_confirmed_one_kept() -> None:
    async def remembers(conversation: Conversation) -> AsyncIterator[BrainAction]:
        conversation.memory = (conversation.memory or 0) + 1
        yield Say(f"{conversation.memory}.")

    async def scene() -> None:
        async with Scene(Actor(remembers)) as call:
            call.hears(SpeechStarted(), SpeechMaybeOver("a"))
            await asyncio.sleep(0.1)
            call.hears(SpeechStarted(), SpeechMaybeOver("b"))
            await asyncio.sleep(0.1)
            call.hears(SpeechOver("b"))
            await asyncio.sleep(A_WHILE)
            call.engine.inject_user("c")
            await asyncio.sleep(A_WHILE)
            assert [line for line in call.does() if line.startswith("assistant")] == ["assistant: 1.", "assistant: 2."]

    on_virtual_time(scene)


def test_after_the_end_nothing_is_said() -> None:
    async def scene() -> None:
        call = Scene(Actor(says("One.", "Two."), ms=4000))
        async with call:
            call.engine.inject_user("x")
            await asyncio.sleep(0.2)
            call.does()
        call.hears(SpeechStarted(), SpeechOver("late"))
        await asyncio.sleep(A_WHILE)
        assert call.does() == []
        assert call.mind.unfinished == 0

    on_virtual_time(scene)
