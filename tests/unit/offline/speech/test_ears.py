"""A turn in which no word is recognised is told all the same: it began, and somebody waits. No models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from offhook.offline.ports import EarEvent, SpeechOver
from offhook.offline.speech import orders, sound
from offhook.offline.speech.crew import Crew, Priority, Ticket
from offhook.offline.speech.ears import INAUDIBLE, CallerEars
from offhook.offline.speech.endpoint import Rules
from offhook.offline.speech.recognise import modern
from offhook.offline.speech.vad import LoudnessDetector
from offhook.wire import ulaw


class NoWords(Crew):
    """Recognises nothing, as the real one does with a mumble."""

    def submit(self, order: orders.Order, priority: Priority, on_result: Callable[[orders.Result], None]) -> Ticket:
        ticket = Ticket(self, order, priority, on_result)
        asyncio.get_running_loop().call_soon(ticket.tell, orders.Recognised(""))
        return ticket


@pytest.mark.parametrize("spoken_ms", [900, 120])
async def test_a_turn_without_words_is_told_as_one(spoken_ms: int) -> None:
    over = asyncio.get_running_loop().create_future()

    def take(event: EarEvent) -> None:
        if isinstance(event, SpeechOver) and not over.done():
            over.set_result(event.text)

    ears = CallerEars(take, LoudnessDetector(), NoWords("ears", 1, lambda _: None), Rules())
    mumble = np.random.default_rng(1).normal(0, 0.2, spoken_ms * ulaw.BYTES_PER_MS).astype(np.float32)
    ears.hear(ulaw.silence(300) + sound.to_ulaw(mumble))
    for _ in range(100):
        ears.hear(ulaw.silence(32))
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert await over == INAUDIBLE
    await ears.close()


def test_old_spellings_are_written_as_they_are_today() -> None:
    said = modern("To-day, to-morrow or to-night? No, thank you, good-by.")
    assert said == "Today, tomorrow or tonight? No, thank you, goodbye."
    assert modern("Good-bye. A by-law.") == "Goodbye. A by-law."
