"""Scripts of the scripted mind: what is recognised, what is answered, how it sounds. Reads files; plays nothing.

A script is TOML or JSON, every key optional::

    greeting = "Hello, this is the offline agent."     # spoken when the Settings give none

    [ears]                  # milliseconds of audio; level is a sample's magnitude of 32,768
    onset_ms = 60
    eager_ms = 300
    confirm_ms = 700
    level = 600
    by = "loudness"         # or "clock": the caller speaks when the script says, whatever audio comes

    [voice]
    ms_per_character = 55   # length of the tone that stands for a sentence
    dir = "recordings"      # a folder of raw 8 kHz µ-law files; beside the script
    [voice.files]           # sentence → file; without an entry the file is the sentence in lower case with dashes
    "We are open from nine to five." = "hours.ulaw"

    [[turn]]                # the n-th utterance of a call is the n-th turn
    hears = "What are your opening hours?"
    says = ["We are open from nine to five.", "On Saturdays until noon."]
    thinks = "They want the hours."        # sent as AgentThinking
    after_ms = 0                           # how long the brain takes
    calls = [{ name = "find_slots", arguments = { date = "2026-11-27" }, id = "call_1" }]
    then = ["The answer is {find_slots}."]  # said when all calls are answered; {name}: that function's answer
    starts_ms = 1000        # by the clock: so long after the agent fell silent,
    lasts_ms = 1500         # so long,
    interrupts = false      # true: so long after the agent became audible instead;
    resumes_ms = 0          # after a pause of so long it goes on: what was prepared is dropped, functions are cancelled

    [otherwise]             # for utterances beyond the last turn, and for injected text that is no turn's
    hears = "Utterance {n}."
    says = ["I heard utterance {n}."]

Text that was injected, or recognised by other ears, finds its turn by its words. Unknown keys are errors. The same file
may say how the server behaves and what goes wrong: `offhook.offline.behaviour`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from offhook.errors import ConfigError
from offhook.offline.behaviour import TABLES, Behaviour, behaviour, read_tree, reason

_NO_WORD = re.compile(r"[^a-z0-9]+")


class ScriptedCall(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A function the script calls."""

    name: str
    arguments: dict[str, Any] = {}
    id: str = ""


class Turn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One utterance of the caller and the agent's turn that follows."""

    hears: str = ""
    says: list[str] = []
    thinks: str = ""
    after_ms: int = 0
    calls: list[ScriptedCall] = []
    then: list[str] = []
    starts_ms: int = 1000
    lasts_ms: int = 1500
    interrupts: bool = False
    resumes_ms: int = 0


class EarsPart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """See `offhook.offline.energy.Hearing`."""

    onset_ms: int = 60
    eager_ms: int = 300
    confirm_ms: int = 700
    level: int = 600
    by: Literal["loudness", "clock"] = "loudness"


class VoicePart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How sentences sound."""

    ms_per_character: float = 55.0
    dir: str = ""
    files: dict[str, str] = {}


class Script(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole script. ``recordings`` maps a sentence (see `words`) to raw µ-law; it is not in the file."""

    greeting: str = ""
    ears: EarsPart = EarsPart()
    voice: VoicePart = VoicePart()
    turn: list[Turn] = []
    otherwise: Turn = Turn("Utterance {n}.", ["I heard utterance {n}."])


DEFAULT = Script(
    greeting="Hello, this is the scripted agent. How can I help you?",
    turn=[
        Turn("What are your opening hours?", ["We are open from nine to five.", "On Saturdays we close at noon."]),
        Turn("Where are you?", ["We are at twelve Harbour Street, next to the post office."]),
        Turn("Can I make an appointment?", ["Of course.", "Tuesday at ten is free, and so is Thursday at three."]),
        Turn("Goodbye.", ["Thank you for calling. Goodbye."]),
    ],
)


def words(text: str) -> str:
    """Return the words of a sentence in lower case joined by dashes: how sentences are compared and files named."""
    return _NO_WORD.sub("-", text.casefold().replace("'", "").replace("’", "")).strip("-")


def load_script(path: Path) -> tuple[Script, dict[str, bytes]]:
    """Read a script and its recordings; tables of behaviour beside it are left alone (`load_behaviour_of`).

    Raises `ConfigError` that names the file and the place.
    """
    try:
        script = msgspec.convert({k: v for k, v in read_tree(path).items() if k not in TABLES}, Script)
    except (OSError, ValueError) as error:
        raise ConfigError([f"script {path.name}: {reason(error)}"]) from None
    return script, load_recordings(path.parent / script.voice.dir, script.voice.files) if script.voice.dir else {}


def load_behaviour_of(path: Path) -> Behaviour:
    """Read the tables of behaviour in a script's file. Raises `ConfigError`."""
    try:
        return behaviour({name: table for name, table in read_tree(path).items() if name in TABLES})
    except (OSError, ValueError) as error:
        raise ConfigError([f"script {path.name}: {reason(error)}"]) from None


def load_recordings(folder: Path, files: dict[str, str] | None = None) -> dict[str, bytes]:
    """Read raw µ-law files: every ``*.ulaw`` under its own name, and ``files`` (sentence → file) under the sentence.

    A ``lines.json`` in the folder (an object of sentence → file) counts as ``files`` too. Raises `ConfigError`.
    """
    try:
        found = {words(file.stem): file.read_bytes() for file in sorted(folder.glob("*.ulaw"))}
        listed = folder / "lines.json"
        named = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
        for sentence, file in {**_flat(named), **(files or {})}.items():
            found[words(sentence)] = (folder / file).read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigError([f"recordings in {folder.name}: {reason(error)}"]) from None
    return found


def _flat(tree: Any) -> dict[str, str]:
    """Return every sentence → ``*.ulaw`` pair of a JSON tree, however it is grouped."""
    pairs: dict[str, str] = {}
    if isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(value, str) and value.endswith(".ulaw"):
                pairs[key] = value
            else:
                pairs.update(_flat(value))
    return pairs
