"""Watches for an agent that owes something: an answer, or any sign after the caller began to speak. Pure.

A12 and A13: the agent may take bytes and say nothing, or go deaf without an error. Only expected progress tells.
"""

from __future__ import annotations

from typing import Final

from offhook.call.deadlines import Deadline, Deadlines
from offhook.config.timeouts import Timeouts
from offhook.wire import ulaw

_LISTEN_EVERY_S: Final = 0.25
_QUIET_DBFS: Final = -45.0


class Watch:
    """Arms and disarms the deadlines of an answer. ``is_waiting``: something of the agent is due."""

    __slots__ = ("_deadlines", "_has_spoken", "_quiet_since", "_timeouts", "is_waiting")

    def __init__(self, deadlines: Deadlines, timeouts: Timeouts) -> None:
        self.is_waiting = False
        self._deadlines, self._timeouts = deadlines, timeouts
        self._quiet_since = 0.0
        self._has_spoken = False

    def for_an_answer(self, now: float) -> None:
        """The caller's turn is over, or a function was answered: the agent must speak."""
        self.stop()
        self.is_waiting = True
        self._deadlines.arm(Deadline.ANSWER_WARN, now + self._timeouts.answer_warn_s)
        self._deadlines.arm(Deadline.ANSWER, now + self._timeouts.answer_s)

    def for_a_turn(self, now: float) -> None:
        """The agent took a sound for speech: it must say what it heard, once the caller is quiet.

        A cough may have been all, and nothing is to be said of it. Who is still heard after the word came has spoken,
        and so has who is taken for a speaker twice.
        """
        is_again = self._deadlines.is_armed(Deadline.AGENT_SILENT)
        self.stop()
        self.is_waiting, self._quiet_since, self._has_spoken = True, now, is_again
        self._deadlines.arm(Deadline.AGENT_SILENT, now + _LISTEN_EVERY_S)

    def stop(self) -> None:
        """The agent made progress, or there is none."""
        self.is_waiting = False
        self._deadlines.disarm(Deadline.ANSWER, Deadline.ANSWER_WARN, Deadline.AGENT_SILENT)

    def is_deaf(self, last_frame: bytes, now: float) -> bool:
        """Look at the newest caller audio; whether a caller who spoke has been quiet too long for an agent that hears.

        While the caller goes on speaking, an agent that says nothing is right.
        """
        if ulaw.level_dbfs(last_frame) > _QUIET_DBFS:
            self._quiet_since, self._has_spoken = now, True
        if self._has_spoken and now - self._quiet_since >= self._timeouts.agent_silent_s:
            return True
        self._deadlines.arm(Deadline.AGENT_SILENT, now + _LISTEN_EVERY_S)
        return False
