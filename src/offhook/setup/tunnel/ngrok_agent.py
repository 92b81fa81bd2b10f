"""A running ngrok agent, found through its local inspection API. Starts no agent and changes none.

Source: ngrok, "Agent API". Newer agents list `/api/endpoints`, older ones `/api/tunnels`; both are read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from offhook.errors import SetupError
from offhook.setup.tunnel.port import Tunnel, is_usable

#: A first agent takes 4040, a second one 4041, and so on.
USUAL: Final = tuple(f"http://127.0.0.1:{port}" for port in range(4040, 4044))
_ASK_S: Final = 2.0
_LOOK_EVERY_S: Final = 1.0
_PATHS: Final = (("/api/endpoints", "endpoints"), ("/api/tunnels", "tunnels"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that an agent serves. ``policy`` is its traffic policy as text."""

    url: str
    upstream: str
    policy: str = ""

    @property
    def port(self) -> int | None:
        """The port of this computer it leads to; None where it leads elsewhere."""
        return port_of(self.upstream)

    @property
    def is_usable(self) -> bool:
        """Whether Twilio can use it."""
        return is_usable(self.url)


class RunningAgent:
    """Uses the tunnel of an agent that somebody started: `ngrok http PORT` in another window."""

    name = "agent"

    def __init__(self, apis: Sequence[str] = USUAL) -> None:
        self._apis = apis

    async def open(self, port: int) -> Tunnel:
        """Find the endpoint that leads to ``port``."""
        found = await endpoints(self._apis)
        if found is None:
            raise SetupError(
                "no ngrok agent runs on this computer",
                f"start one in another window: ngrok http {port}; or leave --tunnel away",
            )
        fitting = [endpoint for endpoint in found if endpoint.port == port and endpoint.is_usable]
        if not fitting:
            raise SetupError(misses(found, port), f"start it as: ngrok http {port}")
        url = fitting[0].url
        owner = "the tunnel of an ngrok that was running already; it stays when offhook stops"
        return Tunnel(url, owner, ended=lambda: self._gone(url))

    async def _gone(self, url: str) -> str:
        """Wait until the agent does not serve the address any more. One look may fail; two in a row count."""
        missed = 0
        while missed < 2:
            await asyncio.sleep(_LOOK_EVERY_S)
            found = await endpoints(self._apis)
            missed = 0 if any(endpoint.url == url for endpoint in found or ()) else missed + 1
        return "the ngrok in the other window has stopped, or serves another address"


def misses(found: Sequence[Endpoint], port: int) -> str:
    """Say why none of the endpoints will do."""
    if any(endpoint.port == port for endpoint in found):
        return f"the running ngrok leads to port {port}, but not from an https address"
    ports = sorted({endpoint.port for endpoint in found if endpoint.port is not None})
    if ports:
        return f"the running ngrok leads to port {', '.join(map(str, ports))}, not to {port}"
    return "an ngrok agent runs, but it has no tunnel to this computer"


async def endpoints(apis: Sequence[str] = USUAL) -> list[Endpoint] | None:
    """Return the endpoints of every agent that answers; None where none does."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ASK_S), trust_env=False) as session:
        answers = await asyncio.gather(*(_listed(session, api.rstrip("/")) for api in apis))
    running = [answer for answer in answers if answer is not None]
    return [endpoint for answer in running for endpoint in answer] if running else None


async def _listed(session: aiohttp.ClientSession, api: str) -> list[Endpoint] | None:
    for path, name in _PATHS:
        found = await _get(session, api + path)
        if isinstance(found, dict) and isinstance(found.get(name), list):
            return [endpoint for entry in found[name] if (endpoint := _endpoint(entry)) is not None]
    return None


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return await answer.json(content_type=None) if answer.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return None


def _endpoint(entry: Any) -> Endpoint | None:
    """Read one entry of either list: the address is ``url`` or ``public_url``, the upstream a table or a text."""
    if not isinstance(entry, dict):
        return None
    url = entry.get("url") or entry.get("public_url")
    upstream = entry.get("upstream") or entry.get("config") or {}
    leads_to = upstream.get("url") or upstream.get("addr") if isinstance(upstream, dict) else upstream
    if not isinstance(url, str) or not url:
        return None
    policy = entry.get("traffic_policy") or ""
    return Endpoint(url.rstrip("/"), str(leads_to or ""), policy if isinstance(policy, str) else json.dumps(policy))


def port_of(upstream: str) -> int | None:
    """Return the port of this computer that an upstream names, written as ngrok lets people write it."""
    if upstream.isdigit():
        return int(upstream)
    try:
        parts = urlsplit(upstream if "://" in upstream else f"http://{upstream}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    here = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "")  # noqa: S104 - compared, not bound
    return port if (parts.hostname or "") in here else None
