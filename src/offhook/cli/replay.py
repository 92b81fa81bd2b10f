"""`offhook replay`: a recorded call again, frame for frame, and what the bridge did differently. Only composes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offhook.cli.lab import BRIDGE

if TYPE_CHECKING:
    from offhook.lab.replay import Recording, Replayed, Stage
    from offhook.lab.replay.deepgram_side import DeepgramSide


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    trace: Annotated[Path, typer.Argument(help="A wire trace, from `offhook serve --trace` or `offhook lab --trace`.")],
    bridge: Annotated[str | None, BRIDGE] = None,
    deepgram_port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --bridge: where it finds Deepgram's side; 0: any free port.")
    ] = 8081,
    token_env: Annotated[
        str, typer.Option("--auth-token-env", help="With --bridge: the variable with Twilio's auth token.")
    ] = "TWILIO_AUTH_TOKEN",  # noqa: S107 - the name of a variable, not a secret
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON and nothing else.")] = False,
) -> None:
    """Replay a recorded call from both sides of a bridge: Twilio's to the bridge, Deepgram's answering as recorded.

    Exit code 0: the bridge did as recorded. 1: there are differences, and they are printed. 2: it cannot be replayed.
    """
    from offhook.cli.running import run_loop
    from offhook.observe.log import configure

    configure("text", "error")
    replayed = run_loop(_replay(trace, bridge, deepgram_port, token_env))
    _say(replayed, as_json=as_json)
    raise typer.Exit(1 if replayed.differences else 0)


async def _replay(trace: Path, bridge: str | None, deepgram_port: int, token_env: str) -> Replayed:
    import os

    from offhook.lab.replay import ReplayError, Stage
    from offhook.lab.replay import replay as play_again
    from offhook.lab.replay.own import own_server
    from offhook.trace import TraceError

    @asynccontextmanager
    async def theirs(_: DeepgramSide) -> AsyncIterator[Stage]:
        yield Stage(bridge or "", os.environ.get(token_env, ""))

    try:
        recording = _recording(trace)
        if bridge is None:
            return await play_again(recording, own_server)
        return await play_again(recording, theirs, deepgram_port)
    except (TraceError, ReplayError) as error:
        typer.echo(f"offhook replay: {trace.name}: {error}", err=True)
    except OSError as error:
        typer.echo(f"offhook replay: {trace.name}: {error.strerror or error}; choose another --deepgram-port", err=True)
    raise typer.Exit(2)


def _recording(trace: Path) -> Recording:
    from offhook.lab.replay import Recording
    from offhook.trace import read_trace

    try:
        return Recording.of(read_trace(trace))
    except OSError as error:
        typer.echo(f"offhook replay: {trace} cannot be read: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _say(replayed: Replayed, *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        told = [asdict(difference) for difference in replayed.differences]
        late_ms = round(replayed.own_late_ms, 1)
        typer.echo(json.dumps({"differences": told, "own_late_ms": late_ms}, indent=2, ensure_ascii=False))
        return
    for difference in replayed.differences:
        typer.echo(str(difference))
    if not replayed.differences:
        typer.echo("no difference: the bridge did as recorded")
