"""The scenario file: what a simulated caller does, in TOML or JSON. Reads and checks; speaks nothing itself.

::

    title = "Asks for the opening hours"

    [[steps]]
    do = "wait_for_agent"

    [[steps]]
    do = "say"
    text = "When are you open on Sunday?"

    [[steps]]
    do = "wait_for_agent"

    [[steps]]
    do = "hang_up"

Texts become audio through a voice that the caller of `prepare` brings; recordings are read from beside the file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from offhook.sim.audio_file import AudioFileError, read_ulaw
from offhook.sim.caller import (
    Beep,
    HangUp,
    Interrupt,
    LoseLine,
    Pause,
    Press,
    Say,
    Step,
    WaitForAgent,
    WaitForHangUp,
)

Speak = Callable[[str], Awaitable[bytes]]
#: Steps of one file.
STEPS: Final = 500
FILE_BYTES: Final = 1024 * 1024

_Seconds = Annotated[float, Meta(gt=0, le=3600)]
_Ms = Annotated[float, Meta(ge=0, le=600_000)]
_Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    pass


class WaitForAgentStep(_Strict, frozen=True, tag="wait_for_agent"):
    """Listen until the agent has spoken and was then silent for `quiet_ms`. Nothing within `timeout_s`: give up."""

    quiet_ms: _Ms = 800.0
    timeout_s: _Seconds = 15.0


class SayStep(_Strict, frozen=True, tag="say"):
    """Speak a `text`, or the recording `audio` (WAV or .ulaw, relative to the scenario file)."""

    text: _Text | None = None
    audio: _Text | None = None


class InterruptStep(_Strict, frozen=True, tag="interrupt"):
    """Speak as soon as the agent has been heard for `after_ms`."""

    after_ms: _Ms
    text: _Text | None = None
    audio: _Text | None = None
    timeout_s: _Seconds = 15.0


class PressStep(_Strict, frozen=True, tag="press"):
    """Press keys."""

    digits: Annotated[str, Meta(pattern="^[0-9*#A-D]{1,64}$")]
    gap_ms: _Ms = 200.0


class PauseStep(_Strict, frozen=True, tag="pause"):
    """Be silent."""

    seconds: _Seconds


class HangUpStep(_Strict, frozen=True, tag="hang_up"):
    """End the call. The end of the file does the same."""


class WaitForHangUpStep(_Strict, frozen=True, tag="wait_for_hang_up"):
    """Expect the server to end the call."""

    timeout_s: _Seconds = 20.0


class BeepStep(_Strict, frozen=True, tag="beep"):
    """Beep, as a voicemail does after its greeting."""

    hz: Annotated[float, Meta(ge=100, le=3900)] = 1000.0
    ms: _Ms = 500.0


class LoseLineStep(_Strict, frozen=True, tag="lose_line"):
    """Lose the network: nothing of the caller arrives any more, and nobody says so."""


FileStep = (
    WaitForAgentStep
    | SayStep
    | InterruptStep
    | PressStep
    | PauseStep
    | HangUpStep
    | WaitForHangUpStep
    | BeepStep
    | LoseLineStep
)


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"caller": "from"}):
    """One scenario file. `from` and `to` are the numbers of the call, `parameters` the stream's custom parameters."""

    steps: Annotated[list[FileStep], Meta(min_length=1, max_length=STEPS)]
    title: _Text = "A call"
    caller: _Text | None = None
    to: _Text | None = None
    parameters: dict[str, str] = {}


class ScenarioError(ValueError):
    """The file is not a scenario. The text says where and why."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, for editors."""
    return msgspec.json.schema(Scenario)


def load(path: Path) -> Scenario:
    """Read a scenario file, `.toml` or `.json`. Raises `ScenarioError` or `OSError`."""
    if path.stat().st_size > FILE_BYTES:
        raise ScenarioError(f"{path.name}: a scenario has at most {FILE_BYTES >> 20} MiB")
    content = path.read_bytes()
    try:
        raw = msgspec.json.decode(content) if path.suffix.lower() == ".json" else tomllib.loads(content.decode())
        scenario = msgspec.convert(raw, Scenario)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path.name}: {_plain(str(error))}") from None
    for number, step in enumerate(scenario.steps, 1):
        if isinstance(step, SayStep | InterruptStep) and (step.text is None) == (step.audio is None):
            raise ScenarioError(f"{path.name}: step {number} needs either `text` or `audio`")
    return scenario


async def prepare(scenario: Scenario, speak: Speak, folder: Path) -> list[Step]:
    """Return the steps with their audio. Raises `ScenarioError` for a recording that cannot be read."""
    return [await _prepared(step, speak, folder) for step in scenario.steps]


async def _prepared(step: FileStep, speak: Speak, folder: Path) -> Step:
    match step:
        case WaitForAgentStep():
            return WaitForAgent(step.quiet_ms, step.timeout_s)
        case SayStep():
            return Say(await _audio(step, speak, folder), step.text or "")
        case InterruptStep():
            return Interrupt(step.after_ms, await _audio(step, speak, folder), step.text or "", step.timeout_s)
        case PressStep():
            return Press(step.digits, step.gap_ms)
        case PauseStep():
            return Pause(step.seconds)
        case HangUpStep():
            return HangUp()
        case WaitForHangUpStep():
            return WaitForHangUp(step.timeout_s)
        case BeepStep():
            return Beep(step.hz, step.ms)
        case LoseLineStep():
            return LoseLine()


async def _audio(step: SayStep | InterruptStep, speak: Speak, folder: Path) -> bytes:
    if step.text is not None:
        return await speak(step.text)
    assert step.audio is not None
    try:
        return read_ulaw(folder / step.audio)
    except (AudioFileError, OSError) as error:
        raise ScenarioError(f"audio `{step.audio}`: {error}") from None


def _plain(message: str) -> str:
    """Say the decoder's message with the step counted from one and, for a misspelt word, what was probably meant."""
    words = {field for kind in FileStep.__args__ for field in kind.__struct_fields__}
    words |= {kind.__struct_config__.tag for kind in FileStep.__args__} | set(Scenario.__struct_encode_fields__)
    message = re.sub(r"`\$\.steps\[(\d+)\](\.\w+)?`", lambda at: f"step {int(at[1]) + 1}{at[2] or ''}", message)
    for quoted in re.findall(r"[`'](\w+)[`']", message):
        near = difflib.get_close_matches(quoted, words, 1, 0.75)
        if near and quoted not in words:
            return f"{message} (did you mean `{near[0]}`?)"
    return message
