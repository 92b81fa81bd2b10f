"""Which tunnel: the one that is named, or the first that works here. Opens it; decides nothing about numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from offhook.config.dev import DevPart
from offhook.errors import SetupError
from offhook.setup.tunnel import cloudflared, ngrok_agent, ngrok_sdk
from offhook.setup.tunnel.own import OwnTunnel
from offhook.setup.tunnel.port import Opener, Tunnel


def apis_of(dev: DevPart) -> tuple[str, ...]:
    """Return where a running ngrok agent is looked for."""
    return (dev.ngrok_api,) if dev.ngrok_api else ngrok_agent.USUAL


async def open_tunnel(
    dev: DevPart, port: int, environ: Mapping[str, str], folder: Path, url: str | None = None
) -> Tunnel:
    """Open the tunnel to ``port``. Raises SetupError with the fix.

    Order where none is named: an ngrok agent that already leads to the port, ngrok's library where a token is known,
    cloudflared where it is installed.
    """
    if url is not None:
        return await OwnTunnel(url).open(port)
    token = ngrok_sdk.token_of(environ, folder)
    ca_file = folder / dev.ngrok_ca_file if dev.ngrok_ca_file else None
    named: dict[str, Opener] = {
        "agent": ngrok_agent.RunningAgent(apis_of(dev)),
        "ngrok": ngrok_sdk.NgrokSdk(token, dev.ngrok_server, ca_file),
        "cloudflared": cloudflared.Cloudflared(),
    }
    if dev.tunnel != "auto":
        return await named[dev.tunnel].open(port)
    found = await ngrok_agent.endpoints(apis_of(dev))
    if any(endpoint.port == port and endpoint.is_usable for endpoint in found or ()):
        return await named["agent"].open(port)
    if token and ngrok_sdk.is_installed():
        return await named["ngrok"].open(port)
    if cloudflared.program() is not None:
        return await named["cloudflared"].open(port)
    raise _none(token, found, port)


def _none(token: str, found: list[ngrok_agent.Endpoint] | None, port: int) -> SetupError:
    """Return the error that says which ways there are, the nearest first."""
    if found is not None:
        return SetupError(ngrok_agent.misses(found, port), f"start it as: ngrok http {port}")
    if token:
        return SetupError(
            "an ngrok authtoken is known, but ngrok's library is not installed",
            "install it: python -m pip install ngrok",
        )
    return SetupError(
        "there is no way yet for Twilio to reach this computer",
        "with ngrok: python -m pip install ngrok, and NGROK_AUTHTOKEN in .env (ngrok dashboard, Your Authtoken); or "
        "install cloudflared, which needs no account; or name your own tunnel with --url",
    )
