"""The functions of one call that are running now. Not a registry and not their meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from offhook.call.ports import Functions
from offhook.wire.deepgram import FunctionCall


class FunctionCalls:
    """Runs each function in a task of its own; ``answered`` gets its id and content, unless it was cancelled."""

    def __init__(self, functions: Functions, answered: Callable[[str, str], None]) -> None:
        self._functions, self._answered = functions, answered
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, calls: Sequence[FunctionCall]) -> None:
        """Run these."""
        for call in calls:
            self._tasks[call.id] = asyncio.get_running_loop().create_task(self._run(call))

    def cancel(self, ids: Sequence[str] | None = None) -> None:
        """Cancel these, or all."""
        for call_id in list(self._tasks) if ids is None else ids:
            if call_id in self._tasks:
                self._tasks[call_id].cancel()

    async def wait(self) -> None:
        """Wait until none is left."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, call: FunctionCall) -> None:
        content = await self._functions.run(call)
        self._tasks.pop(call.id, None)  # an agent may ask twice under one id
        self._answered(call.id, content)
