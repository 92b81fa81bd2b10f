"""Time that can be wound: a call's age by hand, a whole process by its event loop. Measures nothing.

Three ways to see in a minute what takes the vendor two hours. `SessionClock` jumps: the session is older at once, as
if the client had behaved all along. `hurried` runs every timer of the process (pace, patience, playing time) so many
times as fast. On a `WoundLoop` time passes only where nobody has work.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

#: The least that is skipped: less could vanish in the rounding of a large number of seconds.
LEAST_S: Final = 1e-6
#: What a look at the clock takes: who looks again and again until it is time must not look for ever.
LOOK_S: Final = 1e-7
#: For one byte to cross this machine, on its worst day.
FENCE_S: Final = 30.0


class SessionClock:
    """The age of one session in seconds, by the running event loop and by hand."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._opened = self._now()
        self._ahead = 0.0
        self.was_wound = asyncio.Event()

    def age(self) -> float:
        """Return how long the session has lasted."""
        return self._now() - self._opened + self._ahead

    def wind(self, seconds: float) -> None:
        """Make the session ``seconds`` older now."""
        self._ahead += seconds
        self.was_wound.set()


def hurried(rate: float) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a factory of loops whose time runs so many times as fast: ``asyncio.Runner(loop_factory=hurried(60))``."""
    return lambda: _HurriedLoop(rate)


class _HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._began = time.monotonic()
        super().__init__(_Hurried(rate))

    def time(self) -> float:
        """Return the hurried time in seconds; it starts at the monotonic clock's."""
        return self._began + (time.monotonic() - self._began) * self._rate


class _Hurried(selectors.DefaultSelector):
    """Waits for files as always, and for time a fraction of it."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._rate)


class WoundLoop(asyncio.SelectorEventLoop):
    """An event loop that skips what everybody only waits for: an hour takes its work alone, on any machine.

    For processes that hold both ends of every socket; time also passes while another process works. What is between
    two sockets of this machine has arrived before time goes on; who works on a thread is waited for.
    """

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
