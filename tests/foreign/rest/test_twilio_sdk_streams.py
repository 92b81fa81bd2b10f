"""One-way streams of a live call, started and stopped through Twilio's own Python client: no violation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.foreign.rest.kit import OURS, account, sdk
from tests.kit.raw import until
from tests.kit.rest.webhooks import webhooks
from websockets.asyncio.server import ServerConnection, serve

pytestmark = pytest.mark.foreign

THEM = "+14155550123"
LONG = '<Response><Pause length="3000"/></Response>'


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Serve a socket that keeps every message."""
    heard: list[dict[str, Any]] = []

    async def listen(socket: ServerConnection) -> None:
        async for message in socket:
            heard.append(json.loads(message))  # noqa: PERF401 - each as it comes

    async with serve(listen, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/tap", heard


async def test_a_live_call_is_tapped_and_the_tap_is_stopped(vendor_contracts):
    owner = account()
    async with listener() as (url, heard), webhooks() as told, sdk(vendor_contracts, owner) as (ask, proxy, _):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        early = await ask.refused(lambda client: client.calls(placed.sid).streams.create(url=url))
        assert early == (400, 21220)
        await until(lambda: owner.calls[placed.sid].status == "in-progress", 30)
        stream = await ask(
            lambda client: client.calls(placed.sid).streams.create(
                url=url,
                name="tap",
                track="both_tracks",
                status_callback=f"{told.url}/stream",
                parameter1_name="token",
                parameter1_value="abc",
            )
        )
        assert (stream.name, stream.status, stream.call_sid) == ("tap", "in-progress", placed.sid)
        await told.until("/stream", StreamEvent="stream-started")
        async with asyncio.timeout(30):
            while not any(message["event"] == "media" for message in heard):  # noqa: ASYNC110 - another's socket
                await asyncio.sleep(0.02)
        start = next(message["start"] for message in heard if message["event"] == "start")
        assert start["streamSid"] == stream.sid
        assert start["customParameters"] == {"token": "abc"}
        assert start["tracks"] == ["inbound", "outbound"]
        stopped = await ask(lambda client: client.calls(placed.sid).streams("tap").update(status="stopped"))
        assert (stopped.sid, stopped.status) == (stream.sid, "stopped")
        await told.until("/stream", StreamEvent="stream-stopped")
        unknown = await ask.refused(lambda client: client.calls(placed.sid).streams("other").update(status="stopped"))
        assert unknown == (404, 20404)
        await ask(lambda client: client.calls(placed.sid).update(status="completed"))
    assert proxy.violations == []


async def test_a_stream_that_cannot_be_opened_stands_in_the_debugger(vendor_contracts):
    owner = account()
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        await until(lambda: owner.calls[placed.sid].status == "in-progress", 30)
        refused = await ask.refused(lambda client: client.calls(placed.sid).streams.create(url="ws://127.0.0.1:9/tap"))
        assert refused == (400, 20001)
        assert [alert.code for alert in owner.alerts] == [31902]
        await ask(lambda client: client.calls(placed.sid).update(status="completed"))
    assert proxy.violations == []
