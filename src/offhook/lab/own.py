"""offhook's own server as the bridge on the bench, with default settings and a public name that is reached here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from offhook.config.load import load
from offhook.lab.bench import Bench
from offhook.server import Server
from offhook.sim.reach import Reach

PUBLIC: Final = "https://bridge.example.com"
#: The server sends no key that is empty.
_ANY_KEY: Final = "0123456789abcdef0123456789abcdef01234567"


@asynccontextmanager
async def own_bridge(bench: Bench) -> AsyncIterator[Server]:
    """Run the server until the block ends, connected to both twins."""
    wiring = bench.wiring
    named = {
        "PORT": "0",
        "OFFHOOK_CONFIG": "",
        "OFFHOOK_SERVER__HOST": "127.0.0.1",
        "OFFHOOK_PUBLIC_URL": PUBLIC,
        "OFFHOOK_LIMITS__CALLS_PER_SECOND": "1000",
        "OFFHOOK_LIMITS__CALLS_BURST": "1000",
        "TWILIO_ACCOUNT_SID": wiring.account_sid,
        "TWILIO_AUTH_TOKEN": wiring.auth_token,
        "DEEPGRAM_API_KEY": wiring.deepgram_key or _ANY_KEY,
        "DEEPGRAM_AGENT_URL": bench.agent.url,
    }
    settings = load(environ=named).settings
    async with Server(settings) as server:
        await server.ready()
        reach = Reach(PUBLIC, f"http://127.0.0.1:{server.port}")
        await bench.connect(f"{PUBLIC}{settings.server.stream_path}/voice", reach)
        yield server
