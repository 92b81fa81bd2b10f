"""`offhook config`: show, check, path, schema. Prints; decides nothing about settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offhook.config import Settings
    from offhook.config.agent import AgentProfile

config = typer.Typer(no_args_is_help=True, help="The settings: what they are, where they come from, what is wrong.")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file; default: offhook.toml here.")
]


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.add_typer(config, name="config")


@config.command()
def show(
    file: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON: key → value and origin.")] = False,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
) -> None:
    """Print every setting. Secrets are shown as `set (… chars)`.

    Example: offhook config show --origin
    """
    import json

    from offhook.config import load
    from offhook.config.shown import rows

    loaded = load(file)
    if as_json:
        table = {key: {"value": value, "origin": source} for key, value, source in rows(loaded)}
        typer.echo(json.dumps(table, indent=2, ensure_ascii=False))
        return
    for key, value, source in rows(loaded):
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        typer.echo(f"{line}    # {source}" if origin else line)


@config.command()
def check(
    file: ConfigFile = None,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Where a key is set: ask Deepgram which model it applies.")
    ] = True,
) -> None:
    """Find every problem in the settings, or say what will happen with them.

    Exit code 0: the settings are valid. 1: Deepgram refuses them. 2: they have problems, each printed with its fix.

    Example: offhook config check
    """
    import os

    from offhook.config import load
    from offhook.config.exposure import lacking_for_real_calls, listening

    loaded = load(file)
    settings = loaded.settings
    found = listening(settings, os.environ)
    typer.echo(f"settings: {loaded.file or 'defaults'}{f' and {loaded.dotenv}' if loaded.dotenv else ''}: no problem")
    where = found.address(found.port)
    typer.echo(f"listens on {where}{' (this machine only)' if found.is_loopback else ''}: {found.why}")
    typer.echo(f"dials {settings.deepgram.agent_url}, at most {settings.calls} calls at once")
    _say_agent("agent", settings.agent)
    for name, profile in settings.agents.items():
        numbers = ", ".join(number for number, route in settings.numbers.items() if route.agent == name)
        _say_agent(f"agent {name} ({numbers or 'no number'})", profile)
    for line in lacking_for_real_calls(settings):
        typer.echo(f"for a real call: {line}")
    for note in loaded.notes:
        typer.echo(f"note: {note}")
    if probe and settings.deepgram.api_key is not None:
        _probe(settings)


def _say_agent(name: str, profile: AgentProfile) -> None:
    first, *rest = profile.think.entries
    typer.echo(f"{name} hears with {profile.listen.model} (listen {profile.listen.version})")
    typer.echo(
        f"{name} thinks with {first.label}; "
        + ("if that is refused or fails: " + ", then ".join(entry.label for entry in rest) if rest else "no fallback")
    )
    voices = ", then ".join(
        f"{voice.label}{f' (speak {voice.version})' if voice.version else ''}" for voice in profile.speak.entries
    )
    typer.echo(f"{name} speaks with {voices}")


def _probe(settings: Settings) -> None:
    """Ask the vendor, for each agent; any refusal is exit code 1."""
    import asyncio

    from offhook.agent.probe import probe
    from offhook.agent.providers import ThinkLadder
    from offhook.errors import AgentError

    ladder, failed = ThinkLadder(), False
    for name, profile in {"agent": settings.agent, **settings.agents}.items():
        typer.echo(f"asking Deepgram about {name} …", err=True)
        try:
            learned = asyncio.run(probe(settings, profile, ladder))
        except AgentError as error:
            failed = True
            typer.echo(f"Deepgram does not take {name}: {error.public} ({error})", err=True)
            continue
        left_out = ", ".join(entry.label for entry in learned.choice.left_out)
        typer.echo(
            f"Deepgram applies {name} with {learned.choice.label} ({learned.took_s:.1f} s)"
            + (f"; it refuses {left_out}, so the fallback is in use" if left_out else "")
        )
    if failed:
        raise typer.Exit(1)


@config.command()
def path(file: ConfigFile = None) -> None:
    """Print where the settings file is, or would be.

    Example: offhook config path
    """
    import os

    from offhook.config.load import file_named

    typer.echo(file_named(file, os.environ)[0].absolute())


@config.command()
def schema() -> None:
    """Print the JSON Schema of offhook.toml, for editors.

    Example: offhook config schema > offhook.schema.json
    """
    from offhook.config.schema import schema_text

    typer.echo(schema_text(), nl=False)
