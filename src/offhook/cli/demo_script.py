"""What is said in `offhook demo`: the caller's lines, the agent's profile, the recordings. Plays nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.config.agent import AgentProfile
    from offhook.offline.scripted import ScriptedMind
    from offhook.sim.caller import Step

_GREETING = "Thank you for calling Larkfield Dental. How can I help you?"
_PROMPT = """You answer the telephone of Larkfield Dental, a dental practice. Answer in one or two short sentences.
Hours: Monday to Friday from 8:30 to 18:00, Saturday from 9:00 to 13:00, closed on Sunday.
Address: 14 Willow Street, across from the public library, with free parking behind the house."""
#: The caller's lines. The one after a number of ms interrupts the answer to the line before it, and not in a pause of
#: it: the agent's next breath is at 3.0 s, and a slow machine comes up to half a second late.
_LINES: tuple[str | tuple[float, str], ...] = (
    "Hello, when are you open?",
    (2300.0, "Sorry, I only need Saturday."),
    "And where can I find you?",
    "Can I book a cleaning for Alice Brown on Thursday at half past three?",
    "Yes, please.",
    "No thank you, goodbye.",
)


@dataclass(frozen=True, slots=True)
class DemoScript:
    """The demo's conversation."""

    lines: tuple[str | tuple[float, str], ...] = _LINES

    @property
    def utterances(self) -> int:
        """How many times the caller speaks."""
        return len(self.lines)

    def profile(self) -> AgentProfile:
        """Return the agent that answers."""
        from offhook.config.agent import AgentProfile

        return AgentProfile(greeting=_GREETING, prompt=_PROMPT)

    async def steps(self, speak: Callable[[str], Awaitable[bytes]]) -> list[Step]:
        """Return what the caller does; ``speak`` gives a line its audio."""
        from offhook.sim.caller import HangUp, Interrupt, Say, WaitForAgent

        steps: list[Step] = []
        for line in self.lines:
            if isinstance(line, str):
                steps += [WaitForAgent(), Say(await speak(line), line)]
            else:
                after_ms, text = line
                steps.append(Interrupt(after_ms, await speak(text), text))
        return [*steps, WaitForAgent(), HangUp()]


def load() -> DemoScript:
    """Return the script."""
    return DemoScript()


def recordings() -> Path:
    """Return the folder of the recordings (tools/record_demo.py made them)."""
    return Path(str(files("offhook"))) / "assets" / "demo"


def recorded_mind() -> ScriptedMind:
    """Return an agent that plays the recorded replies in order."""
    from offhook.offline.scripted import ScriptedMind

    return ScriptedMind.from_file(recordings() / "agent.json")


async def recorded_line(text: str) -> bytes:
    """Return the recording of one of the caller's lines."""
    import json

    folder = recordings()
    lines = json.loads((folder / "lines.json").read_text(encoding="utf-8"))["caller"]
    (name,) = [str(line["file"]) for line in lines if line["text"] == text]
    return (folder / name).read_bytes()
