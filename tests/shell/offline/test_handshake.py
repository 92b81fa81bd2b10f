"""Credentials of the offline agent: what each key may do, tokens by header and sub-protocol, until they expire."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest
import websockets
from tests.shell.offline.client import connected

from offhook.offline.faults import Faults
from offhook.offline.handshake import Standing
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent

KEYS: dict[str, Standing] = {
    "all": "member", "calls": "user", "scope": "no_scope", "access": "no_access", "broke": "no_credit",
}  # fmt: skip


async def opened(agent: OfflineAgent, **options: Any) -> tuple[int, str]:
    """Return the status of an upgrade and the ``err_code`` or the chosen sub-protocol."""
    try:
        async with websockets.connect(agent.url, **options) as socket:
            return 101, socket.subprotocol or ""
    except websockets.InvalidStatus as refused:
        response = refused.response
    body = json.loads(response.body)
    assert set(body) == {"err_code", "err_msg", "request_id"}
    assert response.headers["dg-error"] == body["err_msg"]
    assert response.headers["dg-request-id"] == body["request_id"]
    return response.status_code, body["err_code"]


async def granted(agent: OfflineAgent, credential: str, **body: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": credential}) as http,
        http.post(f"http://{agent.address}/v1/auth/grant", json=body) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("key", "call", "grant"),
    [
        ("all", (101, ""), (200, None)),
        ("calls", (101, ""), (403, "FORBIDDEN")),
        ("scope", (401, "INSUFFICIENT_PERMISSIONS"), (401, "INSUFFICIENT_PERMISSIONS")),
        ("access", (403, "INSUFFICIENT_PERMISSIONS"), (403, "INSUFFICIENT_PERMISSIONS")),
        ("broke", (402, "ASR_PAYMENT_REQUIRED"), (402, "ASR_PAYMENT_REQUIRED")),
        ("nobody's", (401, "INVALID_AUTH"), (401, "INVALID_AUTH")),
    ],
)
async def test_what_each_key_may_do(key: str, call: tuple[int, str], grant: tuple[int, str | None]) -> None:
    async with OfflineAgent(ScriptedMind(), keys=KEYS) as agent:
        assert await opened(agent, additional_headers={"Authorization": f"Token {key}"}) == call
        status, body = await granted(agent, f"Token {key}")
        assert (status, body.get("err_code")) == grant


async def test_a_token_opens_calls_by_header_and_sub_protocol_until_it_expires() -> None:
    async with OfflineAgent(ScriptedMind(), keys=KEYS) as agent:
        _, body = await granted(agent, "Token all", ttl_seconds=120)
        token = body["access_token"]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["exp"] - claims["iat"] == pytest.approx(120, abs=1)
        header = {"Authorization": f"Bearer {token}"}
        assert await opened(agent, additional_headers=header) == (101, "")
        assert await opened(agent, subprotocols=["bearer", token]) == (101, "bearer")
        assert await opened(agent, subprotocols=["token", "all", "x-deepgram-session-id", "s"]) == (101, "token")
        assert (await granted(agent, f"Bearer {token}"))[0] == 403, "a token cannot grant tokens"
        assert await opened(agent, additional_headers={"Authorization": f"Bearer {token[:-2]}AA"}) == (
            401,
            "INVALID_AUTH",
        )
        assert await opened(agent, additional_headers={"Authorization": "Bearer all"}) == (401, "INVALID_AUTH")
        async with connected(agent, additional_headers=header) as client:
            agent.wind(119)
            assert await opened(agent, additional_headers=header) == (101, "")
            agent.wind(2)
            assert await opened(agent, additional_headers=header) == (401, "INVALID_AUTH")
            await client.gets("Welcome")
            assert client.closed is None, "the socket outlives its token"


async def test_a_refusal_may_have_another_code() -> None:
    async with OfflineAgent(ScriptedMind(), faults=Faults(refuse=403, err_code="FORBIDDEN")) as agent:
        assert await opened(agent, additional_headers={"Authorization": "Token x"}) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "header",
    ["Authorization: Token \xff\xfe", "Authorization: Bearer a.\xc3.\xff", "Sec-WebSocket-Protocol: token, \xff"],
)
async def test_credentials_that_are_no_text_are_wrong_ones(header: str) -> None:
    async with OfflineAgent(ScriptedMind(), keys=KEYS) as agent, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*agent.address.split(":"))
        request = (
            "GET /v1/agent/converse HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n\r\n"
        )
        writer.write(request.encode("latin-1"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await writer.wait_closed()


async def test_another_path_is_404_with_the_headers() -> None:
    async with OfflineAgent(ScriptedMind()) as agent:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(
                f"ws://{agent.address}/agent", additional_headers={"Authorization": "Token x"}
            ):
                pass
        assert refused.value.response.status_code == 404
        assert refused.value.response.headers["dg-request-id"]
