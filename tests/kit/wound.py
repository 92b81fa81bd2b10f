"""Time that passes only where nobody has work: a slow or crowded machine cannot make a call late. Real sockets.

For whole calls whose parties all live in this process. Their waiting is skipped, so an hour of calls takes its work
alone, and what happens does not depend on how fast it is done. What is between two sockets of this machine has arrived
before time goes on; who works on a thread is waited for.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import pytest

Params = ParamSpec("Params")
Result = TypeVar("Result")
#: The least that is skipped: less could vanish in the rounding of a large number of seconds.
LEAST_S = 1e-6
#: What a look at the clock takes: who looks again and again until it is time must not look for ever.
LOOK_S = 1e-7
#: For tasks to end after what they were for.
TASKS_S = 2.0
#: For one byte to cross this machine, on its worst day.
FENCE_S = 30.0


def wound(main: Coroutine[Any, Any, Result]) -> Result:
    """Run ``main`` to its end; until then ``time.monotonic`` is the loop's time. A task that it leaves behind fails."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=Loop) as runner:
        patch.setattr(time, "monotonic", runner.get_loop().time)
        return runner.run(_without_leaks(main))


def in_wound_time(test: Callable[Params, Coroutine[Any, Any, None]]) -> Callable[Params, None]:
    """Make a coroutine a test that runs by `wound`."""

    @functools.wraps(test)
    def run(*args: Params.args, **named: Params.kwargs) -> None:
        wound(test(*args, **named))

    return run


async def _without_leaks(main: Coroutine[Any, Any, Result]) -> Result:
    result = await main
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=TASKS_S)
    assert not left, "leaked tasks: " + "; ".join(repr(task.get_coro()) for task in left)
    return result


class Loop(asyncio.SelectorEventLoop):
    """The loop that `wound` runs on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._patient = _Patient()
        super().__init__(self._patient)

    def time(self) -> float:
        """Return seconds: the monotonic clock's when the loop was made, and what was skipped since."""
        self._patient.skipped_s += LOOK_S
        return self._began + self._patient.skipped_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Result], *args: Any
    ) -> asyncio.Future[Result]:
        """Let a thread do it; time stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._patient.on_threads += 1
        future.add_done_callback(self._patient.one_less)
        return future

    def close(self) -> None:
        """Close it, and its fence."""
        super().close()
        self._patient.fence.close()


class _Patient(selectors.DefaultSelector):
    """Looks whether anything is ready; where nothing is, nothing is under way and nobody works, skips the waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0
        self.on_threads = 0
        self.fence = _Fence()

    def one_less(self, _: object) -> None:
        """Note that a thread is done."""
        self.on_threads -= 1

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.on_threads:
            return super().select(timeout)  # of a timeout that passes nothing is skipped: it is waited for again
        ready = super().select(0)
        if ready or timeout <= 0:
            return ready
        self.fence.wait()
        ready = super().select(0)
        if not ready:
            self.skipped_s += max(timeout, LEAST_S)
        return ready


class _Fence:
    """A connection of this machine: when a byte sent now has arrived, what was sent before it has too."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self._near = socket.create_connection(door.getsockname(), FENCE_S)
            self._far, _ = door.accept()
        self._near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._far.settimeout(FENCE_S)

    def wait(self) -> None:
        """Send a byte and wait for it. `TimeoutError` where this machine stands still."""
        self._near.send(b".")
        self._far.recv(1)

    def close(self) -> None:
        """Close both ends."""
        self._near.close()
        self._far.close()
