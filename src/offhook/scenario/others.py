"""Other callers who are on the line already when a scenario begins, and stay. They do nothing but listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from offhook.scenario.reading import ScenarioError
from offhook.scenario.target import Target
from offhook.sim.call import SimulatedCall
from offhook.sim.caller import Pause
from offhook.sim.identity import CallIdentity
from offhook.sim.options import CallOptions

#: For all of them to be on the line; for them to leave it.
CONNECT_S: Final = 15.0
LEAVE_S: Final = 5.0
_STAY_S: Final = 600.0
_LOOK_S: Final = 0.01


@asynccontextmanager
async def others_on_the_line(count: int, target: Target) -> AsyncIterator[None]:
    """Keep ``count`` calls up while the block runs. Raises `ScenarioError` where they cannot be."""
    calls = [SimulatedCall(target.url, [Pause(_STAY_S)], _options(target)) for _ in range(count)]
    tasks = {asyncio.create_task(call.run()) for call in calls}
    try:
        for _ in range(int(CONNECT_S / _LOOK_S)):
            if all(call.report().stream_started_ms is not None for call in calls):
                break
            await asyncio.sleep(_LOOK_S)
        else:
            raise ScenarioError([f"only some of {count} other callers got a line"])
        yield
    finally:
        for call in calls:
            await call.complete()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=LEAVE_S)
            for task in stuck:
                task.cancel()


def _options(target: Target) -> CallOptions:
    identity = CallIdentity() if target.account_sid is None else CallIdentity(account_sid=target.account_sid)
    return CallOptions(auth_token=target.auth_token, identity=identity, reach=target.reach)
