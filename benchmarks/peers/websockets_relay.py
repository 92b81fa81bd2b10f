"""A naive relay on the `websockets` library, two coroutines a call: a data point for the table. Not offhook.

python websockets_relay.py --agent ws://127.0.0.1:PORT/v1/agent/converse [--port PORT]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

SETTINGS = json.dumps(
    {
        "type": "Settings",
        "audio": {
            "input": {"encoding": "mulaw", "sample_rate": 8000},
            "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
        },
        "agent": {"think": {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}}},
    }
)


async def agent_to_caller(agent: Connection, caller: Connection, stream: str, ready: asyncio.Event) -> None:
    async for message in agent:
        if isinstance(message, bytes):
            media = {"payload": base64.b64encode(message).decode()}
            await caller.send(json.dumps({"event": "media", "streamSid": stream, "media": media}))
            continue
        kind = json.loads(message)["type"]
        if kind == "Welcome":
            await agent.send(SETTINGS)
        elif kind == "SettingsApplied":
            ready.set()
        elif kind == "UserStartedSpeaking":
            await caller.send(json.dumps({"event": "clear", "streamSid": stream}))


async def bridge(caller: Connection, url: str) -> None:
    agent: Connection | None = None
    ready = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        async for text in caller:
            message = json.loads(text)
            if message["event"] == "start":
                agent = await stack.enter_async_context(connect(url, compression=None))
                down = asyncio.create_task(agent_to_caller(agent, caller, message["streamSid"], ready))
                stack.callback(down.cancel)
            elif message["event"] == "media" and agent is not None and ready.is_set():
                await agent.send(base64.b64decode(message["media"]["payload"]))


async def listen(port: int, url: str) -> None:
    async def answer(caller: Connection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await bridge(caller, url)

    async with serve(answer, "127.0.0.1", port, compression=None) as server:
        print(json.dumps({"port": next(iter(server.sockets)).getsockname()[1]}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(listen(options.port, options.agent))
