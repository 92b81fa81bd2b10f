"""The three seams of the offline agent: ears, brain, voice. Protocols and the values they exchange, no behaviour.

The turn engine (``offline/engine.py``) owns the protocol and the turn; a *mind* is one of each of these, and there
are two minds: scripted (deterministic, no models) and speaking (VAD + recognition, dialogue, synthesis).
Audio at these seams is always 8 kHz µ-law, one byte per sample, any length.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began (or resumed) speaking."""


@dataclass(frozen=True, slots=True)
class SpeechMaybeOver:
    """The caller paused; ``text`` is what was said so far. A reply may be prepared, none may be heard yet."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """The caller's turn is confirmed over. ``text`` may be empty: noise, no turn.

    ``silent_for_s`` is how long the caller had been silent when this was said; ``recognised_in_s`` what the
    recognition took.
    """

    text: str
    silent_for_s: float = 0.0
    recognised_in_s: float = 0.0


EarEvent = SpeechStarted | SpeechMaybeOver | SpeechOver


class Ears(Protocol):
    """Hears one caller. Events go to the callback given when the ears were made, on the event loop."""

    def hear(self, audio: bytes) -> None:
        """Take caller audio. Must return at once: heavy work happens elsewhere."""
        ...

    def agent_speaks(self, speaking: bool) -> None:
        """Be told whether agent audio is probably audible, so that barge-in may ask for more evidence."""
        ...

    def force_end(self) -> None:
        """End an open turn now (ForceEndTurn)."""
        ...

    async def close(self) -> None:
        """Free everything. No event follows."""
        ...


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function the Settings define."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defer_until_eot: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the conversation so far. ``interrupted`` marks agent text the caller did not hear whole."""

    role: Literal["user", "assistant"]
    content: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A function that was called, with its answer (``None`` while it is outstanding). No id: the engine gives one."""

    id: str
    name: str
    arguments: str
    response: str | None


@dataclass(slots=True)
class Conversation:
    """What a brain may know. ``memory`` belongs to the brain: the engine copies the conversation before a
    speculative reply and drops the copy when the turn resumes, so a brain must *replace* memory, never mutate it.
    """

    prompt: str = ""
    greeting: str = ""
    history: list[Said | Called] = field(default_factory=list)
    functions: Sequence[FunctionSpec] = ()
    memory: Any = None


@dataclass(frozen=True, slots=True)
class Say:
    """One sentence (a segment) to speak."""

    text: str


@dataclass(frozen=True, slots=True)
class CallFunctions:
    """Functions to call now, together. The brain's turn ends here; `reply` is asked again once all are answered."""

    calls: Sequence[Called]


@dataclass(frozen=True, slots=True)
class Think:
    """A thought to report as AgentThinking; never spoken."""

    text: str


BrainAction = Say | CallFunctions | Think


class Brain(Protocol):
    """Answers one caller."""

    def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
        """Yield what to say or call, given that the last entry of ``history`` is new. May set ``memory``.

        Must not block the loop. Closed early (``aclose``) when the turn resumes or the caller barges in.
        """
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class Voice(Protocol):
    """Speaks for one caller."""

    def say(self, text: str) -> AsyncIterator[bytes]:
        """Yield audio for one sentence, as it becomes ready. Closed early when the reply is discarded."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class Mind(Protocol):
    """Makes the ears, brain and voice of each call; shared by all calls of a process."""

    async def start(self) -> None:
        """Load what must be loaded, once."""
        ...

    def ears(self, on_event: Callable[[EarEvent], None], listen: Mapping[str, Any], heard: int = 0) -> Ears:
        """Make ears for one call; ``listen`` is the Settings' ``agent.listen.provider`` (may be empty).

        ``heard``: how many turns the call's earlier ears have heard, where `UpdateListen` replaced them.
        """
        ...

    def brain(self, settings: Mapping[str, Any]) -> Brain:
        """Make a brain for one call; ``settings`` is the Settings' ``agent`` object."""
        ...

    def voice(self, speak: Mapping[str, Any]) -> Voice:
        """Make a voice for one call; ``speak`` is the first ``agent.speak.provider`` (may be empty)."""
        ...

    async def close(self) -> None:
        """Stop everything, worker processes included."""
        ...
