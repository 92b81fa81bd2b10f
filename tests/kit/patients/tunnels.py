"""Set-ups of a laptop whose tunnel is wrong in some way: a running ngrok of ours, or none."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.kit.ngrok import ngrok_agent
from tests.kit.patients.addresses import answers
from tests.kit.patients.seed import NOWHERE, Arrange, Arranged, Seed, keys
from tests.kit.ports import free_port

from offhook.carrier.number import Wiring
from offhook.setup.dev.number import remembered
from offhook.setup.tunnel import ngrok_sdk

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789"
NO_AGENT = {"OFFHOOK_DEV__NGROK_API": NOWHERE}
UNSCOPED = "on_http_request:\n  - actions:\n      - type: verify-webhook\n        config: {provider: twilio}\n"


def agent(*, leads_to: str = "", host: str = "", is_served: bool = True, policy: str = "", **changed: str) -> Arrange:
    """Arrange a running ngrok. ``host`` is the public address of the settings, else the agent's own."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        served = _somebody() if is_served else _nobody()
        async with served as port, ngrok_agent(port, policy=policy, leads_to=leads_to) as running:
            here = {"PORT": str(port), "OFFHOOK_DEV__NGROK_API": running.api, "HOME": str(folder)}
            yield Arranged(keys(OFFHOOK_PUBLIC_URL=host or running.url, **here, **changed))

    return arrange


@asynccontextmanager
async def _somebody(host: str = "127.0.0.1") -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def _nobody() -> AsyncIterator[int]:
    yield free_port()


@asynccontextmanager
async def ipv6_only(folder: Path) -> AsyncIterator[Arranged]:
    """Arrange a server that the tunnel cannot reach, as it listens on IPv6 only."""
    async with _somebody("::1") as port, ngrok_agent(port) as running:
        here = {"PORT": str(port), "OFFHOOK_DEV__NGROK_API": running.api, "HOME": str(folder)}
        yield Arranged(keys(OFFHOOK_PUBLIC_URL=running.url, **here))


def library(url: str = "https://abc.ngrok-free.app", *, network: bool = False, **changed: str) -> Arrange:
    """Arrange a laptop without a running ngrok."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        here = {"HOME": str(folder), "LOCALAPPDATA": str(folder), "PORT": str(free_port())}
        yield Arranged(keys(OFFHOOK_PUBLIC_URL=url, **NO_AGENT, **here, **changed), network=network)

    return arrange


@contextmanager
def without_library() -> Iterator[None]:
    """Hide ngrok's library."""
    known, ngrok_sdk.is_installed = ngrok_sdk.is_installed, lambda: False
    try:
        yield
    finally:
        ngrok_sdk.is_installed = known


@asynccontextmanager
async def no_ngrok(folder: Path) -> AsyncIterator[Arranged]:
    """Arrange an address of ngrok's where there is no ngrok."""
    async with library(PATH=str(folder))(folder) as arranged:
        with without_library():
            yield arranged


@asynccontextmanager
async def two_ngroks(folder: Path) -> AsyncIterator[Arranged]:
    """Arrange both packages side by side, as far as pip's notes of what is installed go."""
    for name in ("ngrok", "pyngrok"):
        info = folder / "installed" / f"{name}-9.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9\n")
    sys.path.append(str(folder / "installed"))
    try:
        async with library(NGROK_AUTHTOKEN=TOKEN)(folder) as arranged:
            yield arranged
    finally:
        sys.path.remove(str(folder / "installed"))


@asynccontextmanager
async def cut_off(folder: Path) -> AsyncIterator[Arranged]:
    """Arrange what a `dev` leaves that was cut off."""
    remembered(folder).save("PN" + "0" * 32, Wiring(), Wiring(voice_url="https://abc.ngrok-free.app/twilio/voice"))
    async with library("https://voice.example.com")(folder) as arranged:
        yield arranged


def _seed(words: str, cause: str, fix: str, arrange: Any, verdict: str = "fail") -> Seed:
    return Seed(words, "tunnel", cause, fix, arrange, verdict)


TUNNELS = [
    _seed("ngrok's address, but no ngrok", "no-ngrok", "pip install ngrok", no_ngrok),
    _seed("no ngrok authtoken", "no-token", "NGROK_AUTHTOKEN", library()),
    _seed("an ngrok authtoken that is none", "bad-token", "Your Authtoken", library(NGROK_AUTHTOKEN="your token")),
    _seed("the running ngrok leads to another port", "other-port", "ngrok http", agent(leads_to="localhost:5000")),
    _seed("the tunnel leads to nobody", "nothing-listens", "offhook serve", agent(is_served=False)),
    _seed("the server listens on IPv6 only", "ipv6-only", "127.0.0.1", ipv6_only),
    _seed(
        "the settings name yesterday's tunnel",
        "other-host",
        "OFFHOOK_PUBLIC_URL",
        agent(host="https://old.ngrok-free.app"),
        "warn",
    ),
    _seed(
        "ngrok checks webhooks on every path",
        "policy-unscoped",
        "verify-webhook",
        agent(policy=UNSCOPED),
        "warn",
    ),
    _seed(
        "ngrok's service cannot be reached",
        "no-way-out",
        "firewall",
        library(
            f"{NOWHERE}",
            network=True,
            NGROK_AUTHTOKEN=TOKEN,
            OFFHOOK_DEV__NGROK_SERVER="127.0.0.1:9",
            DEEPGRAM_API_KEY="",
        ),
        "warn",
    ),
    Seed(
        "ngrok's monthly limit is reached",
        "public-url",
        "tunnel-quota",
        "upgrade",
        answers(429, "", ngrok_error_code="ERR_NGROK_727"),
    ),
    Seed(
        "the tunnel leads to a TLS port",
        "public-url",
        "tunnel-protocol",
        "http://",
        answers(502, "", ngrok_error_code="ERR_NGROK_3004"),
    ),
    _seed("ngrok and pyngrok side by side", "two-ngroks", "uninstall pyngrok", two_ngroks, "warn"),
    _seed("an `offhook dev` was cut off", "dev-left", "--restore", cut_off, "warn"),
]
