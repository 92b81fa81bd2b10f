"""The `offhook` command: collects one file per command. Command files import nothing heavy at module level."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from io import TextIOWrapper

import typer

#: One module per command; each has ``register(app)``. Kept in the order `--help` shows them.
COMMANDS = (
    *("demo", "init", "setup", "doctor", "dev", "serve", "dial", "test", "lab", "replay", "judge", "load"),
    *("agent", "numbers", "railway", "config", "twiml"),
)

#: What is wrong with a stream we write to: nobody reads it, or its disk is full or broken.
_NOT_WRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EIO)

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
    _open_what_was_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe has no letter for every arrow
    try:
        _run()
    finally:
        _let_go()


def _open_what_was_closed() -> None:
    """Put nothing in the place of a standard stream that was closed before we began, or our first socket takes it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as we live
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _run() -> None:
    from offhook.errors import ConfigError, OffhookError

    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            _say(f"config: {problem}")
        sys.exit(2)
    except OffhookError as error:
        _say(f"offhook: {error}")
        sys.exit(1)
    except OSError as error:
        if error.errno in _NOT_WRITTEN and error.filename is None:
            _say(f"offhook: what it says could not be written ({error.strerror})")
        elif error.filename is None:  # not about a file somebody named: ours
            raise
        else:
            _say(f"offhook: {error.filename}: {error.strerror}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads, or nothing can be written any more
        typer.echo(text, err=True)


def _let_go() -> None:
    """Give up what a stream does not take: Python would try again at its exit, and make our exit code 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
