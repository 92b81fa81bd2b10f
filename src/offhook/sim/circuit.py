"""What one call is at this moment: ringing, on, or over, and where it is to go next. Everything waits here.

No audio and no protocol: the parts of a call share it so that an end from any side is noticed by all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from offhook.sim.caller import LineOver
from offhook.sim.events import Answered, HungUp, Party
from offhook.sim.plan import Rerouted
from offhook.sim.state import CallState, CallStatus, OnState
from offhook.sim.wheel import wheel_of
from offhook.sim.witness import Witness


class Circuit:
    """One call's condition. ``on_state`` is told every change of the status."""

    def __init__(self, witness: Witness, state: CallState, on_state: OnState) -> None:
        self.witness = witness
        self.state = state
        self.over: HungUp | None = None
        self._next: Rerouted | None = None
        self._on_state = on_state

    @property
    def is_answered(self) -> bool:
        """Whether the two sides are connected, or were."""
        return self.state.answered is not None

    def now_ms(self) -> float:
        """Return the time of the call."""
        return self.witness.now_ms()

    def becomes(self, status: CallStatus) -> bool:
        """Change the status where that is a step forward; say whether it was."""
        new = self.state.becomes(status)
        if new is self.state:
            return False
        self.state = new
        if status == "in-progress":
            self.witness.tell(Answered(self.now_ms()))
        self._on_state(new)
        return True

    def announce(self) -> None:
        """Tell the status the call begins with."""
        self._on_state(self.state)

    def end(self, by: Party, why: str, status: CallStatus | None = None) -> None:
        """End the call, once. Without ``status`` it is completed, or unanswered where it was never answered."""
        if self.over is None:
            self.over = HungUp(self.now_ms(), by, why)
            self.witness.tell(self.over)
            self.becomes(status or ("completed" if self.is_answered else "no-answer"))

    def reroute(self, following: Rerouted) -> None:
        """Send the call elsewhere; what it is doing ends."""
        if self.over is None:
            self._next = following

    @property
    def is_leaving(self) -> bool:
        """Whether what runs must end: the call is over, or sent elsewhere."""
        return self.over is not None or self._next is not None

    def check(self) -> None:
        """Raise `LineOver` where the call is over, `Rerouted` where it is to go elsewhere."""
        if self.over is not None:
            raise LineOver
        if self._next is not None:
            following, self._next = self._next, None
            raise following

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact, as a person does; ``False`` when the time is up. Raises `LineOver`."""
        wheel, until_s = wheel_of(), time.monotonic() + timeout_s
        while True:
            self.witness.settle()
            if self.over is not None:
                raise LineOver
            if fact():
                return True
            if time.monotonic() >= until_s:
                return False
            await wheel.moment(until_s)

    async def hold(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact, as a verb does; ``False`` when the time is up. Raises `LineOver` or `Rerouted`."""
        came = await self.wait_until(lambda: fact() or self._next, timeout_s)
        self.check()
        return came
