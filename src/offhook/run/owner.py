"""Who keeps the live calls, as a call's runner sees it. A Protocol only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from offhook.call.actions import CallRecord
from offhook.errors import AgentError

if TYPE_CHECKING:
    from offhook.run.call_runner import CallRunner


class Owner(Protocol):
    """Who keeps the live calls."""

    def agent_reached(self, error: AgentError | None) -> None:
        """The agent was dialled for a call: in vain, or not."""
        ...

    def ended(self, runner: CallRunner, record: CallRecord) -> None:
        """A call is over; called once per call."""
        ...
