"""Is the tunnel of a laptop sound? Looks only where one is in use: on a platform no tunnel is mentioned at all.

What answers at the public address, with ngrok's error codes, is `address`'s; the call through it is `selfcall`'s.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final
from urllib.parse import urlsplit

from offhook.config.settings import Settings
from offhook.config.values import is_loopback
from offhook.errors import ConfigError
from offhook.platforms import platform_of
from offhook.setup.dev.number import remembered
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok
from offhook.setup.tunnel import ngrok_agent, ngrok_sdk
from offhook.setup.tunnel.choose import apis_of
from offhook.setup.tunnel.ngrok_agent import Endpoint
from offhook.setup.tunnel.ngrok_codes import MEANINGS

NAME: Final = "tunnel"
NGROK_HOSTS: Final = (*(".ngrok-free.app", ".ngrok-free.dev", ".ngrok.app", ".ngrok.dev", ".ngrok.pizza", ".ngrok.io"),)
_HOSTS: Final = (*NGROK_HOSTS, ".trycloudflare.com")
_SERVER: Final = "connect.ngrok-agent.com:443"
_REACH_S: Final = 4.0
_TOKEN: Final = re.compile(r"[A-Za-z0-9_]{20,}")
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


async def run(patient: Patient) -> Sequence[Finding]:
    """Look at the tunnel where one is in use; else say nothing."""
    if platform_of(patient.environ) is not None:
        return []
    settings = patient.settings or Settings()
    running = await ngrok_agent.endpoints(apis_of(settings.dev))
    token = ngrok_sdk.token_of(patient.environ, patient.folder)
    host, port = urlsplit(patient.public_url or "").hostname or "", settings.server.port
    left, is_laptops = _is_left(patient), not host or is_loopback(host) or host.endswith(_HOSTS)
    if not (left or host.endswith(_HOSTS) or (is_laptops and (running or token))):
        return []
    found = await _agent(patient, running, port) if running is not None and is_laptops else []
    if running is None and is_laptops and (token or host.endswith(NGROK_HOSTS)):
        found += await _library(patient, token, settings)
    found += _packages()
    if left and not await _listens("127.0.0.1", port):
        found.append(
            _finding(
                "warn",
                "an `offhook dev` was cut off, and its number may still lead to a tunnel that is gone",
                "dev-left",
                "run `offhook dev --restore`, or start `offhook dev` again",
            )
        )
    return found or [ok(NAME, _sound(running, token, port))]


def _sound(running: list[Endpoint] | None, token: str, port: int) -> str:
    if running:
        return f"a running ngrok leads to port {port}"
    return "`offhook dev` can open one with ngrok" if token else "nothing to find fault with from here"


def _is_left(patient: Patient) -> bool:
    try:
        return bool(remembered(patient.folder).all())
    except ConfigError:
        return True


async def _agent(patient: Patient, running: Sequence[Endpoint], port: int) -> list[Finding]:
    """Judge a running agent: where it leads, who is there, what the settings say of it."""
    here = [endpoint for endpoint in running if endpoint.port == port and endpoint.is_usable]
    if not here:
        said = ngrok_agent.misses(running, port)
        return [_finding("fail", said, "other-port", f"start it as `ngrok http {port}`, or set PORT to its port")]
    found = []
    if not await _listens("127.0.0.1", port):
        found.append(await _nobody(port))
    public = patient.public_url
    if public and all(_host(endpoint.url) != _host(public) for endpoint in here):
        found.append(
            _finding(
                "warn",
                f"the settings name {_host(public)}, but the running ngrok is {_host(here[0].url)}",
                "other-host",
                f"set OFFHOOK_PUBLIC_URL={here[0].url} and the number's webhook, or let `offhook dev` do both",
            )
        )
    if any("verify-webhook" in endpoint.policy and ".path" not in endpoint.policy for endpoint in here):
        found.append(
            _finding(
                "warn",
                "ngrok's traffic policy checks every request as a Twilio webhook, so streams and health checks get 403",
                "policy-unscoped",
                "take verify-webhook out (offhook checks signatures itself), or limit it to paths of webhooks",
            )
        )
    return found


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.lower()


async def _nobody(port: int) -> Finding:
    if await _listens("::1", port):
        return _finding(
            "fail",
            f"what listens on port {port} does so on IPv6 only, and the tunnel asks on IPv4",
            "ipv6-only",
            "leave server.host away, or set it to 127.0.0.1",
        )
    return _finding(
        "fail",
        f"the tunnel leads to port {port}, where nothing listens",
        "nothing-listens",
        "start the server: `offhook serve`, or `offhook dev`, which also points the number here",
    )


async def _library(patient: Patient, token: str, settings: Settings) -> list[Finding]:
    """Judge what `offhook dev` needs to open a tunnel itself."""
    if not ngrok_sdk.is_installed():
        if shutil.which("ngrok", path=patient.environ.get("PATH", "")) is not None:
            return [
                _finding("warn", "ngrok is installed, but does not run", "not-running", "start it: ngrok http 8080")
            ]
        fix = "install its library: python -m pip install ngrok"
        return [_finding("fail", "the address is ngrok's, but there is no ngrok here", "no-ngrok", fix)]
    if not token:
        return [_finding("fail", MEANINGS[4018].said, "no-token", MEANINGS[4018].fix)]
    if not _TOKEN.fullmatch(token):
        return [_finding("fail", "NGROK_AUTHTOKEN does not look like a token", "bad-token", MEANINGS[105].fix)]
    return [] if patient.session is None else await _way_out(patient, settings.dev.ngrok_server or _SERVER)


async def _way_out(patient: Patient, server: str) -> list[Finding]:
    host, _, port = server.rpartition(":")
    if await _listens(host, int(port)):
        return []
    proxies = [name for name in _PROXIES if patient.environ.get(name)]
    why = f"; a proxy is set ({', '.join(proxies)})" if proxies else ""
    return [
        _finding(
            "warn",
            f"ngrok's service cannot be reached from here{why}",
            "no-way-out",
            f"let {server} through the firewall; `ngrok diagnose` says more",
        )
    ]


def _packages() -> list[Finding]:
    """Two packages bring something called ngrok, with different functions."""
    both = []
    for name in ("ngrok", "pyngrok"):
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        both.append(name)
    if len(both) < 2:
        return []
    said = "both ngrok and pyngrok are installed: two different things of one name"
    return [_finding("warn", said, "two-ngroks", "python -m pip uninstall pyngrok")]


async def _listens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_REACH_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return True
    return True


def _finding(verdict: str, found: str, cause: str, fix: str) -> Finding:
    return Finding(
        NAME,
        "warn" if verdict == "warn" else "fail",
        found,
        cause,
        "a tunnel that leads to offhook on this computer",
        fix,
    )
