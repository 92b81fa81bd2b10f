"""The speaking mind whole: a synthesised caller speaks over µ-law, real workers recognise, nothing is mocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pytest
import pytest_asyncio

from offhook.offline.ports import EarEvent, SpeechMaybeOver, SpeechOver, SpeechStarted
from offhook.offline.speech import sound
from offhook.offline.speech.dialogue.numbers import with_figures
from offhook.offline.speech.mind import SpeakingMind
from offhook.wire import ulaw

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]

DEADLINE_S = 90.0
LINES = (
    "What time do you open on Saturday?",
    "And where exactly are you located?",
    "I would like to book an appointment.",
    "Next Friday, please.",
    "Half past three would be great.",
    "My name is Alice Brown.",
    "Yes, that is correct.",
    "No, Thursday.",
    "Can you repeat that, please?",
    "I need to reschedule my appointment.",
    "Can I leave a message?",
    "Please call me back tomorrow morning.",
    "Hold on a second.",
    "How are you today?",
    "Do you have free parking?",
    "I want to talk to a human.",
    "How much does a cleaning cost?",
    "Could you cancel my appointment on Monday?",
    "That is all, thank you very much.",
    "Goodbye.",
)


class Call:
    """One call's ears, fed faster than real time: the ears' clock is the audio."""

    def __init__(self, mind: SpeakingMind, listen: dict[str, object] | None = None) -> None:
        self.events: list[EarEvent] = []
        self.over = asyncio.Event()
        self.ears = mind.ears(self._take, listen or {})

    def _take(self, event: EarEvent) -> None:
        self.events.append(event)
        if isinstance(event, SpeechOver):
            self.over.set()

    def hears(self, *audio: bytes) -> None:
        for piece in audio:
            for at in range(0, len(piece), 160):
                self.ears.hear(piece[at : at + 160])

    async def turn(self, *audio: bytes) -> str:
        self.over.clear()
        self.hears(*audio)
        async with asyncio.timeout(DEADLINE_S):
            await self.over.wait()
        last = self.events[-1]
        assert isinstance(last, SpeechOver)
        return last.text

    def kinds(self) -> list[type[EarEvent]]:
        return [type(event) for event in self.events]


def normal(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in with_figures(text)).split())


@pytest.fixture
def audio_is_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a slow recogniser without taking the wait for a line that stopped sending."""
    monkeypatch.setattr("offhook.offline.speech.ears._GAP_S", DEADLINE_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offhook_shared_mind() -> AsyncIterator[SpeakingMind]:
    mind = SpeakingMind()
    async with asyncio.timeout(DEADLINE_S):
        await mind.start()
    yield mind
    await mind.close()


@pytest.mark.usefixtures("audio_is_the_clock")
async def test_twenty_caller_lines_come_back_as_text(offhook_shared_mind: SpeakingMind) -> None:
    mind, wrong = offhook_shared_mind, []
    call = Call(mind)
    for line in LINES:
        audio = await mind.synthesise_line(line, caller=True)
        heard = await call.turn(ulaw.silence(400), audio, ulaw.silence(1500))
        if normal(heard) != normal(line):
            wrong.append((line, heard))
    await call.ears.close()
    assert len(wrong) <= 3, wrong
    # A new turn after every line, and nothing between them.
    assert call.kinds().count(SpeechOver) == len(LINES)


@pytest.mark.usefixtures("audio_is_the_clock")
async def test_the_agents_own_voice_is_understood_too(offhook_shared_mind: SpeakingMind) -> None:
    call = Call(offhook_shared_mind)
    pieces = [p async for p in offhook_shared_mind.voice({}).say("We are open on Saturday from nine until one.")]
    heard = await call.turn(ulaw.silence(300), *pieces, ulaw.silence(1200))
    await call.ears.close()
    assert normal(heard) == "we are open on saturday from 9 until 1"


async def test_audio_is_trimmed_and_loud_enough(offhook_shared_mind: SpeakingMind) -> None:
    for caller in (False, True):
        line = await offhook_shared_mind.synthesise_line("Good morning, how are you?", caller=caller)
        start, end = sound.audible_span(sound.from_ulaw(line), -45.0)
        assert start <= 25 * ulaw.BYTES_PER_MS
        assert len(line) - end <= 60 * ulaw.BYTES_PER_MS
        assert -26 < ulaw.level_dbfs(line) < -12


def tones(*hertz: float, seconds: float = 3.0, level: float = 0.2) -> np.ndarray:
    at = np.arange(int(seconds * 8000)) / 8000
    return sum((level * np.sin(2 * np.pi * hz * at) for hz in hertz), np.zeros(len(at)))


def noises() -> Iterable[tuple[str, np.ndarray]]:
    random = np.random.default_rng(7)
    beats = np.floor(np.arange(24000) / 1200) % 2 == 0
    yield "silence", np.zeros(24000)
    yield "hum", tones(50, 100, 150, level=0.05)
    yield "hiss", random.normal(0, 0.01, 24000)
    yield "loud hiss", random.normal(0, 0.1, 24000)
    yield "dial tone", tones(350, 440)
    yield "fax", tones(2100)
    for low, high in ((697, 1209), (770, 1336), (852, 1477), (941, 1336)):
        yield f"DTMF {low}", tones(low, high) * beats


async def test_silence_hum_dtmf_and_hiss_give_no_turn(offhook_shared_mind: SpeakingMind) -> None:
    for name, noise in noises():
        call = Call(offhook_shared_mind)
        call.hears(sound.to_ulaw(noise.astype(np.float32)), ulaw.silence(1500))
        await call.ears.close()
        assert call.events == [], name


@pytest.mark.usefixtures("audio_is_the_clock")
async def test_a_caller_who_pauses_in_mid_sentence_has_one_turn(offhook_shared_mind: SpeakingMind) -> None:
    mind = offhook_shared_mind
    first = await mind.synthesise_line("I would like to book an appointment for", caller=True)
    second = await mind.synthesise_line("next Friday.", caller=True)
    call = Call(mind)
    call.hears(ulaw.silence(300), first, ulaw.silence(350))
    async with asyncio.timeout(DEADLINE_S):
        while SpeechMaybeOver not in call.kinds():  # noqa: ASYNC110  # polls a fact
            await asyncio.sleep(0.01)
    heard = await call.turn(ulaw.silence(350), second, ulaw.silence(1500))
    await call.ears.close()
    assert call.kinds() == [SpeechStarted, SpeechMaybeOver, SpeechStarted, SpeechMaybeOver, SpeechOver] or (
        call.kinds() == [SpeechStarted, SpeechMaybeOver, SpeechStarted, SpeechOver]
    )
    assert normal(heard).startswith("i would like to book")
    assert "friday" in normal(heard)


async def test_barge_in_is_seen_while_the_recogniser_is_busy(offhook_shared_mind: SpeakingMind) -> None:
    mind = offhook_shared_mind
    long = await mind.synthesise_line(" ".join(LINES[:8]), caller=True)
    others = [Call(mind) for _ in range(4)]
    for other in others:
        other.hears(long, ulaw.silence(900))
        other.ears.force_end()
    word = await mind.synthesise_line("Stop.", caller=True)
    call = Call(mind)
    call.ears.agent_speaks(True)
    call.hears(ulaw.silence(300), word[: 250 * ulaw.BYTES_PER_MS])
    assert call.kinds() == [SpeechStarted]  # in the same callback, not behind four recognitions
    await call.ears.close()
    for other in others:
        await other.ears.close()


@pytest.mark.usefixtures("audio_is_the_clock")
async def test_force_end_ends_the_turn_with_what_was_said(offhook_shared_mind: SpeakingMind) -> None:
    mind = offhook_shared_mind
    line = await mind.synthesise_line("What time do you open on Saturday?", caller=True)
    call = Call(mind, {"eot_threshold": 1.0})
    call.hears(ulaw.silence(300), line, ulaw.silence(1500))
    assert SpeechOver not in call.kinds()
    call.ears.force_end()
    async with asyncio.timeout(DEADLINE_S):
        await call.over.wait()
    await call.ears.close()
    over = call.events[-1]
    assert isinstance(over, SpeechOver)
    assert normal(over.text) == "what time do you open on saturday"
    assert over.silent_for_s > 1.0


async def test_a_line_that_stops_sending_ends_its_turn(offhook_shared_mind: SpeakingMind) -> None:
    mind = offhook_shared_mind
    line = await mind.synthesise_line("Yes, please.", caller=True)
    call = Call(mind)
    assert normal(await call.turn(ulaw.silence(300), line)) == "yes please"
    await call.ears.close()
