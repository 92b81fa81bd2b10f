"""Watches for an agent that owes something: an answer, or any sign after the caller began to speak. Pure.

A12 and A13: the agent may take bytes and say nothing, or go deaf without an error. Only expected progress tells.
"""

from __future__ import annotations

from typing import Final

from offhook.call.deadlines import Deadline, Deadlines
from offhook.config.timeouts import Timeouts
from offhook.wire import ulaw

_LISTEN_EVERY_S: Final = 1.0
_QUIET_DBFS: Final = -45.0


class Watch:
    """Arms and disarms the deadlines of an answer. ``is_waiting``: something of the agent is due."""

    __slots__ = ("_deadlines", "_quiet_since", "_timeouts", "is_waiting")

    def __init__(self, deadlines: Deadlines, timeouts: Timeouts) -> None:
        self.is_waiting = False
        self._deadlines, self._timeouts = deadlines, timeouts
        self._quiet_since = 0.0

    def for_an_answer(self, now: float) -> None:
        """The caller's turn is over, or a function was answered: the agent must speak."""
        self.stop()
        self.is_waiting = True
        self._deadlines.arm(Deadline.ANSWER_WARN, now + self._timeouts.answer_warn_s)
        self._deadlines.arm(Deadline.ANSWER, now + self._timeouts.answer_s)

    def for_a_turn(self, now: float) -> None:
        """The caller began to speak: the agent must say so, once the caller is quiet."""
        self.stop()
        self.is_waiting, self._quiet_since = True, now
        self._deadlines.arm(Deadline.AGENT_SILENT, now + _LISTEN_EVERY_S)

    def stop(self) -> None:
        """The agent made progress, or there is none."""
        self.is_waiting = False
        self._deadlines.disarm(Deadline.ANSWER, Deadline.ANSWER_WARN, Deadline.AGENT_SILENT)

    def is_deaf(self, last_frame: bytes, now: float) -> bool:
        """Look at the newest caller audio; whether the caller has been quiet too long for an agent that hears.

        While the caller goes on speaking, an agent that says nothing is right.
        """
        if ulaw.level_dbfs(last_frame) > _QUIET_DBFS:
            self._quiet_since = now
        if now - self._quiet_since >= self._timeouts.agent_silent_s:
            return True
        self._deadlines.arm(Deadline.AGENT_SILENT, now + _LISTEN_EVERY_S)
        return False
