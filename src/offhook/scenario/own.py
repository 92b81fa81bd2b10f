"""Runs offhook's own server for one scenario, on a free port, behind a public name that is reached on this machine."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from offhook.call.actions import CallRecord
from offhook.config.load import load
from offhook.config.settings import Settings
from offhook.errors import ConfigError
from offhook.offline.server import OfflineAgent
from offhook.scenario.reading import Named, ScenarioError
from offhook.scenario.target import Target
from offhook.scenario.world import Own
from offhook.server import Server
from offhook.sim.identity import CallIdentity
from offhook.sim.reach import Reach

PUBLIC: Final = "https://voice.example.com"
#: The offline agent takes any key; the server sends none that is empty.
_OFFLINE_KEY: Final = "0123456789abcdef" * 2 + "01234567"
_HERE: Final = " (command line)"


@asynccontextmanager
async def running_server(
    named: Named, world: Own, agent: OfflineAgent | None, ended: Callable[[CallRecord], None]
) -> AsyncIterator[Target]:
    """Run a server until the block ends; yield how to call it. Raises `ScenarioError` for its settings."""
    token = secrets.token_hex(16)
    settings = _settings(named, world, _environ(token, agent))
    async with Server(settings, ended=ended) as server:
        await server.ready()
        path = settings.server.stream_path
        yield Target(
            url=f"{PUBLIC}{path}/voice",
            auth_token=token,
            account_sid=CallIdentity().account_sid,
            status_url=f"{PUBLIC}{path}/status",
            reach=Reach(PUBLIC, f"http://127.0.0.1:{server.port}"),
        )


def _environ(token: str, agent: OfflineAgent | None) -> dict[str, str]:
    """Return what a scenario's server is told, whatever anybody's settings say."""
    of_agent = {} if agent is None else {"DEEPGRAM_API_KEY": _OFFLINE_KEY, "DEEPGRAM_AGENT_URL": agent.url}
    return {
        "PORT": "0",
        "OFFHOOK_SERVER__HOST": "127.0.0.1",
        "OFFHOOK_PUBLIC_URL": PUBLIC,
        "TWILIO_AUTH_TOKEN": token,
        "TWILIO_ACCOUNT_SID": CallIdentity().account_sid,
        **of_agent,
    }


def _settings(named: Named, world: Own, told: Mapping[str, str]) -> Settings:
    """Return the settings: a scenario of ours runs with the defaults, another with those of its project."""
    overrides: dict[str, Any] = dict(named.scenario.server)
    try:
        if named.is_ours and not world.is_real:
            return load(None, {**told, "OFFHOOK_CONFIG": ""}, overrides, named.folder).settings
        environ = {**world.environ, **told}
        return load(world.config, environ, overrides, world.folder).settings
    except ConfigError as error:
        where = f"{named.name}: server."
        problems = [where + problem.replace(_HERE, "") if _HERE in problem else problem for problem in error.problems]
        raise ScenarioError(problems) from None
