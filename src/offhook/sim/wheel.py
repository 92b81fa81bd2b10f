"""One timer for everything on a loop that is due at some millisecond. Never early; not exact to less than one.

Two hundred calls have ten thousand things due every second. As timers of their own each would wake the loop; here
everything of one millisecond is one wake-up.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

#: Waiting for a fact looks this often.
MOMENT_MS: Final = 10


class Ticket:
    """One thing that is due, until it is done or cancelled."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Do not do it. Safe to repeat, and afterwards."""
        self.call = None


class Wheel:
    """What is due on one loop. Get it with `wheel_of`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, deque[Ticket]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_slot = 0

    def after_ms(self, wait_ms: float, call: Callable[[], None]) -> Ticket:
        """Call ``call`` after so many milliseconds, less than two late where the loop is free."""
        return self._put(math.ceil(time.monotonic() * 1000 + wait_ms), call)

    async def moment(self, until_s: float) -> None:
        """Wait for the next moment at which facts are looked at, not beyond ``until_s`` (monotonic)."""
        now_ms = time.monotonic() * 1000
        due = min(math.ceil((now_ms + 1) / MOMENT_MS) * MOMENT_MS, max(math.ceil(until_s * 1000), math.ceil(now_ms)))
        reached: asyncio.Future[None] = self._loop.create_future()

        def reach() -> None:
            if not reached.done():
                reached.set_result(None)

        self._put(due, reach)
        await reached

    def _put(self, slot: int, call: Callable[[], None]) -> Ticket:
        ticket = Ticket(call)
        waiting = self._slots.get(slot)
        if waiting is not None:
            waiting.append(ticket)
            return ticket
        self._slots[slot] = deque((ticket,))
        heapq.heappush(self._order, slot)
        if self._timer is None or slot < self._timer_slot:
            self._arm()
        return ticket

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_slot = self._order[0]
        # One millisecond at least: loops round, and a timer that fires too early must not spin.
        wait_s = max(0.001, self._timer_slot / 1000 - time.monotonic())
        self._timer = self._loop.call_later(wait_s, self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = time.monotonic() * 1000
        try:
            while self._order and self._order[0] <= now:
                self._do(heapq.heappop(self._order))
        finally:
            if self._order and self._timer is None:
                self._arm()

    def _do(self, slot: int) -> None:
        waiting = self._slots.pop(slot)
        try:
            while waiting:
                call, ticket = waiting[0].call, waiting.popleft()
                ticket.cancel()
                if call is not None:
                    call()
        finally:
            # One that raised must not take the others of its millisecond with it.
            while waiting:
                self._put(slot, waiting[0].call or _nothing)
                waiting.popleft()


def _nothing() -> None: ...


_WHEELS: WeakKeyDictionary[asyncio.AbstractEventLoop, Wheel] = WeakKeyDictionary()


def wheel_of() -> Wheel:
    """Return the running loop's wheel."""
    loop = asyncio.get_running_loop()
    wheel = _WHEELS.get(loop)
    if wheel is None:
        wheel = _WHEELS[loop] = Wheel(loop)
    return wheel
