"""A process's life: starting, ready, draining, stopped; which signal did it, and a line that says why we exited.

Works as PID 1, where a signal without a handler is ignored. No sockets, no calls: it tells a server when.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final, Protocol, Self

from offhook import stop_reasons
from offhook.errors import OffhookError
from offhook.observe.log import logger

_NAMES: Final = tuple(name for name in stop_reasons.STOPPING if hasattr(signal, name))
#: A defect of ours (EX_SOFTWARE), so that a platform starts us again.
EXIT_DEFECT: Final = 70


class StopSignals:
    """Turns signals into two events. SIGTERM drains; any other, or a second signal of any kind, stops now."""

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.now = asyncio.Event()
        self.why = ""
        self._loop = asyncio.get_running_loop()
        self._before: dict[signal.Signals, object] = {}

    def install(self) -> None:
        """Take the signals over. `signal.signal` works on every platform and as PID 1; the event is set on the loop."""
        for name in _NAMES:
            number = signal.Signals[name]
            if name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup: whoever started us wants us to outlive the terminal
            self._before[number] = signal.signal(number, self._caught)

    def restore(self) -> None:
        """Give the signals back."""
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type] # it came from signal.signal
        self._before.clear()

    def _caught(self, number: int, _: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self.stop, signal.Signals(number).name)

    def stop(self, name: str) -> None:
        """Act on a signal."""
        if not self.why:
            self.why = stop_reasons.why(name, os.environ)
        if not stop_reasons.drains(name, os.environ) or self.drain.is_set():
            self.now.set()
        self.drain.set()


class Served(Protocol):
    """A server: listens inside its block, drains when asked."""

    async def __aenter__(self) -> Self:
        """Listen."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        ...

    async def drain(self) -> None:
        """Refuse what is new, wait for what is live."""
        ...


async def serve(server: Served, listening_now: Callable[[], None]) -> int:
    """Serve until a signal; return the exit code. Says why it stopped, whatever stopped it."""
    log, signals = logger(), StopSignals()
    signals.install()
    try:
        async with server:
            listening_now()
            gc.collect()
            gc.freeze()  # what lives for ever need not be walked while calls are live
            await signals.drain.wait()
            log.info("stopping", why=signals.why)
            draining = asyncio.create_task(server.drain())
            stop_now = asyncio.create_task(signals.now.wait())
            await asyncio.wait((draining, stop_now), return_when=asyncio.FIRST_COMPLETED)
            for task in (draining, stop_now):
                task.cancel()
            await asyncio.gather(draining, stop_now, return_exceptions=True)
        log.info("stopped", why=signals.why)
        return 0
    except OffhookError:
        raise
    except Exception as error:  # the boundary of the process: said once, with a code that is not 0
        log.error("stopped", why=f"a defect of offhook: {type(error).__name__}", exc_info=error)
        raise SystemExit(EXIT_DEFECT) from None
    except asyncio.CancelledError:  # Ctrl-C in the moment before the signals were ours
        log.info("stopped", why=f"before it listened: {stop_reasons.why('SIGINT', os.environ)}")
        raise
    except BaseException as error:
        log.error("stopped", why=f"from within: {type(error).__name__}")
        raise
    finally:
        signals.restore()
