"""A lab in this process: both twins, offhook's own server between them, the control API on a free port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from offhook.lab.bench import Bench, Wiring
from offhook.lab.control import Control
from offhook.lab.own import own_bridge

TOKEN = "fedcba9876543210" * 2
ACCOUNT = "AC00000000000000000000000000000001"


@asynccontextmanager
async def running_lab(wiring: Wiring | None = None) -> AsyncIterator[tuple[Bench, str]]:
    """Run it; yield the bench and the address of its page."""
    async with Bench(wiring or Wiring(ACCOUNT, TOKEN)) as bench, own_bridge(bench):
        runner = web.AppRunner(Control(bench).app(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield bench, f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
