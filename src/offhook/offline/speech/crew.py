"""A few worker processes of one kind, and the queue in front of them. Knows orders, not speech.

Every worker has one task here that starts it, hands it one order at a time, and starts another when it dies. An
order that lost its worker is done once more; an order nobody wants any more never reaches a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final, Literal

from offhook.errors import OurError
from offhook.offline.speech import orders

Kind = Literal["ears", "voice"]

#: Loading may include a fetch of 55 MB by pip; see `models`.
LOAD_S: Final = 700.0
#: The longest order: 28 s of speech take about 2.6 s on a free core.
ORDER_S: Final = 30.0
STOP_S: Final = 3.0
#: Orders waiting. More than this many calls in one process do not have a turn end at the same moment.
QUEUE: Final = 128
#: A worker that dies this often without finishing an order is not started again.
DEATHS: Final = 3
_AGAIN_S: Final = 0.2


class Priority(IntEnum):
    """What is done first."""

    CONFIRMED = 0
    SPECULATIVE = 1


class WorkerLost(Exception):
    """A worker died, or did not answer in time."""


class Ticket:
    """One order on its way. ``on_result`` is called on the loop for every result, the last one included."""

    __slots__ = ("_crew", "is_over", "on_result", "order", "priority", "retried")

    def __init__(
        self, crew: Crew, order: orders.Order, priority: Priority, on_result: Callable[[orders.Result], None]
    ) -> None:
        self._crew = crew
        self.order = order
        self.priority = priority
        self.on_result = on_result
        self.is_over = False
        self.retried = False

    def cancel(self) -> None:
        """Want no result any more."""
        self.is_over = True

    def confirm(self) -> None:
        """Move before everything speculative."""
        if not self.is_over and self.priority is not Priority.CONFIRMED:
            self.priority = Priority.CONFIRMED
            self._crew.enqueue(self)

    def tell(self, result: orders.Result) -> None:
        """Pass a result on, unless nobody wants it."""
        if not self.is_over:
            self.is_over = not isinstance(result, orders.Spoken) or result.last
            self.on_result(result)


class Crew:
    """Workers of one kind."""

    def __init__(self, kind: Kind, size: int, progress: Callable[[str], None]) -> None:
        self.kind: Kind = kind
        self.engine = ""
        self._size = size
        self._progress = progress
        self._queue: list[tuple[int, int, Ticket]] = []
        self._order = itertools.count()
        self._wanted = asyncio.Event()
        self._shifts: list[asyncio.Task[None]] = []
        self._told: set[str] = set()

    async def start(self) -> None:
        """Start all workers and wait until they are loaded. `OurError` where one cannot be."""
        loaded = [asyncio.get_running_loop().create_future() for _ in range(self._size)]
        self._shifts = [asyncio.create_task(self._shift(each), name=f"{self.kind} worker") for each in loaded]
        try:
            await asyncio.gather(*loaded)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop all workers; what waits is forgotten."""
        self._queue.clear()
        for shift in self._shifts:
            shift.cancel()
        await asyncio.gather(*self._shifts, return_exceptions=True)
        self._shifts = []

    def submit(self, order: orders.Order, priority: Priority, on_result: Callable[[orders.Result], None]) -> Ticket:
        """Have ``order`` done. Where too much waits already, it fails at once, on the loop's next turn."""
        ticket = Ticket(self, order, priority, on_result)
        if len(self._queue) >= QUEUE:
            self._queue = [entry for entry in self._queue if not entry[2].is_over]
            heapq.heapify(self._queue)
        if len(self._queue) >= QUEUE or all(shift.done() for shift in self._shifts):
            asyncio.get_running_loop().call_soon(ticket.tell, orders.Failed("Overloaded"))
        else:
            self.enqueue(ticket)
        return ticket

    def enqueue(self, ticket: Ticket) -> None:
        """Put ``ticket`` where its priority says; a second entry of the same ticket is harmless."""
        heapq.heappush(self._queue, (ticket.priority, next(self._order), ticket))
        self._wanted.set()

    async def _shift(self, loaded: asyncio.Future[None]) -> None:
        """Keep one worker alive for the life of the crew."""
        deaths = 0
        while deaths < DEATHS:
            try:
                async with _process(self.kind) as worker:
                    await self._load(worker)
                    if not loaded.done():
                        loaded.set_result(None)
                    while True:
                        await self._serve(worker, await self._next())
                        deaths = 0
            except WorkerLost:
                deaths += 1
                await asyncio.sleep(_AGAIN_S * deaths)
        if not loaded.done():
            loaded.set_exception(OurError(worker=self.kind, deaths=deaths))
        elif all(shift.done() or shift is asyncio.current_task() for shift in self._shifts):
            self._progress(f"the {self.kind} worker keeps dying and was given up")
            while self._queue:
                heapq.heappop(self._queue)[2].tell(orders.Failed("WorkerLost"))

    async def _load(self, worker: asyncio.subprocess.Process) -> None:
        while True:
            match await _read(worker, LOAD_S):
                case orders.Loading(text):
                    if text not in self._told:  # two workers have the same to say
                        self._told.add(text)
                        self._progress(text)
                case orders.Ready(engine):
                    self.engine = engine
                    return
                case _:
                    raise WorkerLost

    async def _next(self) -> Ticket:
        while True:
            while self._queue:
                ticket = heapq.heappop(self._queue)[2]
                if not ticket.is_over:
                    ticket.priority = Priority.CONFIRMED  # being done: `confirm` must not enqueue it again
                    return ticket
            self._wanted.clear()
            await self._wanted.wait()

    async def _serve(self, worker: asyncio.subprocess.Process, ticket: Ticket) -> None:
        heard_of = False
        try:
            await _write(worker, ticket.order)
            while True:
                result = await _read(worker, ORDER_S)
                heard_of = True
                ticket.tell(result)
                if not isinstance(result, orders.Spoken) or result.last:
                    return
        except WorkerLost:
            if heard_of or ticket.retried:
                ticket.tell(orders.Failed("WorkerLost"))
            else:
                ticket.retried = True
                self.enqueue(ticket)
            raise


