"""`offhook serve`: the production server. Prints where it listens and what it lacks; all else is in the log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # at run time they would cost `offhook --help` its half second
    from collections.abc import Callable

    from offhook.config.exposure import Listening
    from offhook.config.settings import Settings
    from offhook.run.taps import Taps


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Interface to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; otherwise PORT, then 8080.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use the offline agent: no Deepgram account.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="The offhook.toml to read.")] = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", help="Record every call in this folder: sound, words and numbers.")
    ] = None,
) -> None:
    """Answer calls: Twilio's webhooks and streams on one port, bridged to the agent."""
    _explain_early_stops()
    import os

    from offhook.cli.running import run_loop
    from offhook.config.exposure import lacking_for_real_calls, must_be_sound
    from offhook.config.load import load
    from offhook.observe.log import configure

    wanted = {"server.host": host, "server.port": port}
    settings = load(config, overrides={key: value for key, value in wanted.items() if value is not None}).settings
    configure(settings.log.format, settings.log.level)
    where = must_be_sound(settings, os.environ)
    for line in [] if offline else lacking_for_real_calls(settings):
        _say(f"note: {line}")
    raise typer.Exit(run_loop(_run(settings, where, trace, config and config.absolute(), offline=offline)))


def _say(text: str) -> None:
    """Tell whoever started us; a server does not end because nobody reads it."""
    with suppress(OSError, ValueError):
        typer.echo(text, err=True)


def _explain_early_stops() -> None:
    """Say so when a signal comes before the server listens. The first process of a container would ignore it."""
    import os
    import signal
    from types import FrameType

    from offhook.stop_reasons import why  # now: a signal that comes in the middle of an import can import nothing

    def stop(number: int, _: FrameType | None) -> None:
        _say(f"stopped before it listened: {why(signal.Signals(number).name, os.environ)}")
        os._exit(0)  # nothing is open yet, and an exception here would surface in the middle of an import

    signal.signal(signal.SIGTERM, stop)


async def _run(settings: Settings, where: Listening, trace: Path | None, config: Path | None, *, offline: bool) -> int:
    from offhook.cli.self_test import self_test
    from offhook.lifecycle import serve as serve_until_stopped
    from offhook.server import Server

    async def with_agent(settings: Settings, then: Callable[[], object] = lambda: None) -> int:
        server = Server(settings, where, taps=_taps(trace))

        def listening_now() -> None:
            _say(f"offhook listens on http://{where.address(server.port)} ({where.why})")
            then()

        return await serve_until_stopped(server, listening_now)

    if not offline:
        async with self_test(config) as look_at_itself:
            return await with_agent(settings, look_at_itself)
    from offhook.cli.offline_agent import offline_agent

    async with offline_agent(settings) as pointed:
        return await with_agent(pointed)


def _taps(folder: Path | None) -> Taps:
    """Return the recorder of traces where a folder was named, and say what it keeps."""
    from offhook.run.taps import NO_TAPS

    if folder is None:
        return NO_TAPS
    from offhook.run.call_traces import CallTraces

    _say(f"every call is recorded in {folder}: its sound, its words and its numbers, readable by you only")
    return CallTraces(folder)
