"""Asks the agent before the first caller does, and again while it takes none of ours. Decides nothing; tells us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from offhook.agent.probe import probe
from offhook.agent.providers import ThinkLadder
from offhook.config.settings import Settings
from offhook.errors import AgentError
from offhook.observe.log import logger

#: Recovered 15 s after the vendor has (A25), also where a router that reads /readyz sends nobody meanwhile.
_ASK_AGAIN_S: Final = 10.0


class AgentCheck:
    """One handshake at the start. ``reached`` is told what came of each, ``done`` that the first is over."""

    def __init__(
        self,
        settings: Settings,
        ladder: ThinkLadder,
        reached: Callable[[AgentError | None], None],
        done: Callable[[], None],
    ) -> None:
        self._settings, self._ladder, self._reached, self._done = settings, ladder, reached, done

    async def run(self, in_trouble: Callable[[], object]) -> None:
        """Ask once where a key is set, and every ten seconds while ``in_trouble``."""
        if self._settings.deepgram.api_key is not None:
            await self._ask()
        self._done()
        while True:
            await asyncio.sleep(_ASK_AGAIN_S)
            if in_trouble():
                await self._ask()

    async def _ask(self) -> None:
        try:
            await self._learn()
        except Exception as defect:  # noqa: BLE001 - the boundary of this task: a defect here must not silence a server
            stack = RuntimeError(type(defect).__name__).with_traceback(defect.__traceback__)
            logger().error("defect", where="agent check", exc_info=stack)

    async def _learn(self) -> None:
        try:
            probed = await probe(self._settings, self._settings.agent, self._ladder)
        except AgentError as error:
            logger().error("agent_check_failed", reason=error.reason, public=error.public, **error.facts)
            self._reached(error)
            return
        left_out = ", ".join(entry.label for entry in probed.choice.left_out)
        logger().info("agent_checked", think=probed.choice.label, refused=left_out or None)
        self._reached(None)
