"""Server, tunnel and number together, and all of it undone at the end. Asks nobody; ``say`` hears what it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from offhook import lifecycle
from offhook.carrier.client import Carrier
from offhook.carrier.numbers import Takeable
from offhook.config.exposure import LOOPBACK, Listening, cannot_listen, lacking_for_real_calls, listening
from offhook.config.load import DEFAULT, Loaded, load
from offhook.config.settings import Settings
from offhook.errors import ConfigError
from offhook.observe.log import logger
from offhook.server import Server
from offhook.setup.dev.number import NumberHere, chosen, remembered
from offhook.setup.dev.reach import must_lead_here
from offhook.setup.dev.reload import Reload
from offhook.setup.tunnel.choose import open_tunnel
from offhook.setup.tunnel.port import Tunnel

Say = Callable[[str, str], None]
Agent = Callable[[Settings], AbstractAsyncContextManager[Settings]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. ``url`` is the user's own tunnel; ``agent`` stands in for Deepgram's."""

    config: Path | None = None
    port: int | None = None
    tunnel: str | None = None
    url: str | None = None
    number: str | None = None
    is_wiring: bool = True
    may_take: frozenset[Takeable] = frozenset()
    agent: Agent | None = field(default=None, repr=False)

    def load(self, **more: object) -> Loaded:
        """Load the settings with what the command line says on top."""
        said = {"server.port": self.port, "dev.tunnel": self.tunnel, **more}
        return load(self.config, overrides={key: value for key, value in said.items() if value is not None})


async def run(wanted: Wanted, say: Say) -> int:
    """Serve through a tunnel until a signal; return the exit code. Raises OffhookError before anything is changed."""
    loaded = wanted.load()
    _must_be_signed(loaded.settings)
    for line in lacking_for_real_calls(loaded.settings):
        if "PUBLIC_URL" not in line and wanted.agent is None:
            say("note", line)
    host = loaded.settings.server.host if loaded.origin("server.host") != DEFAULT else LOOPBACK
    port = free_port(host, loaded.settings.server.port)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(_number(wanted, loaded, say)) if wanted.is_wiring else None
        tunnel = await open_tunnel(loaded.settings.dev, port, os.environ, loaded.folder, wanted.url)
        stack.push_async_callback(tunnel.close)
        say("tunnel", tunnel.says(port))

        def read() -> Loaded:
            return wanted.load(**{"server.host": host, "server.port": port, "server.public_url": tunnel.url})

        loaded = read()
        settings = loaded.settings
        if wanted.agent is not None:
            settings = await stack.enter_async_context(wanted.agent(settings))
        server = await stack.enter_async_context(Server(settings, listening(settings, os.environ)))
        await must_lead_here(tunnel.url, told=lambda line: say("tunnel", line))
        say("server", f"answers at {tunnel.url}")
        if here is not None:
            stack.push_async_callback(here.put_back)
            await here.take(tunnel.url, settings.server.stream_path, wanted.may_take)
        for work in (Reload(server, loaded, read).watch(), _watch_tunnel(tunnel, say), _tell_of_agent(server, say)):
            await stack.enter_async_context(background(work))
        ready = "save prompt or settings, and the next call has them; Ctrl-C stops"
        return await lifecycle.serve(
            _Started(server, here),
            lambda: say("ready", f"call {here.number.e164} now; {ready}" if here else ready),
        )


@asynccontextmanager
async def _number(wanted: Wanted, loaded: Loaded, say: Say) -> AsyncIterator[NumberHere]:
    """Find the number that is to be answered here; nothing is changed yet."""

    def told(line: str) -> None:
        say("number", line)

    async with Carrier.of(loaded.settings) as carrier:
        account = await carrier.account()
        if account.is_trial:
            told("this is a trial account: Twilio cuts the stream out of its calls, so the agent is not heard; upgrade")
        number = await chosen(carrier, wanted.number or loaded.settings.dev.number)
        yield NumberHere(carrier, remembered(loaded.folder), number, told)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block and end it with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch_tunnel(tunnel: Tunnel, say: Say) -> None:
    if tunnel.ended is not None:
        why = await tunnel.ended()
        logger().error("tunnel_ended", why=why)
        say(
            "tunnel", f"it is gone, so no call reaches this computer any more ({why}); stop and start offhook dev again"
        )


async def _tell_of_agent(server: Server, say: Say) -> None:
    """Say it at once where the agent refuses us: callers would hear an apology, and nobody here would know."""
    await server.ready()
    if server.switchboard.admission.agent_trouble:
        say("agent", "Deepgram refuses us, so callers hear an apology: see the log above; `offhook doctor` says more")


def _must_be_signed(settings: Settings) -> None:
    """Refuse a tunnel to a server that would take calls from anybody: unsigned calls are for this machine only."""
    if settings.twilio.auth_token is None:
        problem = (
            "twilio.auth_token: is not set, so anybody who finds the tunnel could talk to the agent at your cost; "
            "put TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN into .env (Twilio console, Account Info)"
        )
        raise ConfigError([problem])


def free_port(host: str, port: int) -> int:
    """Return the port, or any free one for 0. Raises ConfigError where it is taken: the tunnel would lead astray."""
    try:
        with socket.create_server((host, port)) as found:
            return int(found.getsockname()[1])
    except OSError as error:
        raise ConfigError([cannot_listen(Listening(host, port, is_loopback=True, why=""), error)]) from None


class _Started:
    """The running server as `lifecycle.serve` wants it. When asked to drain, new calls go back first."""

    def __init__(self, server: Server, here: NumberHere | None) -> None:
        self._server, self._here = server, here

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave all to the blocks around."""

    async def drain(self) -> None:
        """Give the number back, refuse what is new, wait for what is live."""
        if self._here is not None:
            await self._here.put_back()
        await self._server.drain()
