"""The agent leg as the call sees it: dial, Welcome, Settings, which settings were refused, functions outstanding. Pure.

Emits actions into the session's list; knows nothing of audio or of the caller.
"""

from __future__ import annotations

from typing import Final

from offhook.call import actions as do
from offhook.call.deadlines import Deadline, Deadlines
from offhook.call.ports import AgentSetup
from offhook.call.states import Agent
from offhook.config.timeouts import Timeouts
from offhook.wire import deepgram

#: Errors before SettingsApplied after which another think provider may be accepted.
_REFUSALS: Final = frozenset(("UNPARSABLE_CLIENT_MESSAGE", "INVALID_SETTINGS", "FAILED_TO_THINK"))
_TOO_LATE: Final = '{"error":"the function took too long"}'
#: Every deadline that has no meaning without an agent.
AGENT_DEADLINES: Final = (
    Deadline.SETTINGS,
    Deadline.HOLD,
    Deadline.KEEP_ALIVE,
    Deadline.AGENT_SILENT,
    Deadline.AGENT_STUCK,
    Deadline.ANSWER,
    Deadline.ANSWER_WARN,
    Deadline.PING,
    Deadline.PONG,
    Deadline.TOOL,
    Deadline.CLEAR,
)


class AgentSide:
    """State of the agent leg. ``is_ready``: settings are applied; ``ready_at``: when first.

    ``request_id``: the vendor's name of the session.
    """

    __slots__ = (
        "_deadlines",
        "_functions",
        "_out",
        "_retried",
        "_setup",
        "_timeouts",
        "choice",
        "is_ready",
        "ready_at",
        "request_id",
        "state",
    )

    def __init__(self, setup: AgentSetup, timeouts: Timeouts, deadlines: Deadlines, out: list[do.Action]) -> None:
        self.state = Agent.IDLE
        self.is_ready = False
        self.ready_at: float | None = None
        self.choice = 0
        self.request_id = ""
        self._setup, self._timeouts, self._deadlines, self._out = setup, timeouts, deadlines, out
        self._retried = False
        self._functions: dict[str, deepgram.FunctionCall] = {}

    def dial(self) -> None:
        """Open the leg."""
        self.state = Agent.DIALLING
        self._out.append(do.DialAgent())

    def opened(self, now: float) -> None:
        """The socket is open."""
        self.state = Agent.WELCOME
        self._deadlines.arm(Deadline.SETTINGS, now + self._timeouts.settings_s)

    def welcome(self, message: deepgram.Welcome) -> None:
        """Answer Welcome with Settings, once per socket."""
        self.request_id = message.request_id[:64]
        if self.state is Agent.WELCOME:
            self.state = Agent.APPLYING
            self._out.append(do.ToAgent(self._setup.choices[self.choice]))

    def applied(self, now: float) -> bool:
        """Settings are applied. Returns False where nobody had asked."""
        if self.state is not Agent.APPLYING:
            return False
        self.state = Agent.READY
        self.is_ready = True
        self.ready_at = now if self.ready_at is None else self.ready_at
        if self.choice:
            self._out.append(do.SettingsAccepted(self.choice))
        self._deadlines.disarm(Deadline.SETTINGS)
        self._deadlines.arm(Deadline.KEEP_ALIVE, now + self._timeouts.keep_alive_s)
        self._deadlines.arm(Deadline.PING, now + self._timeouts.ping_s)
        return True

    def refused(self, code: str, field: str) -> bool:
        """Settings were refused with ``code``, over ``field``. Returns whether the next choice is being tried."""
        self._out.append(do.SettingsRefused(self.choice, code, field))
        if code not in _REFUSALS or self.choice + 1 >= len(self._setup.choices):
            return False
        self.choice += 1
        self._redial()
        return True

    def settings_late(self) -> bool:
        """No SettingsApplied in time (A8). Returns whether it is being tried once more."""
        if self._retried:
            return False
        self._retried = True
        self._redial()
        return True

    def gone(self) -> None:
        """Give the leg up: close it, forget what was outstanding."""
        if self.state not in (Agent.GONE, Agent.IDLE):
            self._out.append(do.CloseAgent())
        self.state = Agent.GONE
        self.is_ready = False
        self.cancel(list(self._functions))
        self._deadlines.disarm(*AGENT_DEADLINES)

    def ping(self, now: float) -> None:
        """Ping, and expect the answer in time (A26)."""
        self._out.append(do.PingAgent())
        self._deadlines.arm(Deadline.PING, now + self._timeouts.ping_s)
        self._deadlines.arm(Deadline.PONG, now + self._timeouts.pong_s)

    def keep_alive(self, sent_at: float, now: float) -> None:
        """Send KeepAlive where no audio was sent for a while (only then: Deepgram "Agent Keep Alive")."""
        idle_until = sent_at + self._timeouts.keep_alive_s
        if idle_until <= now:
            self._out.append(do.ToAgent(deepgram.KEEP_ALIVE))
            idle_until = now + self._timeouts.keep_alive_s
        self._deadlines.arm(Deadline.KEEP_ALIVE, idle_until)

    def request(self, message: deepgram.FunctionCallRequest, now: float) -> int:
        """Book functions to run. Returns how many are ours; the vendor runs the others."""
        ours = [call for call in message.functions if call.client_side]
        self._functions.update((call.id, call) for call in ours)
        if ours:
            self._deadlines.arm(Deadline.TOOL, now + self._timeouts.tool_s)
            self._out.append(do.RunFunctions(ours))
        return len(ours)

    def cancel(self, ids: list[str]) -> None:
        """Forget functions that were withdrawn; their answers will be dropped."""
        known = [call_id for call_id in ids if self._functions.pop(call_id, None) is not None]
        if known:
            self._out.append(do.CancelFunctions(known))

    def answer(self, call_id: str, content: str) -> bool:
        """Send the answer of a function. Returns False where nobody waits for it."""
        call = self._functions.pop(call_id, None)
        if call is None or not self.is_ready:
            return False
        self._out.append(do.ToAgent(deepgram.function_call_response(call, content)))
        return True

    def answer_late_ones(self) -> None:
        """Answer every outstanding function with an error: an agent without an answer is silent (A24)."""
        late = list(self._functions)
        for call_id in late:
            self.answer(call_id, _TOO_LATE)
        if late:
            self._out.append(do.CancelFunctions(late))

    def _redial(self) -> None:
        self.is_ready = False
        self._deadlines.disarm(Deadline.SETTINGS)
        self._out.append(do.CloseAgent())
        self.dial()
