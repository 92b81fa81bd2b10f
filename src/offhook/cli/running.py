"""Runs a coroutine on the fastest event loop there is: uvloop where it is installed, asyncio elsewhere (Windows)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_loop(main: Coroutine[Any, Any, Result], hurry: float | None = None) -> Result:
    """Run ``main`` to its end; with ``hurry`` on a loop whose time passes so many times as fast."""
    if hurry is not None:
        from offhook.offline.clock import wound

        with asyncio.Runner(loop_factory=wound(hurry)) as runner:
            return runner.run(main)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
