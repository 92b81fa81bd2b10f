"""`offhook dev`: answer a real number from this computer. Prints and asks; `offhook.setup.dev` does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # at run time they would cost `offhook --help` its half second
    from collections.abc import Sequence

    from offhook.carrier.number import Number
    from offhook.setup.dev.run import Wanted


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dev")(dev)


def dev(
    number: Annotated[str | None, typer.Option(metavar="+44…", help="The number to answer; else the only one.")] = None,
    url: Annotated[str | None, typer.Option(metavar="https://…", help="Use your own tunnel at this address.")] = None,
    tunnel: Annotated[
        str | None, typer.Option(metavar="auto|ngrok|agent|cloudflared", help="Which tunnel to open.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; otherwise PORT, then 8080.")] = None,
    wire: Annotated[bool, typer.Option("--wire/--no-wire", help="Point the number here, and back at the end.")] = True,
    restore: Annotated[
        bool, typer.Option("--restore", help="Only put back what a `dev` that was cut off has left.")
    ] = False,
    take_trunk: Annotated[
        bool, typer.Option("--take-trunk", help="Take a SIP trunk off the number meanwhile.")
    ] = False,
    take_application: Annotated[
        bool, typer.Option("--take-application", help="Take a TwiML application off it meanwhile.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use the offline agent: no Deepgram account.")] = False,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file.")] = None,
) -> None:
    """Answer a real number from this computer: server, tunnel, number; all as before when you stop it.

    Saving the prompt or offhook.toml changes the calls that come after it.

    Example: offhook dev --number +441632960001
    """
    from dataclasses import replace

    from offhook.cli.offline_agent import offline_agent
    from offhook.cli.running import run_loop
    from offhook.observe.log import configure
    from offhook.setup.dev.run import Wanted, run

    takes = {"trunk": take_trunk, "application": take_application}
    wanted = Wanted(
        config=config,
        port=port,
        tunnel=tunnel,
        url=url,
        number=number,
        is_wiring=wire,
        may_take=frozenset(name for name, agreed in takes.items() if agreed),  # type: ignore[misc] # both are Takeable
        agent=offline_agent if offline else None,
    )
    settings = wanted.load().settings
    configure(settings.log.format, settings.log.level)
    if restore:
        raise typer.Exit(0 if run_loop(_restored(wanted)) else 1)
    try:
        if wire:
            _offer(wanted)
            wanted = replace(wanted, number=number or settings.dev.number or _asked(wanted))
    except typer.Abort:  # Ctrl-C at a question
        raise typer.Exit(130) from None
    raise typer.Exit(run_loop(run(wanted, _say)))


async def _restored(wanted: Wanted) -> bool:
    """Put back everything that is left; say whether all of it is settled."""
    from offhook.carrier.client import Carrier
    from offhook.setup.dev.number import put_back, remembered

    loaded = wanted.load()
    saved = remembered(loaded.folder)
    if not saved.all():
        _say("number", "nothing is left to put back")
        return True
    async with Carrier.of(loaded.settings) as carrier:
        done = [await put_back(carrier, saved, sid, lambda line: _say("number", line)) for sid in saved.all()]
    return all(done)


def _offer(wanted: Wanted) -> None:
    """Offer to put back what a `dev` that was cut off has left; without a person, say how."""
    from offhook.cli.running import run_loop
    from offhook.setup.dev.number import remembered

    if not remembered(wanted.load().folder).all():
        return
    _say("number", "the last `offhook dev` was cut off before it could put its number back")
    if not _is_person():
        _say("number", "`offhook dev --restore` does it; the same number taken again is put back when this one ends")
    elif typer.confirm("Put it back now?", default=True):
        run_loop(_restored(wanted))


def _asked(wanted: Wanted) -> str | None:
    """Ask a person which number, where there is a choice. Outside the event loop: Ctrl-C ends a question at once."""
    from offhook.cli.running import run_loop
    from offhook.cli.terminal import place_in

    if not _is_person():
        return None
    numbers = run_loop(_able(wanted))
    if len(numbers) < 2:
        return None
    for place, number in enumerate(numbers, 1):
        typer.echo(f"  {place}  {number.e164}  {number.name if number.name != number.e164 else ''}".rstrip())
    return numbers[place_in(len(numbers), "Which number shall be answered here?") - 1].e164


async def _able(wanted: Wanted) -> Sequence[Number]:
    from offhook.carrier.client import Carrier
    from offhook.setup.dev.number import able

    async with Carrier.of(wanted.load().settings) as carrier:
        return await able(carrier)


def _is_person() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _say(what: str, line: str) -> None:
    """Print a line, on a terminal no wider than it is."""
    import shutil
    import sys
    import textwrap

    text = f"{what:<7} {line}"
    if sys.stdout.isatty():
        width = max(shutil.get_terminal_size().columns, 30)
        text = textwrap.fill(text, width, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)
    typer.echo(text)
