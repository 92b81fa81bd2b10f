"""offhook's own server as the bridge of a replay, with the settings that are given; credentials are the replay's."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook.config.load import load
from offhook.lab.own import PUBLIC
from offhook.lab.replay.deepgram_side import DeepgramSide
from offhook.lab.replay.replay import Stage
from offhook.server import Server
from offhook.sim.reach import Reach


@asynccontextmanager
async def own_server(deepgram: DeepgramSide) -> AsyncIterator[Stage]:
    """Run a server until the block ends. It has no key, so that it does not knock at Deepgram before the call."""
    token = secrets.token_hex(16)
    named = {
        "PORT": "0",
        "OFFHOOK_CONFIG": "",
        "OFFHOOK_SERVER__HOST": "127.0.0.1",
        "OFFHOOK_PUBLIC_URL": PUBLIC,
        "TWILIO_AUTH_TOKEN": token,
        "DEEPGRAM_AGENT_URL": deepgram.url,
    }
    if (account := deepgram.recording.voice.get("AccountSid")) is not None:
        named["TWILIO_ACCOUNT_SID"] = account
    settings = load(environ=named).settings
    async with Server(settings) as server:
        await server.ready()
        reach = Reach(PUBLIC, f"http://127.0.0.1:{server.port}")
        yield Stage(f"{PUBLIC}{settings.server.stream_path}/voice", token, reach)
