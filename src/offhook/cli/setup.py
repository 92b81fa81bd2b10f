"""`offhook setup`: the guided path to a number that is answered. Prints and asks; `offhook.setup.wizard` does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offhook.errors import OffhookError

_BEGIN = (
    "From your accounts to a number that is answered, in {steps} steps; each is proved before the next. You need an "
    "account at Deepgram, a number at Twilio, and this computer or an account at Railway. Ctrl-C stops it; the "
    "next run goes on there."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("setup")(setup)


def setup(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The project; made if missing. Default: here.")] = (
        Path()
    ),
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Answers as TOML; nobody is asked.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked and changed; change nothing.")] = (
        False
    ),
    anew: Annotated[bool, typer.Option("--anew", help="Ask again for what was chosen before: number, place.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Agree to every change that is listed.")] = False,
    call: Annotated[bool, typer.Option("--call/--no-call", help="End with a call from your phone.")] = True,
) -> None:
    """Lead from three accounts to a number that is answered, one verified step at a time.

    Stop it whenever you like, also by Ctrl-C; run again, it goes on where it was. Nothing is made twice.

    Example: offhook setup my-agent
    """
    import os
    import sys

    from offhook.cli.running import run_loop
    from offhook.cli.terminal import Questions, Terminal, program, wrapped
    from offhook.errors import OffhookError
    from offhook.observe.log import configure
    from offhook.setup.wizard import dry
    from offhook.setup.wizard.answers import read_answers
    from offhook.setup.wizard.journey import Setup, walk
    from offhook.setup.wizard.laptop import stay
    from offhook.setup.wizard.state import State, read_state
    from offhook.setup.wizard.steps import STEPS, farewell

    known = read_answers(answers) if answers is not None else {}
    is_person = answers is None and sys.stdin.isatty() and sys.stdout.isatty()
    configure("auto", "error")
    again = f"{program()} setup" if folder.resolve() == Path.cwd() else f'{program()} setup "{folder}"'
    environ = {name: value for name, value in os.environ.items() if name != "OFFHOOK_CONFIG"}  # here, not elsewhere
    try:
        wizard = Setup(
            folder,
            environ,
            Questions(known, is_person=is_person),
            Terminal(),
            run_loop,
            State() if anew else read_state(folder),
            is_agreed=yes,
            is_calling=call,
        )
        if dry_run:
            dry.tell(wizard, STEPS)
            return
        if is_person:
            typer.echo(wrapped(_BEGIN.format(steps=len(STEPS))) + "\n")
        with wizard.ends:
            walk(wizard, STEPS)
            farewell(wizard)
            stay(wizard)
    except OffhookError as error:
        _failed(error, again)
        raise typer.Exit(1) from None
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("\nstopped", err=True)
        _say_again(again, may_choose=is_person)
        raise typer.Exit(130) from None


def _failed(error: OffhookError, again: str) -> None:
    """Say what is wrong, how to mend it, and how to go on."""
    from offhook.cli.terminal import wrapped
    from offhook.errors import ConfigError, RailwayError, SetupError

    said, fix = [str(error)], ""
    match error:
        case ConfigError():
            said, fix = list(error.problems), "correct that in offhook.toml, .env or the answers file"
        case SetupError() | RailwayError():
            said, fix = [error.said], error.fix
    typer.echo("", err=True)
    for line in said:
        typer.echo(wrapped(line, "stopped  ", " " * 9), err=True)
    if fix:
        typer.echo(wrapped(fix, "to mend  ", " " * 9), err=True)
    _say_again(again)


def _say_again(again: str, *, may_choose: bool = False) -> None:
    """Say how to go on. The command is never wrapped: it is there to be copied."""
    typer.echo(f"then     {again}\n         it goes on here; nothing is made twice", err=True)
    if may_choose:
        typer.echo(f"or       {again} --anew\n         to choose number and place again", err=True)
