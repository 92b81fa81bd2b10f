"""Whether to take one more call: how many are live, how fast they start, whether the agent would take them. No sockets.

Pure but for being shared by all calls of a process; ``now`` is monotonic seconds.
"""

from __future__ import annotations

from typing import Final

from offhook.config.limits import Limits
from offhook.errors import AdmissionRefused, AgentBusy, AgentError, AgentRefused, AgentUnavailable

_PROBE_EVERY_S: Final = 10.0
_CEILING_FOR_S: Final = 60.0
#: So many calls in a row that could not reach the agent are an outage (A25).
_OUTAGE: Final = 5


class Admission:
    """Counts and rates. `refuse_reason` says why a call would be refused now, or an empty text."""

    def __init__(self, calls: int, limits: Limits) -> None:
        self.is_draining = False
        self._calls, self._rate, self._burst = calls, limits.calls_per_second, float(limits.calls_burst)
        self._tokens, self._tokens_at = self._burst, 0.0
        self._ceiling, self._ceiling_until = calls, 0.0
        self._trouble, self._probe_at = "", 0.0
        self._unreached = 0

    @property
    def agent_trouble(self) -> str:
        """Why the agent takes no calls of ours, or nothing. One call in ten seconds is let through all the same."""
        return self._trouble

    def take(self, live: int, now: float) -> None:
        """Admit one more call, or raise `AdmissionRefused`."""
        reason = self.refuse_reason(live, now)
        if reason:
            raise AdmissionRefused(why=reason)
        self._tokens = self._tokens_now(now) - 1
        self._tokens_at = now
        if self._trouble:
            self._probe_at = now + _PROBE_EVERY_S  # this call is the probe; the next ones wait for what it learns

    def refuse_reason(self, live: int, now: float) -> str:
        """Say why one more call would be refused, or nothing."""
        if self.is_draining:
            return "draining"
        if live >= (self._ceiling if now < self._ceiling_until else self._calls):
            return "at capacity"
        if self._tokens_now(now) < 1:
            return "too many call starts"
        if self._trouble and now < self._probe_at:
            return self._trouble
        return ""

    def agent_answered(self) -> None:
        """The agent took a call: close the breaker."""
        self._trouble, self._unreached = "", 0

    def agent_failed(self, error: AgentError, live: int, now: float) -> None:
        """The agent could not be dialled: open the breaker (A1, A25), or lower the ceiling to what it takes (A3)."""
        if isinstance(error, AgentUnavailable):
            self._unreached += 1
            if self._unreached >= _OUTAGE:
                self._open("agent cannot be reached", now)
        elif isinstance(error, AgentRefused):
            self._open("agent refuses us", now)
        else:  # it is there, and lets us in
            self.agent_answered()
        if isinstance(error, AgentBusy):
            self._ceiling, self._ceiling_until = max(1, live - 1), now + _CEILING_FOR_S

    def _open(self, trouble: str, now: float) -> None:
        self._trouble, self._probe_at = trouble, now + _PROBE_EVERY_S

    def _tokens_now(self, now: float) -> float:
        return min(self._burst, self._tokens + (now - self._tokens_at) * self._rate)
