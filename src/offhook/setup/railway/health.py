"""Waits until a deployed server would take a call, asked through its public name. One GET at a time; no call."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp

from offhook.errors import RailwayError
from offhook.setup.railway.wanted import HEALTH_PATH

#: A new name takes a while until the world knows it, and the edge until it finds the process behind it.
HEALTHY_S: Final = 120.0
_ASK_S: Final = 10.0
_PAUSE_S: Final = 1.0
#: What Railway's edge answers for itself (Railway, "Application failed to respond").
_EDGE: Final = {
    404: (
        "edge-404",
        "Railway knows no running deployment behind that name",
        "look at the deployment, or, for a domain of your own, at its records (`offhook doctor` names them)",
    ),
    502: (
        "edge-502",
        "Railway cannot talk to the server behind that name",
        "the domain's target port must be PORT, and the server must listen on it on all interfaces: run again",
    ),
}


async def wait_until_healthy(session: aiohttp.ClientSession, url: str, within_s: float = HEALTHY_S) -> None:
    """Ask ``url`` for its readiness until it is 200. Raises RailwayError with the last answer's meaning."""
    deadline = time.monotonic() + within_s
    while True:
        trouble = await _asked(session, url + HEALTH_PATH)
        if trouble is None:
            return
        if time.monotonic() > deadline:
            raise trouble
        await asyncio.sleep(_PAUSE_S)


async def _asked(session: aiohttp.ClientSession, url: str) -> RailwayError | None:
    try:
        async with session.get(url, allow_redirects=False, timeout=aiohttp.ClientTimeout(_ASK_S)) as answer:
            if answer.status == 200:
                return None
            if answer.status in _EDGE:
                return RailwayError(*_EDGE[answer.status])
            said = f"{url} answers {answer.status}"
            return RailwayError("not-ready", said, "read the reason there, and in the deployment's log; then run again")
    except (aiohttp.ClientError, OSError):
        said = f"{url} cannot be reached"
        return RailwayError("not-reachable", said, "a new name takes some minutes to be known everywhere: run again")
