"""One handshake with the vendor to learn which models it applies, before the first call. Carries no audio, no call."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from offhook.agent.providers import ThinkChoice, ThinkLadder
from offhook.agent.settings_message import settings_message
from offhook.config.agent import AgentProfile
from offhook.config.settings import Settings
from offhook.errors import AgentBusy, AgentError, AgentGone, AgentRefused, AgentRejectedSettings, AgentUnavailable
from offhook.wire.settings_fields import field_named

_PATIENCE = 64  # messages before SettingsApplied; the vendor sends one (Welcome)


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe learned: the choice that was applied, and how many seconds the whole took."""

    choice: ThinkChoice
    took_s: float


async def probe(settings: Settings, profile: AgentProfile, ladder: ThinkLadder) -> Probed:
    """Dial the agent, send its Settings and step down the ladder until they are applied. Teaches ``ladder``.

    Each attempt has ``timeouts.dial_s`` for the socket and ``timeouts.settings_s`` for the answer. Raises AgentError.
    """
    began = time.monotonic()
    choice: ThinkChoice | None = ladder.choice(profile.think, began)
    code = where = ""
    async with aiohttp.ClientSession() as session:
        while choice is not None:
            code, where = await _attempt(session, settings, settings_message(profile, choice, greeting=False))
            if not code:
                now = time.monotonic()
                ladder.applied(choice, now)
                return Probed(choice, now - began)
            choice = ladder.step_down(choice, code)
    raise AgentRejectedSettings(code=code, field=where or None)


async def _attempt(session: aiohttp.ClientSession, settings: Settings, message: dict[str, Any]) -> tuple[str, str]:
    """Make one handshake; return the vendor's error code and the field it names, or nothing where it applied them."""
    key = settings.deepgram.api_key
    headers = {"Authorization": f"Token {key.get_secret_value()}"} if key is not None else {}
    try:
        async with asyncio.timeout(settings.timeouts.dial_s):
            socket = await session.ws_connect(
                settings.deepgram.agent_url,
                headers=headers,
                max_msg_size=settings.limits.agent_message_bytes,
                timeout=aiohttp.ClientWSTimeout(None, settings.timeouts.close_s),  # pyright: ignore[reportCallIssue] # attrs,
            )
    except aiohttp.WSServerHandshakeError as error:
        raise _refusal(error.status) from None
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise AgentUnavailable(why=type(error).__name__) from None
    try:
        async with asyncio.timeout(settings.timeouts.settings_s):
            return await _answer(socket, json.dumps(message))
    except TimeoutError:
        raise AgentUnavailable(why="no answer to Settings") from None
    finally:
        await socket.close()


async def _answer(socket: aiohttp.ClientWebSocketResponse, settings: str) -> tuple[str, str]:
    """Answer Welcome with ``settings``; the server speaks first, and sending earlier is forbidden."""
    for _ in range(_PATIENCE):
        received = await socket.receive()
        if received.type is aiohttp.WSMsgType.TEXT:
            try:
                said = json.loads(received.data)
            except ValueError:
                continue
            kind = said.get("type") if isinstance(said, dict) else None
            if kind == "Welcome":
                await socket.send_str(settings)
            if kind == "SettingsApplied":
                return "", ""
            if kind == "Error":
                return str(said.get("code") or "UNKNOWN")[:64], field_named(str(said.get("description") or ""))
        elif received.type is not aiohttp.WSMsgType.BINARY:
            break
    raise AgentGone(when="before SettingsApplied")


def _refusal(status: int) -> AgentError:
    """Translate a refused handshake (reference: 401 key, 402 credit, 403 access, 404 address, 429 concurrency)."""
    if status == 429:
        return AgentBusy(status=status)
    if status >= 500:
        return AgentUnavailable(status=status)
    return AgentRefused(status=status, setting="deepgram.agent_url" if status in (400, 404) else "deepgram.api_key")
