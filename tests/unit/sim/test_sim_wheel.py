"""One timer for many: nothing early, nothing lost, nothing done that was cancelled."""

from __future__ import annotations

import asyncio
import itertools
import random
import time

import pytest
from tests.kit.raw import until

from offhook.sim.wheel import wheel_of


async def test_nothing_is_early_and_everything_comes_in_the_order_it_is_due() -> None:
    wheel, chance = wheel_of(), random.Random(1)
    waits_ms = [chance.uniform(0, 120) for _ in range(300)]
    begun = time.monotonic()
    done: list[tuple[float, float]] = []
    for wait_ms in waits_ms:
        wheel.after_ms(wait_ms, lambda wait_ms=wait_ms: done.append((wait_ms, (time.monotonic() - begun) * 1000)))
    async with asyncio.timeout(10):
        while len(done) < len(waits_ms):
            await wheel.moment(time.monotonic() + 1)
    assert all(at_ms >= wait_ms for wait_ms, at_ms in done)
    assert all(before[0] <= after[0] + 1.1 for before, after in itertools.pairwise(done))


async def test_what_is_cancelled_is_not_done() -> None:
    wheel, done = wheel_of(), []
    kept, cancelled = wheel.after_ms(5, lambda: done.append("kept")), wheel.after_ms(5, lambda: done.append("not"))
    cancelled.cancel()
    async with asyncio.timeout(5):
        while not done:
            await wheel.moment(time.monotonic() + 1)
    kept.cancel()
    assert done == ["kept"]


async def test_a_bug_of_one_does_not_stop_the_others() -> None:
    wheel, done = wheel_of(), []
    told: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))

    def fails() -> None:
        raise ValueError("a bug")

    try:
        wheel.after_ms(5, fails)
        wheel.after_ms(5, lambda: done.append(1))
        wheel.after_ms(20, lambda: done.append(2))
        await until(lambda: len(done) == 2)
    finally:
        loop.set_exception_handler(None)
    assert [type(context["exception"]) for context in told] == [ValueError]


async def test_a_moment_ends_no_later_than_asked_and_one_waiter_is_not_another() -> None:
    wheel = wheel_of()
    first = asyncio.create_task(wheel.moment(time.monotonic() + 100))
    second = asyncio.create_task(wheel.moment(time.monotonic() + 100))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(5):
        await second
