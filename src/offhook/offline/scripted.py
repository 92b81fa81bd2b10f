"""The scripted mind: deterministic ears, brain and voice that need no model. Imports nothing heavy.

What it hears, says and sounds like comes from a `Script`; `offhook.offline.script` documents the file.
"""

from __future__ import annotations

import asyncio
import functools
import json
import math
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from offhook.offline.energy import EnergyEars, Hearing
from offhook.offline.ports import (
    BrainAction,
    Called,
    CallFunctions,
    Conversation,
    EarEvent,
    Ears,
    Said,
    Say,
    Think,
)
from offhook.offline.script import DEFAULT, Script, Turn, load_recordings, load_script, words
from offhook.offline.timed import TimedEars, Utterance
from offhook.wire import ulaw

#: Audio is given out in pieces of this length.
CHUNK_BYTES: Final = 1600
_SHORTEST_MS: Final = 300
_RISE_HZ_PER_S: Final = 9.0
#: The vendor's default of `eot_timeout_ms`, and the `eot_threshold` that turns confidence off.
EOT_TIMEOUT_MS: Final = 5000
NEVER_CONFIDENT: Final = 1.0


class ScriptedMind:
    """A `Mind` that plays a script. ``recordings``: sentence → raw µ-law, spoken instead of the tone."""

    def __init__(self, script: Script = DEFAULT, recordings: Mapping[str, bytes] | None = None) -> None:
        self.script = script
        self._recordings = {words(sentence): audio for sentence, audio in (recordings or {}).items()}

    @classmethod
    def from_file(cls, path: Path) -> ScriptedMind:
        """Read a script file. Raises `ConfigError`."""
        return cls(*load_script(path))

    @classmethod
    def from_recordings(cls, script: Script, folder: Path) -> ScriptedMind:
        """Play ``script`` with a folder of recorded sentences. Raises `ConfigError`."""
        return cls(script, load_recordings(folder))

    @property
    def greeting(self) -> str:
        """Return what the script says first, for servers that speak it when the Settings have no greeting."""
        return self.script.greeting

    async def start(self) -> None:
        """Build the µ-law table, so that the first sentence of the first call does not wait for it."""
        ulaw.encode_table()

    def ears(self, on_event: Callable[[EarEvent], None], listen: Mapping[str, Any], heard: int = 0) -> Ears:
        """Make ears that recognise the script's utterances in order, from the one after the ``heard`` first."""
        part = self.script.ears
        hearing = Hearing(part.onset_ms, part.eager_ms, _confirm_ms(part.confirm_ms, listen), part.level)
        if part.by == "clock":
            return TimedEars(on_event, self._timed, hearing, heard)
        return EnergyEars(on_event, self._utterance, hearing, heard)

    def brain(self, settings: Mapping[str, Any]) -> ScriptedBrain:  # noqa: ARG002
        """Make a brain that answers by the script."""
        return ScriptedBrain(self.script)

    def voice(self, speak: Mapping[str, Any]) -> ScriptedVoice:  # noqa: ARG002
        """Make a voice of recordings and tones."""
        return ScriptedVoice(self._recordings, self.script.voice.ms_per_character)

    async def close(self) -> None:
        """Nothing to stop."""

    def _timed(self, n: int) -> Utterance | None:
        if n >= len(self.script.turn):
            return None
        turn = self.script.turn[n]
        return Utterance(turn.hears, turn.starts_ms, turn.lasts_ms, turn.interrupts, turn.resumes_ms)

    def _utterance(self, n: int) -> str:
        turns = self.script.turn
        return turns[n].hears if n < len(turns) else self.script.otherwise.hears.replace("{n}", str(n + 1))


class ScriptedBrain:
    """Finds the turn of what was said and plays it."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
        """Yield the turn's thought, sentences and calls; after the calls, what follows from the answers."""
        turn, n = self._turn(conversation)
        last = conversation.history[-1] if conversation.history else None
        if isinstance(last, Called):
            for sentence in turn.then:
                yield Say(_filled(sentence, conversation))
            return
        await asyncio.sleep(turn.after_ms / 1000)
        if turn.thinks:
            yield Think(turn.thinks)
        for sentence in turn.says:
            yield Say(sentence.replace("{n}", str(n)))
        if turn.calls:
            yield CallFunctions([Called(call.id, call.name, json.dumps(call.arguments), None) for call in turn.calls])

    async def close(self) -> None:
        """Nothing to free."""

    def _turn(self, conversation: Conversation) -> tuple[Turn, int]:
        """Return the turn of the last thing the user said, and how often the user has spoken."""
        said = [
            words(entry.content) for entry in conversation.history if isinstance(entry, Said) and entry.role == "user"
        ]
        if not said:
            return Turn(), 0
        matching = [turn for turn in self._script.turn if words(turn.hears) == said[-1]]
        if not matching:
            return self._script.otherwise, len(said)
        return matching[min(said.count(said[-1]), len(matching)) - 1], len(said)


class ScriptedVoice:
    """Speaks a recording where there is one, else a tone whose pitch and length follow the sentence."""

    def __init__(self, recordings: Mapping[str, bytes], ms_per_character: float) -> None:
        self._recordings = recordings
        self._ms_per_character = ms_per_character

    async def say(self, text: str) -> AsyncIterator[bytes]:
        """Yield the sentence in pieces."""
        audio = self._recordings.get(words(text))
        if audio is None:
            audio = tone(text, self._ms_per_character)
        for start in range(0, len(audio), CHUNK_BYTES):
            yield audio[start : start + CHUNK_BYTES]
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Nothing to free."""


@functools.lru_cache(maxsize=256)
def tone(text: str, ms_per_character: float = 55.0) -> bytes:
    """Return the tone that stands for a sentence: 8 kHz µ-law, whole frames, never silent, always the same.

    It rises slowly, so that no stretch of it is like another: who follows sound by its content is not misled.
    """
    frames = max(_SHORTEST_MS, int(len(text) * ms_per_character)) // ulaw.FRAME_MS
    pitch = 280 + zlib.crc32(text.encode()) % 480
    table = ulaw.encode_table()
    samples = []
    for n in range(frames * ulaw.FRAME_BYTES):
        at_s = n / ulaw.RATE_HZ
        swell = 0.6 + 0.4 * math.sin(math.tau * 4 * at_s)
        samples.append(table[int(9000 * swell * math.sin(math.tau * (pitch + _RISE_HZ_PER_S * at_s) * at_s)) & 0xFFFF])
    return bytes(samples)


def _confirm_ms(confirm_ms: int, listen: Mapping[str, Any]) -> int:
    """Return how much silence ends a turn: never more than `eot_timeout_ms`, and that where confidence does not."""
    limit_ms = int(listen.get("eot_timeout_ms", EOT_TIMEOUT_MS))
    return limit_ms if listen.get("eot_threshold") == NEVER_CONFIDENT else min(confirm_ms, limit_ms)


def _filled(sentence: str, conversation: Conversation) -> str:
    for entry in conversation.history:
        if isinstance(entry, Called):
            sentence = sentence.replace("{" + entry.name + "}", entry.response or "")
    return sentence
