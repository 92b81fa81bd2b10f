"""The steps of a simulated caller as a file has them. Not the file itself: that is `offhook.scenario`. Speaks nothing.

Texts become audio through a voice that the caller of `prepare` brings; recordings are read from beside the file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

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
    ReadSlowly,
    Say,
    SendFrame,
    Step,
    WaitForAgent,
    WaitForHangUp,
)

Speak = Callable[[str], Awaitable[bytes]]
#: Steps of one file.
STEPS: Final = 500

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


class SendFrameStep(_Strict, frozen=True, tag="send_frame"):
    """Send on the stream what Twilio never sends, `times` times. `{streamSid}` is filled in."""

    text: Annotated[str, Meta(max_length=4000)]
    as_binary: bool = False
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


class ReadSlowlyStep(_Strict, frozen=True, tag="read_slowly"):
    """Twilio's side takes no more than this from the server."""

    bytes_per_s: Annotated[float, Meta(gt=0)]


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
    | SendFrameStep
    | ReadSlowlyStep
)


class StepError(ValueError):
    """A step cannot be taken as it is written. The text says which and why."""


async def prepare(steps: Sequence[FileStep], speak: Speak, folder: Path) -> list[Step]:
    """Return the steps with their audio. Raises `StepError` for a recording that cannot be read."""
    return [await _prepared(step, speak, folder) for step in steps]


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
        case SendFrameStep():
            return SendFrame(step.text, step.as_binary, step.times)
        case ReadSlowlyStep():
            return ReadSlowly(step.bytes_per_s)


async def _audio(step: SayStep | InterruptStep, speak: Speak, folder: Path) -> bytes:
    if step.text is not None:
        return await speak(step.text)
    assert step.audio is not None
    try:
        audio = read_ulaw(folder / step.audio)
    except AudioFileError as error:
        raise StepError(f"audio `{step.audio}`: {error}") from None
    except OSError as error:
        raise StepError(f"audio `{step.audio}`: {error.strerror or 'it cannot be read'}") from None
    if not audio:
        raise StepError(f"audio `{step.audio}`: there is no sound in it")
    return audio
