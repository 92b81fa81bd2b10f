"""Honest health: `/livez` says the loop turns, `/readyz` whether we would take a call now. No call state of its own."""

from __future__ import annotations

from enum import Enum

from aiohttp import web

from offhook.observe.metrics import Metrics
from offhook.observe.sink import Sink
from offhook.run.agent_leg import AgentLeg
from offhook.run.switchboard import Switchboard


class Phase(Enum):
    """Where the process stands in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"


class Health:
    """Answers the two health paths. ``phase`` is set by the lifecycle."""

    def __init__(self, switchboard: Switchboard, metrics: Metrics) -> None:
        self.phase = Phase.STARTING
        self._switchboard, self._metrics = switchboard, metrics

    async def livez(self, _: web.Request) -> web.Response:
        """200 whenever the loop turns."""
        return web.json_response({"alive": True})

    async def readyz(self, _: web.Request) -> web.Response:
        """200 we would take a call, 429 busy, 503 starting, draining, or the agent takes none (I11)."""
        reason = self._switchboard.busy_reason() or self._switchboard.admission.agent_trouble
        if self.phase is not Phase.READY:
            status, reason = 503, self.phase.value
        elif reason in ("at capacity", "too many call starts"):
            status = 429
        else:
            status = 503 if reason else 200
        return web.json_response(
            {"ready": status == 200, "reason": reason or None, "calls": self._switchboard.live}, status=status
        )

    def measure(self) -> None:
        """Refresh the gauges."""
        self._metrics.gauges["calls_live"].set(self._switchboard.live)
        self._metrics.gauges["agent_sockets"].set(AgentLeg.live)
        self._metrics.gauges["log_lines_dropped"].set(Sink.dropped)
