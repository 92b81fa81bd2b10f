"""The doctor's look at a server that has just started: its checks without the network part, as log lines. Only looks.

They run in a process of their own: they load much that a server does not need, and a call may come at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from offhook.observe.log import logger

_PATIENCE_S: Final = 30.0
#: What is missing was said before the server listened, a server needs no project, and its image is built already; where
#: it listens it knows better than its environment.
_SAID: Final = ("missing", "no-project", "copy-missing")
_KNOWN: Final = ("listening",)


@asynccontextmanager
async def self_test(config: Path | None) -> AsyncIterator[Callable[[], None]]:
    """Yield what begins the look, once the server listens. What is not known when the block ends stays unknown.

    ``config`` is absolute.
    """
    looking: list[asyncio.Task[None]] = []
    try:
        yield lambda: looking.append(asyncio.create_task(_look(config)))
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


async def _look(config: Path | None) -> None:
    findings = await _findings(config)
    told = [f for f in findings if f["verdict"] == "fail" and f["cause"] not in _SAID and f["check"] not in _KNOWN]
    for finding in told:
        logger().warning("self_test", **{name: finding[name] for name in ("check", "cause", "found", "fix")})
    if findings and not told:
        logger().info("self_test", wrong=0, looked_at=len({finding["check"] for finding in findings}))


async def _findings(config: Path | None) -> list[dict[str, Any]]:
    """Ask the doctor; nothing where it cannot be asked: a server that runs is worth more than a look at it."""
    folder = Path() if config is None else config.parent
    environ = {**os.environ, **({} if config is None else {"OFFHOOK_CONFIG": str(config)})}
    words = ("-m", "offhook", "doctor", str(folder), "--no-network", "--json")
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    spawning = asyncio.create_task(
        asyncio.create_subprocess_exec(sys.executable, *words, stdin=nowhere, stdout=pipe, stderr=nowhere, env=environ)
    )
    try:
        await asyncio.shield(spawning)  # a child that is half made can be neither left nor ended
        async with asyncio.timeout(_PATIENCE_S):
            said, _ = await (await spawning).communicate()
        return list(json.loads(said)["findings"])
    except (OSError, ValueError, KeyError):  # TimeoutError is an OSError
        return []
    finally:
        with suppress(OSError):  # it never was, or is over
            child = await spawning
            child.kill()
            await child.wait()
