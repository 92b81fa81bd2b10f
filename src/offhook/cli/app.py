"""The `offhook` command: collects one file per command. Command files import nothing heavy at module level."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from io import TextIOWrapper

import typer

#: One module per command; each has ``register(app)``. Kept in the order `--help` shows them.
COMMANDS = (
    *("demo", "init", "setup", "doctor", "dev", "serve", "dial", "test", "lab", "replay", "judge", "load"),
    *("agent", "numbers", "railway", "config", "twiml"),
)

app = typer.Typer(
    name="offhook",
    help="A Deepgram voice agent on a Twilio phone number.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: Rich alone would cost a third of the half second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from offhook import __version__

        typer.echo(f"offhook {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


for _name in COMMANDS:
    if find_spec(f"offhook.cli.{_name}") is not None:
        importlib.import_module(f"offhook.cli.{_name}").register(app)


def main() -> None:
    """Run the command line. A known failure is one message and exit code 1 or 2, never a traceback."""
    from offhook.errors import ConfigError, OffhookError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe has no letter for every arrow
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"config: {problem}", err=True)
        sys.exit(2)
    except OffhookError as error:
        typer.echo(f"offhook: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()
        elif error.filename is None:  # not about a file somebody named: ours
            raise
        else:
            typer.echo(f"offhook: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
