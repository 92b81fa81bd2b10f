"""One turn of the agent: asks the brain, has the voice speak ahead, and releases audio when it may be heard.

Knows nothing of ears or of the user's turn; `engine` decides when a reply is released or aborted. Three tasks:
*think* turns brain actions into segments, *synthesise* turns segments into audio, *speak* sends them. All three
run from the start, so that a speculative reply has its first audio ready when the turn is confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from offhook.offline import events
from offhook.offline.chain import Chain
from offhook.offline.events import Outlet
from offhook.offline.functions import Defined, Functions, UndefinedFunctionError
from offhook.offline.live import FILLER_LINES, NO_FILLING, Filling
from offhook.offline.manners import Manners
from offhook.offline.playout import Playout
from offhook.offline.ports import BrainAction, Called, CallFunctions, Conversation, Said, Say, Think, Voice
from offhook.offline.segments import Figures, Pace, Segment, sentences

#: The longest a brain may take for its next action, and a voice for its next audio.
THINK_S: Final = 60.0
SPEAK_S: Final = 15.0
#: The next sentence leaves this long before the previous one has played, so that no gap is heard.
LEAD_S: Final = 0.12
#: How often a brain may call functions in one turn, and the most one sentence may play.
MAX_ROUNDS: Final = 10
MAX_SENTENCE_BYTES: Final = 8000 * 120
#: Sentences thought ahead of the voice, and synthesised ahead of the line.
THOUGHT_AHEAD: Final = 16
SPOKEN_AHEAD: Final = 2

_T = TypeVar("_T")


@dataclass(slots=True)
class Stage:
    """What a reply needs of its call."""

    out: Outlet
    playout: Playout
    functions: Functions
    manners: Manners
    history: bool
    chain: Chain

    @property
    def pace(self) -> Pace:
        """Return how audio leaves."""
        return self.manners.pace


class Reply:
    """One turn of the agent. ``user_text`` is what it answers; empty for a greeting or an injection."""

    def __init__(
        self,
        stage: Stage,
        conversation: Conversation,
        source: Callable[[Conversation], AsyncIterator[BrainAction]],
        voice: Voice,
        user_text: str = "",
    ) -> None:
        self._stage = stage
        self._source = source
        self._voice = voice
        self._thought: asyncio.Queue[Segment | Think | None] = asyncio.Queue(THOUGHT_AHEAD)
        self._ready: asyncio.Queue[Segment | Think | None] = asyncio.Queue(SPOKEN_AHEAD)
        self._released = asyncio.Event()
        self.conversation = conversation
        self.user_text = user_text
        self.behavior: events.Behavior = "default"
        self._asks_provider = bool(user_text)  # no model writes a greeting or an injected line
        self.segments: list[Segment] = []
        self.figures = Figures()
        self.has_spoken = False
        self.is_over = False
        self._was_voiced = False
        self.task: asyncio.Task[None] | None = None

    def release(self) -> None:
        """Let the reply be heard, and deferred functions be called."""
        self._released.set()

    def abort(self) -> None:
        """Stop everything. What was prepared is dropped; what was sent is marked as interrupted if still playing."""
        self.is_over = True
        if self.task is not None:
            self.task.cancel()
        self.settle(asyncio.get_running_loop().time())

    def settle(self, now: float) -> None:
        """Make the history say what the caller could hear: unsaid sentences leave it, unfinished ones are marked."""
        heard, kept = {id(segment.said): segment for segment in self.segments}, []
        for entry in self.conversation.history:
            segment = heard.get(id(entry))
            if segment is None:
                kept.append(entry)
            elif segment.is_released:
                kept.append(replace(segment.said, interrupted=True) if segment.plays_until > now else entry)
        self.conversation.history[:] = kept

    async def run(self) -> None:
        """Think, synthesise and speak until the turn is over. The three boundaries to a mind are inside."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._think())
            group.create_task(self._synthesise())
            await self._released.wait()
            await self._speak()

    async def _think(self) -> None:
        loop = asyncio.get_running_loop()
        self.figures.asked = loop.time()
        try:
            for _ in range(MAX_ROUNDS):
                if self._asks_provider and not self._stage.chain.reaches("think"):
                    return await self._cannot_think()
                defined = self._stage.functions.defined
                wanted = await self._round()
                if wanted is None:
                    return await self._thought.put(None)
                asked = loop.time()
                answered = await self._answers(wanted, {**self._stage.functions.defined, **defined})
                self.figures.tools_s = (self.figures.tools_s or 0.0) + loop.time() - asked
                self.conversation.history.extend(answered)
            self._stage.out.fail("FAILED_TO_THINK", "The mind calls functions without end.")
        except UndefinedFunctionError:
            self._stage.out.fail("NON_EXISTENT_FUNCTION_CALLED", "The mind called a function that is not defined.")
        except Exception as error:  # noqa: BLE001  # the boundary to a mind: its defect ends this call only
            self._stage.out.fail("FAILED_TO_THINK", f"The mind failed: {type(error).__name__}.")

    async def _answers(self, wanted: CallFunctions, defined: Mapping[str, Defined]) -> list[Called]:
        """Have the functions called; say Think Live's fillers meanwhile, where they ask for any."""
        asked = [defined[call.name].filling for call in wanted.calls if call.name in defined]
        filling = asyncio.create_task(self._fill_in(asked)) if any(one != NO_FILLING for one in asked) else None
        try:
            return await self._stage.functions.call(wanted.calls, defined, self._released, self)
        finally:
            if filling is not None:
                filling.cancel()
                await asyncio.gather(filling, return_exceptions=True)

    async def _fill_in(self, asked: Sequence[Filling]) -> None:
        announced = bool(self.segments)
        await self._released.wait()
        if any(one.at_once for one in asked) and not announced:
            await self._interject(FILLER_LINES[0])
        most = max(asked, key=lambda one: one.more)
        for _ in range(most.more):
            await self._stage.playout.wait_for_silence(most.every_s)
            await self._interject(FILLER_LINES[1])

    async def _interject(self, line: str) -> None:
        segment = Segment(Said("assistant", line), "filler")
        self.segments.append(segment)
        self.conversation.history.append(segment.said)
        await self._thought.put(segment)

    async def _cannot_think(self) -> None:
        said = "Every think provider failed."
        if self._stage.manners.failed_think == "session":
            return self._stage.out.fail("FAILED_TO_THINK", said)
        self._stage.out.event(events.error("FAILED_TO_THINK", said))
        return await self._thought.put(None)

    async def _round(self) -> CallFunctions | None:
        loop = asyncio.get_running_loop()
        async with _closing(self._source(self.conversation)) as actions:
            while True:
                async with asyncio.timeout(THINK_S):
                    action = await anext(actions, None)
                if action is None:
                    return None
                self.figures.first_action = self.figures.first_action or loop.time()
                match action:
                    case Say(text):
                        if not text.strip():
                            continue
                        self.figures.first_text = self.figures.first_text or loop.time()
                        segment = Segment(Said("assistant", text), self.behavior)
                        self.segments.append(segment)
                        self.conversation.history.append(segment.said)
                        await self._thought.put(segment)
                    case Think() if self._released.is_set() and not self.segments:
                        self._stage.out.event({"type": "AgentThinking", "content": action.text})
                    case Think():
                        await self._thought.put(action)
                    case CallFunctions():
                        return action

    async def _synthesise(self) -> None:
        try:
            while (item := await self._thought.get()) is not None:
                if isinstance(item, Segment) and not self._has_voice():
                    return self._stage.out.fail("FAILED_TO_SPEAK", "Every speak provider failed.")
                await self._ready.put(item)
                if isinstance(item, Segment):
                    await self._fill(item)
            await self._ready.put(None)
        except Exception as error:  # noqa: BLE001  # the boundary to a voice: its defect ends this call only
            self._stage.out.fail("FAILED_TO_SPEAK", f"The voice failed: {type(error).__name__}.")

    def _has_voice(self) -> bool:
        """Make the turn's request to the voices, once."""
        if not self._was_voiced:
            self._was_voiced = self._stage.chain.reaches("speak")
        return self._was_voiced

    async def _fill(self, segment: Segment) -> None:
        total = 0
        for sentence in sentences(segment.said.content):
            async with _closing(self._voice.say(sentence)) as chunks:
                while total < MAX_SENTENCE_BYTES:
                    async with asyncio.timeout(SPEAK_S):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    total += len(chunk)
                    segment.add(chunk)
                    self.figures.first_audio = self.figures.first_audio or asyncio.get_running_loop().time()
        segment.finish()

    async def _speak(self) -> None:
        while (item := await self._ready.get()) is not None:
            if isinstance(item, Think):
                self._stage.out.event({"type": "AgentThinking", "content": item.text})
            else:
                await self._say(item)
        self.is_over = True  # before the task ends: an ear event may come in between
        if not self.has_spoken:
            return
        ends = [{"type": "AgentAudioDone"}]
        if self.user_text:
            report = events.latency_report(self._latencies(), sparse=self._stage.manners.sparse_reports)
            ends.insert(0 if self._stage.manners.report_first else 1, report)
        for message in ends:
            self._stage.out.event(message)

    async def _say(self, segment: Segment) -> None:
        stage, pace = self._stage, self._stage.pace
        frame = await segment.take(pace.frame_bytes)
        if pace.hold:
            await stage.playout.wait_until_left(LEAD_S)
        segment.is_released = True
        begins = not self.has_spoken
        if begins and not stage.manners.text_first:
            self._first()
        stage.out.event(events.conversation_text("assistant", segment.said.content, segment.behavior))
        if begins and stage.manners.text_first:
            self._first()
        if stage.history:
            stage.out.event(events.history_turn("assistant", segment.said.content))
        sent_in_burst = 0
        while frame:
            stage.out.audio(frame)
            stage.playout.sent(frame)
            segment.plays_until = stage.playout.until
            sent_in_burst += len(frame)
            if pace.speed and sent_in_burst >= pace.burst_ms * 8:
                await asyncio.sleep(sent_in_burst / 8000 / pace.speed)
                sent_in_burst = 0
            frame = await segment.take(pace.frame_bytes)

    def _first(self) -> None:
        self.has_spoken = True
        self._spoke_at = asyncio.get_running_loop().time()
        figures = self._latencies()
        self._stage.out.event(
            events.started_speaking(
                figures["total_latency"] or 0.0, figures["tts_latency"] or 0.0, figures["ttt_text_latency"] or 0.0
            )
        )

    def _latencies(self) -> dict[str, float | None]:
        f = self.figures

        def since(start: float | None, end: float | None) -> float | None:
            return None if start is None or end is None else max(0.0, end - start)

        return {
            "stt_latency": f.recognised_in_s,
            "ttt_token_latency": since(f.asked, f.first_action),
            "ttt_text_latency": since(f.asked, f.first_text),
            "ttt_tool_latency": f.tools_s,
            "tts_latency": since(f.first_text, f.first_audio),
            "total_latency": since(f.user_silent_at, self._spoke_at),
        }


@asynccontextmanager
async def _closing(items: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Close an iterator on the way out, where it can be closed."""
    try:
        yield items
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
