"""Runs tests in time that passes only where nobody has work: no machine is too slow for them. Real sockets.

For whole calls whose parties all live in this process. What happens does not depend on how fast it is done.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import pytest

from offhook.offline.clock import WoundLoop

Params = ParamSpec("Params")
Result = TypeVar("Result")
#: For tasks to end after what they were for.
TASKS_S = 2.0


def wound(main: Coroutine[Any, Any, Result]) -> Result:
    """Run ``main`` to its end; until then ``time.monotonic`` is the loop's time. A task that it leaves behind fails."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=WoundLoop) as runner:
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
