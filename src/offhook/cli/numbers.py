"""`offhook numbers`: list, attach, detach. Prints and asks; the work is done in `offhook.carrier`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offhook.carrier.client import Carrier
    from offhook.carrier.number import Number, Wiring
    from offhook.carrier.numbers import Takeable
    from offhook.config.load import Loaded

numbers = typer.Typer(no_args_is_help=True, help="The Twilio account's phone numbers, and what answers them.")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file; default: offhook.toml here.")
]
AskedNumber = Annotated[
    str | None, typer.Argument(metavar="NUMBER", help="In E.164, or its SID; default: the account's only one.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.add_typer(numbers, name="numbers")


@numbers.command("list")
def list_numbers(
    search: Annotated[str, typer.Option(help="Only numbers with this part; * stands for any digit.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything that answers each number.")] = False,
    file: ConfigFile = None,
) -> None:
    """List the account's numbers and what answers them.

    Each line: the number, its country, what it can, what answers it.

    Example: offhook numbers list --search "+44"
    """
    import json

    from offhook.cli.running import run_loop
    from offhook.config import load

    found = run_loop(_found(load(file), search))
    if as_json:
        typer.echo(json.dumps([_as_json(number) for number in found], indent=2))
        return
    for line in _lines(found):
        typer.echo(line)
    if not found:
        typer.echo("no numbers" + (" with that part" if search else "; buy one in the Twilio console"))


@numbers.command()
def attach(
    number: AskedNumber = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The server's public address; default: the settings'.")
    ] = None,
    fallback: Annotated[
        str | None, typer.Option(metavar="URL", help="What answers when the server cannot; best a TwiML Bin.")
    ] = None,
    take_trunk: Annotated[bool, typer.Option("--take-trunk", help="Take the number off its SIP trunk.")] = False,
    take_application: Annotated[
        bool, typer.Option("--take-application", help="Take the number off its TwiML application.")
    ] = False,
    yes: Yes = False,
    file: ConfigFile = None,
) -> None:
    """Let the server answer a number. Prints what changes and asks first; `detach` puts the old values back.

    The old values are kept in .offhook/numbers.json beside the settings file.

    Example: offhook numbers attach +441632960001 --url https://voice.example.com
    """
    from offhook.cli.running import run_loop
    from offhook.config import load

    loaded = load(file)
    public_url = _address(url or loaded.settings.server.public_url)
    may_take: list[Takeable] = [*(["trunk"] if take_trunk else []), *(["application"] if take_application else [])]  # type: ignore[list-item]
    raise typer.Exit(run_loop(_attach(loaded, number, public_url, fallback, may_take, yes=yes)))


@numbers.command()
def detach(
    number: AskedNumber = None,
    force: Annotated[bool, typer.Option("--force", help="Also where somebody has changed the number since.")] = False,
    yes: Yes = False,
    file: ConfigFile = None,
) -> None:
    """Put back what answered a number before `attach`. Prints what changes and asks first.

    Example: offhook numbers detach +441632960001
    """
    from offhook.cli.running import run_loop
    from offhook.config import load

    raise typer.Exit(run_loop(_detach(load(file), number, force=force, yes=yes)))


async def _found(loaded: Loaded, search: str) -> list[Number]:
    from offhook.carrier.client import Carrier

    async with Carrier.of(loaded.settings) as carrier:
        return await carrier.numbers.all(search)


async def _attach(
    loaded: Loaded, asked: str | None, public_url: str, fallback: str | None, may_take: list[Takeable], *, yes: bool
) -> int:
    from offhook.carrier.attach import attach, wiring_for
    from offhook.carrier.client import Carrier
    from offhook.carrier.numbers import check_consent
    from offhook.carrier.saved import SavedWirings
    from offhook.errors import CarrierRejected

    async with Carrier.of(loaded.settings) as carrier:
        number = await _one(carrier, asked)
        if not number.can_voice:
            raise CarrierRejected("This number cannot take calls; choose one that `offhook numbers list` calls voice.")
        wanted = wiring_for(public_url, number.wiring, fallback, root=loaded.settings.server.stream_path)
        check_consent(number.wiring, wanted, may_take)
        if not _agreed(number, wanted, yes=yes):
            return 1
        rewired = await attach(carrier.numbers, SavedWirings(loaded.folder), number, wanted, may_take)
    typer.echo(f"{number.e164} is answered by {rewired.after.wiring.voice_url}")
    if not rewired.after.wiring.fallback_url:
        typer.echo("no fallback: callers hear an error while the server is down; give --fallback URL (a TwiML Bin)")
    return 0


async def _detach(loaded: Loaded, asked: str | None, *, force: bool, yes: bool) -> int:
    from offhook.carrier.attach import detach
    from offhook.carrier.client import Carrier
    from offhook.carrier.saved import SavedWirings

    saved = SavedWirings(loaded.folder)
    async with Carrier.of(loaded.settings) as carrier:
        attached = list(saved.all())
        number = await _one(carrier, asked or (attached[0] if len(attached) == 1 else None))
        kept = saved.get(number.sid)
        if kept is not None and not _agreed(number, kept.before, yes=yes):
            return 1
        await detach(carrier.numbers, saved, number.sid, force=force)
    typer.echo(f"{number.e164} is answered as before it was attached")
    return 0


async def _one(carrier: Carrier, asked: str | None) -> Number:
    """Return the number that was asked for, or else the only one that takes calls."""
    from offhook.errors import CarrierRejected

    if asked is not None:
        return await carrier.numbers.find(asked)
    able = [number for number in await carrier.numbers.all() if number.can_voice]
    if len(able) != 1:
        raise CarrierRejected(
            f"The account has {len(able) or 'no'} numbers that take calls; name one: `offhook numbers list` shows them."
        )
    return able[0]


def _agreed(number: Number, wanted: Wiring, *, yes: bool) -> bool:
    """Print what will change and ask, unless nothing changes or ``yes`` was said before."""
    import sys

    from offhook.cli.running import confirm

    changes = number.wiring.changes_to(wanted)
    if not changes:
        return True
    typer.echo(f"{number.e164} at Twilio:")
    for change in changes:
        typer.echo(f"  {change}")
    if yes:
        return True
    if not sys.stdin.isatty():
        typer.echo("nothing was changed: add --yes to do it without being asked", err=True)
        return False
    return confirm("Change it?")


def _address(url: str | None) -> str:
    """Return the server's public address, checked as the setting would be."""
    from pydantic import ValidationError

    from offhook.config.server import ServerPart
    from offhook.errors import ConfigError

    if url is None:
        raise ConfigError(["server.public_url: is not set; set OFFHOOK_PUBLIC_URL or give --url https://HOST"])
    try:
        return str(ServerPart(public_url=url).public_url)
    except ValidationError as wrong:
        said = wrong.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError([f"--url: {said}"]) from None


def _lines(found: list[Number]) -> list[str]:
    """Return one line per number: what it is, what it can, what answers it."""
    rows = []
    for number in found:
        can = [word for word, able in (("voice", number.can_voice), ("sms", number.can_sms)) if able]
        by = number.wiring.overridden_by
        answers = f"a {by}" if by else number.wiring.voice_url or "nothing"
        rows.append((number.e164, number.country or "--", ", ".join(can) or "neither", answers))
    wide = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:<{wide[2]}}  → {answers}" for a, b, c, answers in rows]


def _as_json(number: Number) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(number)
