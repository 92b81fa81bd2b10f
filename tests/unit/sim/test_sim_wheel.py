"""One timer for many: nothing early, nothing lost, nothing done that was cancelled."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from tests.kit.raw import until

from offhook.sim.wheel import wheel_of


async def test_nothing_is_early_and_everything_comes() -> None:
    wheel, chance = wheel_of(), random.Random(1)
    done: list[tuple[float, float]] = []

    def later(wait_ms: float) -> None:
        due_ms = time.monotonic() * 1000 + wait_ms
        wheel.after_ms(wait_ms, lambda: done.append((due_ms, time.monotonic() * 1000)))

    for _ in range(300):
        later(chance.uniform(0, 120))
    await until(lambda: len(done) == 300, 20)
    assert all(at_ms >= due_ms for due_ms, at_ms in done)
    late_ms = sorted(at_ms - due_ms for due_ms, at_ms in done)
    assert late_ms[len(late_ms) // 2] < 100  # half of them within any reason, however busy the machine is


async def test_of_two_the_one_that_is_due_first_comes_first() -> None:
    wheel, done = wheel_of(), []
    for wait_ms in (300, 100, 200, 0):
        wheel.after_ms(wait_ms, lambda wait_ms=wait_ms: done.append(wait_ms))
    await until(lambda: len(done) == 4)
    assert done == [0, 100, 200, 300]


async def test_what_is_cancelled_is_not_done() -> None:
    wheel, done = wheel_of(), []
    kept, cancelled = wheel.after_ms(5, lambda: done.append("kept")), wheel.after_ms(5, lambda: done.append("not"))
    cancelled.cancel()
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(30):
        await second
