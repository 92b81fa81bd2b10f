"""`offhook lab`: both vendors' stand-ins with a bridge between them, watched and judged. Prints; only composes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from offhook.lab.bench import Bench, Wiring


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab")(lab)


def a_webhook(url: str | None) -> str | None:
    """Refuse what cannot be the address of a voice webhook."""
    from urllib.parse import urlsplit

    if url is not None and not (url.startswith(("http://", "https://")) and urlsplit(url).netloc):
        raise typer.BadParameter("it is the address of your bridge's voice webhook, like http://127.0.0.1:5000/voice")
    return url


BRIDGE: Final = typer.Option(
    "--bridge", metavar="URL", callback=a_webhook, help="Your bridge's voice webhook; without: offhook's own."
)


def lab(
    bridge: Annotated[str | None, BRIDGE] = None,
    twilio_port: Annotated[
        int, typer.Option("--twilio-port", min=0, max=65535, help="Twilio's REST API; 0: any free port.")
    ] = 8082,
    deepgram_port: Annotated[
        int, typer.Option("--deepgram-port", min=0, max=65535, help="Deepgram's socket; 0: any free port.")
    ] = 8081,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The lab's page; 0: any free port.")] = 8083,
    trace: Annotated[
        Path | None, typer.Option("--trace", metavar="DIR", help="Keep each call's wire trace here: sound and words.")
    ] = None,
) -> None:
    """Put a bridge between a simulated Twilio and an offline Deepgram; watch every message, judge every call.

    Credentials are those of TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and DEEPGRAM_API_KEY where they are set; test
    credentials are printed otherwise. Everything listens on this machine only. Ctrl-C stops it.
    """
    from offhook.cli.running import run_loop
    from offhook.observe.log import configure

    configure("text", "error")
    raise typer.Exit(run_loop(_lab(_wiring(twilio_port, deepgram_port, trace), bridge, port)))


def _wiring(twilio_port: int, deepgram_port: int, trace: Path | None) -> Wiring:
    """Return the ports and credentials, and say the latter where nobody else does."""
    import os
    import secrets

    from offhook.lab.bench import Wiring
    from offhook.sim.identity import CallIdentity

    sid = os.environ.get("TWILIO_ACCOUNT_SID") or CallIdentity().account_sid
    token, key = os.environ.get("TWILIO_AUTH_TOKEN"), os.environ.get("DEEPGRAM_API_KEY")
    typer.echo(f"TWILIO_ACCOUNT_SID={sid}")
    if not token:
        token = secrets.token_hex(16)
        typer.echo(f"TWILIO_AUTH_TOKEN={token}")
    else:
        typer.echo("TWILIO_AUTH_TOKEN is the one that is set")
    typer.echo("DEEPGRAM_API_KEY is the one that is set" if key else "DEEPGRAM_API_KEY: any is accepted")
    if trace is not None:
        try:
            trace.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"{trace} cannot be made: {error.strerror}", param_hint="--trace") from None
        typer.echo(f"every call is kept in {trace}: its sound and its words, readable by you only")
    return Wiring(sid, token, key or None, twilio_port, deepgram_port, trace)


async def _lab(wiring: Wiring, bridge: str | None, port: int) -> int:
    import asyncio

    from aiohttp import web

    from offhook.errors import ConfigError
    from offhook.lab.bench import Bench
    from offhook.lab.control import Control

    try:
        async with Bench(wiring) as bench, _between(bench, bridge):
            runner = web.AppRunner(Control(bench).app(), access_log=None, handle_signals=False, shutdown_timeout=0.2)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", port).start()
                typer.echo(f"Twilio's REST API:  {bench.twilio.url}")
                typer.echo(f"Deepgram's socket:  {bench.agent.url}")
                typer.echo(f"the bridge:         {bench.bridge_url}")
                typer.echo(f"watch it:           http://127.0.0.1:{runner.addresses[0][1]}/")
                await asyncio.Event().wait()
            finally:
                await runner.cleanup()
    except OSError as busy:
        choose = "choose other ports (--port, --twilio-port, --deepgram-port)"
        raise ConfigError([f"cannot listen: {busy.strerror}; {choose}"]) from None
    return 0


@asynccontextmanager
async def _between(bench: Bench, bridge: str | None) -> AsyncIterator[None]:
    """Connect the bridge that was named, or a server of our own."""
    if bridge is not None:
        await bench.connect(bridge)
        yield
        return
    from offhook.lab.own import own_bridge

    async with own_bridge(bench):
        yield