@asynccontextmanager
async def _process(kind: Kind) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker; it is gone afterwards, whatever happened."""
    # A group of its own: Ctrl-C in the terminal is for us, and we end it in our own order.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook.offline.speech.worker", kind,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            creationflags=flags, start_new_session=sys.platform != "win32",
        )  # fmt: skip
    except OSError as error:
        raise WorkerLost from error
    try:
        yield worker
    finally:
        await _stopped(worker)


async def _stopped(worker: asyncio.subprocess.Process) -> None:
    """End a worker: at once, for it holds nothing worth saving. Shielded, so that a cancelled close leaves none."""
    with contextlib.suppress(ProcessLookupError):
        worker.kill()
    if worker.stdin is not None:
        worker.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_S):
            await worker.wait()
    # The transport closes its pipes on the loop's next turns; without this a closed loop would find them open.
    transport = getattr(worker, "_transport", None)
    if transport is not None:
        transport.close()
    await asyncio.sleep(0)


async def _write(worker: asyncio.subprocess.Process, order: orders.Order) -> None:
    assert worker.stdin is not None
    try:
        async with asyncio.timeout(ORDER_S):
            worker.stdin.write(orders.packed(order))
            await worker.stdin.drain()
    except (OSError, TimeoutError) as error:
        raise WorkerLost from error


async def _read(worker: asyncio.subprocess.Process, within_s: float) -> orders.Result:
    assert worker.stdout is not None
    try:
        async with asyncio.timeout(within_s):
            (length,) = orders.LENGTH.unpack(await worker.stdout.readexactly(orders.LENGTH.size))
            if length > orders.MAX_FRAME_BYTES:
                raise WorkerLost
            return orders.result_from(await worker.stdout.readexactly(length))
    except (OSError, TimeoutError, EOFError) as error:
        raise WorkerLost from error
