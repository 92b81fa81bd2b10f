"""The turn engine of one call: whose turn it is, what is speculative, confirmed, interrupted. No sockets, no parsing.

Ear events and client instructions come in, protocol messages and audio go to an `Outlet`. Rules: Voice Agent
reference, "Message Flow", "Speculative Replies & Turn Confirmation", "Inject Agent Message". The user's turn is
*open* between SpeechStarted and SpeechOver; a reply is *prepared* (nothing of it heard), then *speaking*.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from offhook.offline import events
from offhook.offline.chain import Chain
from offhook.offline.events import Outlet
from offhook.offline.functions import Customs, Functions
from offhook.offline.live import Presence
from offhook.offline.manners import Manners
from offhook.offline.plan import CallPlan
from offhook.offline.playout import Playout
from offhook.offline.ports import (
    BrainAction,
    Conversation,
    EarEvent,
    Mind,
    Said,
    Say,
    SpeechMaybeOver,
    SpeechOver,
    SpeechStarted,
    Voice,
)
from offhook.offline.reply import Reply, Stage

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Behavior = Literal["default", "queue", "interrupt"]

#: Injected lines that may wait for the agent to finish.
QUEUED_LINES: Final = 32
#: How long a line that was injected over the user's speech is heard before that speech interrupts it.
STILL_SPEAKING_S: Final = 0.5
#: The model whose user turns tell their languages.
MULTILINGUAL: Final = "flux-general-multi"
_WORD: Final = re.compile(r"\w+")


class TurnEngine:
    """One call's turns. Every method returns at once; replies run as tasks of the call's group."""

    def __init__(
        self, mind: Mind, plan: CallPlan, out: Outlet, spawn: Spawn, manners: Manners, chain: Chain | None = None
    ) -> None:
        self._mind = mind
        self._plan = plan
        self._out = out
        self._spawn = spawn
        self._ears = mind.ears(self.on_ear_event, plan.listen)
        self._brain = mind.brain(plan.agent)
        self._voice: Voice = mind.voice(plan.speak)
        self._retired: list[Any] = []
        self._playout = Playout(self._agent_audible)
        customs = Customs(manners.ids, manners.timers.function_s, manners.function_hosts)
        self._functions = Functions(out, plan.history, dict(plan.functions), customs, plan.signs_calls)
        self._stage = Stage(out, self._playout, self._functions, manners, plan.history, chain or Chain(out, {}))
        self._conversation = Conversation(plan.prompt, plan.greeting, list(plan.context), self._functions.specs())
        self._user_is_speaking = False
        self._prepared: Reply | None = None
        self._speaking: Reply | None = None
        self._last: Reply | None = None
        self._lines: deque[str] = deque()
        self._when_quiet: deque[Callable[[], None]] = deque()
        self._listen_changed = False
        self._turns_heard = 0
        self._user_pauses = False
        self._over_the_user: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._presence = Presence(self._is_quiet, self._check_presence)

    def start(self) -> None:
        """Speak the greeting, if there is one. Call after `SettingsApplied` has been sent."""
        self._presence.configure(self._plan.agent.get("think_live"))
        if self._plan.greeting:
            self._speak_line(self._plan.greeting)

    @property
    def agent_is_mid_turn(self) -> bool:
        """Whether the agent is speaking, by the server's own clock, or preparing a confirmed reply."""
        return self._speaking is not None or self._playout.is_audible

    @property
    def user_is_mid_turn(self) -> bool:
        """Whether a user turn is open: speaking, or paused and not confirmed."""
        return self._user_is_speaking or self._prepared is not None

    def hear(self, audio: bytes) -> None:
        """Take caller audio, 8 kHz µ-law."""
        self._ears.hear(audio)

    async def close(self) -> None:
        """Stop replies, ears, brain and voice. Nothing is sent any more."""
        self._is_closed = True
        replies = [reply for reply in (self._prepared, self._speaking) if reply is not None]
        self._prepared = self._speaking = None
        self._lines.clear()
        for reply in replies:
            reply.abort()
        await asyncio.gather(*(r.task for r in replies if r.task is not None), return_exceptions=True)
        self._playout.close()
        self._forget_the_overlap()
        self._presence.close()
        for part in (self._ears, self._brain, self._voice, *self._retired):
            await part.close()

    # What the ears say

    def on_ear_event(self, event: EarEvent) -> None:
        """Take what the ears noticed; nothing after the end."""
        if self._is_closed:
            return
        match event:
            case SpeechStarted():
                self._user_starts()
            case SpeechMaybeOver(text):
                self._prepare(text)
            case SpeechOver():
                self._user_is_over(event)

    def _user_starts(self) -> None:
        self._user_is_speaking, self._user_pauses = True, False
        self._barge_in()

    def _barge_in(self) -> None:
        self._out.event({"type": "UserStartedSpeaking"})
        self._presence.heard()
        self._drop_prepared()
        self._interrupt()

    def _prepare(self, text: str) -> None:
        if not self._user_is_speaking:  # ears that did not say so
            self._user_starts()
        self._user_pauses = True
        if self._prepared is not None and _same(self._prepared.user_text, text):
            return
        self._drop_prepared()
        if text.strip():
            self._prepared = self._answer(text)

    def _user_is_over(self, over: SpeechOver) -> None:
        self._turns_heard += 1
        if over.text.strip() and not self._user_is_speaking:
            self._user_starts()
        self._user_is_speaking = False
        if not over.text.strip():
            self._drop_prepared()
        else:
            if self._prepared is None or not _same(self._prepared.user_text, over.text):
                self._drop_prepared()
                self._prepared = self._answer(over.text)
            self._confirm(over)
        self._renew_ears()

    def _confirm(self, over: SpeechOver) -> None:
        reply, self._prepared = self._prepared, None
        assert reply is not None
        self._tell_user_text(over.text)
        now = asyncio.get_running_loop().time()
        reply.figures.user_silent_at = now - over.silent_for_s
        reply.figures.recognised_in_s = over.recognised_in_s
        if self.agent_is_mid_turn:  # a line was injected over the user's speech
            self._out.event({"type": "UserStartedSpeaking"})
            self._interrupt()
        self._conversation = reply.conversation
        self._let_speak(reply)

    # Replies

    def _answer(self, text: str) -> Reply:
        conversation = replace(self._conversation, history=[*self._conversation.history, Said("user", text)])
        return self._begin(conversation, self._brain.reply, text)

    def _begin(
        self,
        conversation: Conversation,
        source: Callable[[Conversation], AsyncIterator[BrainAction]],
        text: str,
        behavior: events.Behavior = "default",
    ) -> Reply:
        reply = Reply(self._stage, conversation, source, self._voice, text)
        reply.behavior = behavior
        reply.task = self._spawn(self._run(reply))
        return reply

    async def _run(self, reply: Reply) -> None:
        await reply.run()
        if self._speaking is reply:
            self._speaking, self._last = None, reply
            self._next_line()
        if not self.agent_is_mid_turn:
            self._be_quiet()
        await self._close_retired()

    def _retire(self, part: Any) -> None:
        self._retired.append(part)
        self._spawn(self._close_retired())

    async def _close_retired(self) -> None:
        """Close replaced parts once no reply can be using them."""
        while self._retired and self._prepared is None and self._speaking is None:
            await self._retired.pop().close()

    def _let_speak(self, reply: Reply) -> None:
        self._speaking = reply
        reply.release()

    def _drop_prepared(self) -> None:
        reply, self._prepared = self._prepared, None
        if reply is not None:
            self._functions.withdraw(reply)
            reply.abort()

    def _interrupt(self) -> None:
        """End the agent's turn: drop what was not sent, and take what was sent as thrown away."""
        reply, self._speaking = self._speaking, None
        self._lines.clear()
        if self._last is not None:
            self._last.settle(asyncio.get_running_loop().time())
            self._last = None
        self._out.drop_audio()
        if reply is not None:
            self._functions.withdraw(reply)
            was_mid_speech = reply.has_spoken and not reply.is_over
            reply.abort()
            if was_mid_speech:
                self._out.event({"type": "AgentAudioDone"})
        self._playout.cut()
        self._be_quiet()

    def _is_quiet(self) -> bool:
        return not self.agent_is_mid_turn and not self.user_is_mid_turn

    def _check_presence(self, line: str) -> None:
        self._speak_line(line, "presence_check")

    def _speak_line(self, text: str, behavior: events.Behavior = "default") -> None:
        async def line(_: Conversation) -> AsyncIterator[BrainAction]:
            yield Say(text)

        self._let_speak(self._begin(self._conversation, line, "", behavior))

    def _next_line(self) -> None:
        if self._lines:
            self._speak_line(self._lines.popleft())

    def _tell_user_text(self, text: str) -> None:
        said = events.conversation_text("user", text)
        if self._plan.listen.get("model") == MULTILINGUAL:
            hinted = self._plan.listen.get("language_hints", ())
            said = events.with_languages(said, hinted, [*hinted][:1] or ["en"])
        self._out.event(said)
        if self._plan.history:
            self._out.event(events.history_turn("user", text))

    def _agent_audible(self, audible: bool) -> None:
        self._ears.agent_speaks(audible)
        self._presence.wait()
        self._forget_the_overlap()
        if not audible:
            self._be_quiet()
        elif self._user_is_speaking:  # a line was injected over the user's speech
            self._over_the_user = asyncio.get_running_loop().call_later(STILL_SPEAKING_S, self._if_still_speaking)

    def _if_still_speaking(self) -> None:
        if self._user_is_speaking and not self._user_pauses:
            self._barge_in()

    def _forget_the_overlap(self) -> None:
        if self._over_the_user is not None:
            self._over_the_user.cancel()
            self._over_the_user = None

    def _be_quiet(self) -> None:
        while self._when_quiet and not self._is_closed:
            self._when_quiet.popleft()()

    def when_quiet(self, action: Callable[[], None]) -> None:
        """Do something once the audio that was sent has played; now, where there is none."""
        if self.agent_is_mid_turn:
            self._when_quiet.append(action)
        else:
            action()

    # What the client asks for

    def inject_user(self, text: str) -> None:
        """Take ``text`` as said by the user. An agent that is speaking is interrupted, as by speech."""
        if self.agent_is_mid_turn:
            self._barge_in()
        self._drop_prepared()
        self._prepared = self._answer(text)
        self._confirm(SpeechOver(text))

    def inject_agent(self, text: str, behavior: Behavior) -> str | None:
        """Speak ``text``; return who is in the way ("user" or "agent") where it must be refused."""
        if behavior != "interrupt" and self.user_is_mid_turn:
            return "user"
        if behavior == "default" and self.agent_is_mid_turn:
            return "agent"
        if behavior == "queue" and self._speaking is not None:
            if len(self._lines) >= QUEUED_LINES:
                return "agent"
            self._lines.append(text)
            return None
        if behavior == "interrupt":
            self._drop_prepared()
            self._interrupt()
        self._speak_line(text)
        return None

    def answer_function(self, call_id: str | None, name: str, content: str) -> None:
        """Take a function's result; nobody waiting for it is no error."""
        self._functions.answer(call_id, name, content)

    def force_end_turn(self) -> None:
        """End the user's open turn now; nothing where none is open."""
        self._ears.force_end()

    def set_prompt(self, prompt: str) -> None:
        """Replace the prompt from the next request on, be it one of a turn that has begun."""
        for conversation in self._conversations():
            conversation.prompt = prompt

    def set_think(self, plan: CallPlan) -> None:
        """Replace the brain from the next turn on, prompt and functions from the next request on."""
        self._plan = plan
        self._retire(self._brain)
        self._brain = self._mind.brain(plan.agent)
        self._functions.defined, self._functions.signed = dict(plan.functions), plan.signs_calls
        for conversation in self._conversations():
            conversation.prompt, conversation.functions = plan.prompt, self._functions.specs()

    def _conversations(self) -> list[Conversation]:
        """Return the conversation and the copies of it that replies work on."""
        replies = [reply for reply in (self._prepared, self._speaking) if reply is not None]
        return [self._conversation, *(reply.conversation for reply in replies)]

    def set_live(self, live: Mapping[str, Any]) -> None:
        """Replace what Think Live is asked for."""
        self._presence.configure(live)

    def set_speak(self, speak: Mapping[str, Any]) -> None:
        """Replace the voice from the next turn on."""
        self._retire(self._voice)
        self._voice = self._mind.voice(speak)

    def set_listen(self, listen: Mapping[str, Any]) -> None:
        """Replace the ears, once no turn is open."""
        self._plan = replace(self._plan, listen=listen)
        self._listen_changed = True
        self._renew_ears()

    def _renew_ears(self) -> None:
        if self._listen_changed and not self.user_is_mid_turn:
            self._listen_changed = False
            self._spawn(self._ears.close())
            self._ears = self._mind.ears(self.on_ear_event, self._plan.listen, self._turns_heard)
            self._ears.agent_speaks(self._playout.is_audible)


def _same(one: str, other: str) -> bool:
    """Whether two recognitions say the same words; punctuation may differ."""
    return _WORD.findall(one.casefold()) == _WORD.findall(other.casefold())
