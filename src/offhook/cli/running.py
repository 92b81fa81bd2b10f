"""Runs a coroutine on the fastest event loop there is, and asks within it. uvloop where it is; not on Windows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_loop(main: Coroutine[Any, Any, Result], hurry: float | None = None) -> Result:
    """Run ``main`` to its end; with ``hurry`` on a loop whose time passes so many times as fast."""
    if hurry is not None:
        from offhook.offline.clock import hurried

        with asyncio.Runner(loop_factory=hurried(hurry)) as runner:
            return runner.run(main)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask yes or no, where a loop runs. Ctrl-C ends us at once: the loop would note it and wait for the answer."""
    import signal

    import typer

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, default=default)
    except typer.Abort:
        typer.echo("")
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
