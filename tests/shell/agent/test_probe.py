"""The probe learns on a real socket which models the vendor applies, and says plainly why it could not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from offhook.agent import ThinkLadder
from offhook.agent.probe import probe
from offhook.config import Settings
from offhook.errors import AgentBusy, AgentGone, AgentRefused, AgentRejectedSettings, AgentUnavailable

Verdict = Callable[[dict[str, Any]], str]


class Vendor:
    """A vendor that judges each Settings: an error code, "" to apply it, "hang up" or "say nothing"."""

    def __init__(self, verdict: Verdict, status: int = 101, *, welcomes: bool = True) -> None:
        self.verdict, self.status, self.welcomes = verdict, status, welcomes
        self.heard: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.open = 0
        self.is_left = asyncio.Event()
        self.is_left.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization", ""))
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open += 1
        self.is_left.clear()
        try:
            if self.welcomes:
                await socket.send_str('{"type": "Welcome", "request_id": "r"}')
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._judge(socket, json.loads(message.data))
        finally:
            self.open -= 1
            if not self.open:
                self.is_left.set()
        return socket

    async def _judge(self, socket: web.WebSocketResponse, settings: dict[str, Any]) -> None:
        self.heard.append(settings)
        verdict = self.verdict(settings)
        if verdict == "hang up":
            await socket.close()
        elif verdict == "":
            await socket.send_str("not json")
            await socket.send_str('{"type": "SettingsApplied"}')
        elif verdict != "say nothing":
            await socket.send_str(json.dumps({"type": "Error", "code": verdict, "description": "…"}))


@asynccontextmanager
async def serving(vendor: Vendor, **timeouts: float) -> AsyncIterator[Settings]:
    """Serve on loopback; yield settings that point there."""
    app = web.Application()
    app.router.add_get("/v1/agent/converse", vendor.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield Settings.model_validate(
            {
                "deepgram": {
                    "agent_url": f"ws://127.0.0.1:{port}/v1/agent/converse",
                    "api_key": "0123456789abcdef0123456789abcdef01234567",
                },
                "timeouts": timeouts,
            }
        )
        async with asyncio.timeout(5):
            await vendor.is_left.wait()
    finally:
        await runner.cleanup()


def refuses_deepgram(settings: dict[str, Any]) -> str:
    think = settings["agent"]["think"]
    entries = think if isinstance(think, list) else [think]
    return "UNPARSABLE_CLIENT_MESSAGE" if any(e["provider"]["type"] == "deepgram" for e in entries) else ""


async def test_a_vendor_that_applies_the_first_choice_is_asked_once():
    vendor = Vendor(lambda _: "")
    async with serving(vendor) as settings:
        learned = await probe(settings, settings.agent, ThinkLadder())

    assert learned.choice.label == "deepgram/think-fast"
    assert not learned.choice.is_fallback
    assert len(vendor.heard) == 1
    assert "greeting" not in vendor.heard[0]["agent"]
    assert vendor.keys == ["Token 0123456789abcdef0123456789abcdef01234567"]


async def test_a_refused_model_is_learned_and_not_offered_again():
    vendor, ladder = Vendor(refuses_deepgram), ThinkLadder()
    async with serving(vendor) as settings:
        first = await probe(settings, settings.agent, ladder)
        again = await probe(settings, settings.agent, ladder)

    assert first.choice.label == again.choice.label == "open_ai/gpt-4o-mini"
    assert [entry.label for entry in first.choice.left_out] == ["deepgram/think-fast"]
    assert len(vendor.heard) == 3


async def test_settings_refused_whatever_the_model_teach_nothing():
    ladder = ThinkLadder()
    async with serving(Vendor(lambda _: "INVALID_SETTINGS")) as settings:
        with pytest.raises(AgentRejectedSettings, match="code=INVALID_SETTINGS"):
            await probe(settings, settings.agent, ladder)

    assert not ladder.choice(settings.agent.think, 0.0).is_fallback


@pytest.mark.parametrize(
    ("status", "error", "fact"),
    [
        (401, AgentRefused, "setting=deepgram.api_key"),
        (402, AgentRefused, "status=402"),
        (404, AgentRefused, "setting=deepgram.agent_url"),
        (429, AgentBusy, "status=429"),
        (503, AgentUnavailable, "status=503"),
    ],
)
async def test_a_refused_handshake_names_what_to_fix(status, error, fact):
    async with serving(Vendor(lambda _: "", status)) as settings:
        with pytest.raises(error, match=fact) as caught:
            await probe(settings, settings.agent, ThinkLadder())

    assert "01234567" not in str(caught.value)


async def test_a_vendor_that_hangs_up_or_says_nothing_is_not_waited_for():
    async with serving(Vendor(lambda _: "hang up")) as settings:
        with pytest.raises(AgentGone):
            await probe(settings, settings.agent, ThinkLadder())
    async with serving(Vendor(lambda _: "say nothing"), settings_s=0.2) as settings:
        with pytest.raises(AgentUnavailable, match="no answer to Settings"):
            await probe(settings, settings.agent, ThinkLadder())


async def test_nothing_is_said_before_welcome():
    vendor = Vendor(lambda _: "", welcomes=False)
    async with serving(vendor, settings_s=0.2) as settings:
        with pytest.raises(AgentUnavailable):
            await probe(settings, settings.agent, ThinkLadder())

    assert vendor.heard == []


async def test_where_nobody_listens_the_agent_is_unavailable():
    async with serving(Vendor(lambda _: "")) as settings:
        gone = settings
    with pytest.raises(AgentUnavailable):
        await probe(gone, gone.agent, ThinkLadder())
