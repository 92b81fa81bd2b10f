"""`offhook demo`: one whole call on this machine, without an account: server, agent, caller. Only composes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import asyncio

    from offhook.cli.demo_script import DemoScript
    from offhook.offline.ports import Mind


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for call.wav and call.json.")] = Path("offhook-demo"),
    fast: Annotated[
        bool, typer.Option("--fast", help="Recorded voices and a scripted agent: no models, nothing recognised.")
    ] = False,
) -> None:
    """Hear it work: a caller asks three things, interrupts once and says goodbye. Needs no account and no network.

    Exit code 0 only if every utterance was understood and answered and the interruption cut the agent.
    """
    import asyncio

    from offhook.cli.running import run_loop
    from offhook.observe.log import configure

    configure("text", "error")
    _must_be_writable(out)
    printed = _Printed()
    try:
        code = run_loop(_demo(out, printed, fast=fast))
    except asyncio.CancelledError:
        if printed.refused is None:
            raise
        raise printed.refused from None
    raise typer.Exit(code)


def _must_be_writable(out: Path) -> None:
    """Make the folder before a minute is spent on what goes into it."""
    import tempfile

    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        why = f"{out} cannot be written ({error.strerror}); name a folder that is yours"
        raise typer.BadParameter(why, param_hint="--out") from None


class _Printed:
    """Standard output, until it takes no more: `| head` has read enough, and the call is given up. Raises nothing."""

    def __init__(self) -> None:
        self.call: asyncio.Task[Any] | None = None
        self.refused: OSError | None = None

    def __call__(self, text: str) -> None:
        if self.refused is not None:
            return
        try:
            typer.echo(text)
        except OSError as refused:
            self.refused = refused
            if self.call is not None:
                self.call.cancel()


async def _demo(out: Path, say: _Printed, *, fast: bool) -> int:
    import asyncio

    from offhook.cli import demo_script
    from offhook.cli.terminal import wrapped

    what = "a phone call on this machine - a simulated caller, the offhook server, an offline agent"
    say.call = asyncio.current_task()
    say(wrapped(f"offhook demo: {what}", rest="  ") + "\n")
    script = demo_script.load()
    if fast:
        return await _call(out, script, say, demo_script.recorded_mind(), demo_script.recorded_line)
    from offhook.errors import ConfigError
    from offhook.offline.speech.mind import SpeakingMind

    mind = SpeakingMind(progress=lambda line: say(f"  {line}"))

    async def spoken(text: str) -> bytes:
        if mind.lacks:
            raise ConfigError([f"{mind.lacks} is missing (see above), and without it nobody would be understood"])
        return await mind.synthesise_line(text, caller=True)

    try:
        return await _call(out, script, say, mind, spoken)
    except ConfigError as missing:
        for problem in missing.problems:
            typer.echo(f"demo: {problem}", err=True)
        typer.echo("demo: `offhook demo --fast` runs without models", err=True)
        return 1


async def _call(
    out: Path, script: DemoScript, say: _Printed, mind: Mind, speak: Callable[[str], Awaitable[bytes]]
) -> int:
    import secrets

    from pydantic import SecretStr

    from offhook.cli.demo_verdict import Telling
    from offhook.cli.free_port import free_port
    from offhook.cli.offline_agent import pointed_at, running_agent
    from offhook.config.exposure import Listening
    from offhook.config.server import ServerPart
    from offhook.config.settings import Settings
    from offhook.config.twilio import TwilioAccount
    from offhook.server import Server
    from offhook.sim.call import CallOptions, SimulatedCall
    from offhook.sim.identity import CallIdentity

    telling = Telling(script, say)
    async with running_agent(mind, telling.agent_frame) as agent:
        steps = await script.steps(speak)
        port = free_port()  # the public address must be known before the server listens
        identity, token = CallIdentity(), secrets.token_hex(16)
        address = f"http://127.0.0.1:{port}"
        settings = Settings(
            agent=script.profile(),
            twilio=TwilioAccount(auth_token=SecretStr(token), account_sid=identity.account_sid),
            server=ServerPart(host="127.0.0.1", port=port, public_url=address),
        )
        where = Listening("127.0.0.1", port, is_loopback=True, why="this is a demo")
        async with Server(pointed_at(settings, agent), where, telling.ended) as server:
            await server.ready()
            target = f"{address}{settings.server.stream_path}/voice"
            call = SimulatedCall(target, steps, CallOptions(auth_token=token, identity=identity), telling.event)
            telling.begins()
            report = await call.run()
            await server.switchboard.stop()
        call.write(out)
    return telling.concludes(report, out)
