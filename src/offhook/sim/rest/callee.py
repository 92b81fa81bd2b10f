"""Who is called by a call that REST places: whether somebody picks up, and what is said then. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from offhook.sim.caller import Step, WaitForHangUp

#: One who picks up and has nothing to say stays on the line this long, in seconds.
STAYS_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Callee:
    """A telephone that is called: after ``rings_s`` the result. A machine is one that detection takes for one."""

    result: Literal["answered", "busy", "no-answer", "failed"] = "answered"
    rings_s: float = 1.0
    steps: Sequence[Step] = (WaitForHangUp(STAYS_S),)
    is_machine: bool = False
    #: How long a machine's greeting is.
    greeting_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Callees:
    """Who answers which number; everybody else is ``others``."""

    by_number: Mapping[str, Callee] = field(default_factory=dict)
    others: Callee = field(default_factory=Callee)

    def of(self, number: str) -> Callee:
        """Return who is called at a number."""
        return self.by_number.get(number, self.others)
