"""What the two ends of a load run share: the plan, the figures, the clock. Opens and measures nothing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.sim.identity import CallIdentity

if TYPE_CHECKING:
    from offhook.sim.load_ends import AgentCall, Caller


def now_us() -> int:
    """Return the load's clock."""
    return time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What to do: ``url`` is a voice webhook (http) or a stream (ws) of this machine."""

    url: str
    calls: int = 50
    seconds: float = 10.0
    starts_per_s: float = 20.0
    barge_in_s: float = 5.0
    auth_token: str | None = field(default=None, repr=False)
    account_sid: str = CallIdentity().account_sid
    sign_as: str | None = None


@dataclass(slots=True)
class Tally:
    """What was measured; delays in microseconds, of the steady part only."""

    up: list[int] = field(default_factory=list)
    down: list[int] = field(default_factory=list)
    clear: list[int] = field(default_factory=list)
    first_audio: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    steady: bool = False
    clears_due: int = 0
    clears_missed: int = 0
    bad_messages: int = 0
    crossed: int = 0

    def failed(self, why: str) -> None:
        """Count a call that did not come to its end."""
        self.failures[why] = self.failures.get(why, 0) + 1


@dataclass(slots=True)
class LoadRun:
    """One run while it lasts. ``quiet``: the agent starts no more audio. ``changed``: an agent socket has gone."""

    plan: LoadPlan
    loop: asyncio.AbstractEventLoop
    tally: Tally = field(default_factory=Tally)
    callers: list[Caller] = field(default_factory=list)
    agents: list[AgentCall] = field(default_factory=list)
    quiet: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)
