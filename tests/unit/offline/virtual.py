"""A stage for the turn engine on a virtual clock: hands on the ears, a brain and a voice that do as told.

Time passes only where somebody waits, so a test of a whole call takes milliseconds and is exact.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from offhook.offline.engine import TurnEngine
from offhook.offline.manners import Manners
from offhook.offline.plan import CallPlan
from offhook.offline.ports import BrainAction, Conversation, EarEvent, Say
from offhook.offline.segments import Pace


class _Selector(selectors.DefaultSelector):
    skipped = 0.0

    def select(self, timeout: float | None = None):
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing will ever happen: the test waits for ever"
            self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is what was waited for."""

    def __init__(self) -> None:
        self.virtual = _Selector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.skipped


def on_virtual_time(scene: Callable[[], Awaitable[None]]) -> None:
    """Run one scene to its end; no task may be left."""

    async def whole() -> None:
        await scene()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())


@dataclass
class Hands:
    """Ears that hear nothing; the test says what they notice."""

    on_event: Callable[[EarEvent], None]
    audible: list[bool] = field(default_factory=list)
    forced: int = 0
    is_closed: bool = False
    heard: int = 0

    def hear(self, audio: bytes) -> None: ...

    def agent_speaks(self, speaking: bool) -> None:
        self.audible.append(speaking)

    def force_end(self) -> None:
        self.forced += 1

    async def close(self) -> None:
        self.is_closed = True


Answer = Callable[[Conversation], AsyncIterator[BrainAction]]


@dataclass
class Actor:
    """A mind whose brain is ``answer`` and whose voice takes ``voice_s`` to start and speaks ``ms`` per sentence."""

    answer: Answer | None = None
    voice_s: float = 0.0
    ms: int = 1000
    ears_made: list[Hands] = field(default_factory=list)
    asked: list[Conversation] = field(default_factory=list)
    unfinished: int = 0
    closed: int = 0

    async def start(self) -> None: ...

    def ears(self, on_event: Callable[[EarEvent], None], listen: Mapping[str, Any], heard: int = 0) -> Hands:
        self.ears_made.append(Hands(on_event, heard=heard))
        return self.ears_made[-1]

    def brain(self, settings: Mapping[str, Any]) -> Actor:
        return self

    def voice(self, speak: Mapping[str, Any]) -> Actor:
        return self

    async def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
        self.asked.append(conversation)
        self.unfinished += 1
        try:
            if self.answer is None:
                yield Say(f"You said {conversation.history[-1].content}.")  # type: ignore[union-attr]
                return
            async for action in self.answer(conversation):
                yield action
        finally:
            self.unfinished -= 1

    async def say(self, text: str) -> AsyncIterator[bytes]:
        await asyncio.sleep(self.voice_s)
        for _ in range(self.ms // 100):
            yield b"\x20" * 800

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Sheet:
    """An outlet that writes a call sheet: one line per message, audio added up in milliseconds."""

    lines: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    drops: int = 0

    def event(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        kind = message["type"]
        if kind == "ConversationText":
            self._write(f"{message['role']}: {message['content']}")
        elif kind in {"FunctionCallRequest", "FunctionCallCancelled"}:
            self._write(f"{kind} " + ",".join(f["name"] for f in message["functions"]))
        elif kind in {"Warning", "Error"}:
            self._write(f"{kind} {message['code']}")
        else:
            self._write(kind)

    def audio(self, audio: bytes) -> None:
        ms = len(audio) / 8
        if self.lines and self.lines[-1].startswith("audio "):
            ms += float(self.lines.pop().removeprefix("audio "))
            self.times.pop()
        self._write(f"audio {ms:g}")

    def drop_audio(self) -> None:
        self.drops += 1

    def fail(self, code: str, description: str) -> None:
        self._write(f"Error {code}")

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self.times.append(asyncio.get_running_loop().time())

    def does(self, *quiet: str) -> list[str]:
        """Return what was written since last asked, without the kinds in ``quiet``."""
        written = [line for line in self.lines if line.split(" ")[0] not in quiet]
        self.lines.clear()
        self.times.clear()
        return written


@dataclass
class Scene:
    """One call: ``async with Scene(mind) as call``."""

    mind: Actor = field(default_factory=Actor)
    plan: CallPlan = field(default_factory=CallPlan)
    pace: Pace = field(default_factory=Pace)
    sheet: Sheet = field(default_factory=Sheet)

    async def __aenter__(self) -> Self:
        self.group = asyncio.TaskGroup()
        await self.group.__aenter__()
        self.engine = TurnEngine(self.mind, self.plan, self.sheet, self.group.create_task, Manners(pace=self.pace))
        self.engine.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.engine.close()
        await self.group.__aexit__(*error)

    @property
    def ears(self) -> Hands:
        return self.mind.ears_made[-1]

    def hears(self, *events: EarEvent) -> None:
        for event in events:
            self.ears.on_event(event)

    def does(self, *quiet: str) -> list[str]:
        return self.sheet.does("LatencyReport", "AgentStartedSpeaking", "History", *quiet)
