"""Asks the agent before the first caller does, and again while it refuses us. Decides nothing; tells who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from offhook.agent.probe import probe
from offhook.agent.providers import ThinkLadder
from offhook.config.settings import Settings
from offhook.errors import AgentError
from offhook.observe.log import logger

_ASK_AGAIN_S: Final = 30.0


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

    async def run(self, is_refused: Callable[[], object]) -> None:
        """Ask once, and every half minute while ``is_refused``."""
        while True:
            try:
                await self._ask()
            except Exception as defect:  # noqa: BLE001 - the boundary of this task: a defect here must not silence a server
                stack = RuntimeError(type(defect).__name__).with_traceback(defect.__traceback__)
                logger().error("defect", where="agent check", exc_info=stack)
            self._done()
            if not is_refused():
                return
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _ask(self) -> None:
        if self._settings.deepgram.api_key is None:
            return
        try:
            probed = await probe(self._settings, self._settings.agent, self._ladder)
        except AgentError as error:
            logger().error("agent_check_failed", reason=error.reason, public=error.public, **error.facts)
            self._reached(error)
            return
        left_out = ", ".join(entry.label for entry in probed.choice.left_out)
        logger().info("agent_checked", think=probed.choice.label, refused=left_out or None)
        self._reached(None)
