"""`offhook doctor`: every link checked, one line each. Prints; the checks are in `offhook.setup.doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.setup.doctor.verdict import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The project's folder.", exists=True, file_okay=False)
    ] = Path(),
    url: Annotated[str | None, typer.Option(help="Public address to look at, instead of the settings' own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")] = False,
    network: Annotated[bool, typer.Option("--network/--no-network", help="Ask other machines too.")] = True,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended from here; lists it and asks first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fix: do it without being asked.")] = False,
) -> None:
    """Check every link between a caller and the agent: expected, found, fix. At most 15 s.

    Exit code 0: nothing wrong. 1: warnings only. 2: something is broken; with --fix, what is left afterwards.

    Example: offhook doctor --url https://voice.example.com
    """
    import json

    from offhook.cli.running import run_loop
    from offhook.setup.doctor.verdict import as_json as told
    from offhook.setup.doctor.verdict import exit_code

    if fix and as_json:
        raise typer.BadParameter("--json only looks; give one of --fix and --json")
    if as_json:
        findings = run_loop(_run(folder, url, network=network))
        typer.echo(json.dumps(told(findings), indent=2, ensure_ascii=False))
        raise typer.Exit(exit_code(findings))
    findings = run_loop(_run(folder, url, _say, network=network))
    _count(findings)
    if fix and run_loop(_mend(folder, url, findings, network=network, yes=yes)):
        typer.echo("\nnow:")
        findings = run_loop(_run(folder, url, _say, network=network))
        _count(findings)
    raise typer.Exit(exit_code(findings))


def _unheard(_: Finding) -> None:
    """Tell nobody."""


async def _run(
    folder: Path, url: str | None, told: Callable[[Finding], None] = _unheard, *, network: bool
) -> list[Finding]:
    import os

    import aiohttp

    from offhook.setup.doctor.catalogue import CHECKS
    from offhook.setup.doctor.check import run_checks
    from offhook.setup.doctor.patient import examine

    if not network:
        return await run_checks(CHECKS, examine(folder, os.environ, url=url), told)
    async with aiohttp.ClientSession() as session:
        return await run_checks(CHECKS, examine(folder, os.environ, url=url, session=session), told)


async def _mend(folder: Path, url: str | None, findings: list[Finding], *, network: bool, yes: bool) -> bool:
    """List what can be mended, ask, and do it. Return whether anything was changed."""
    import os

    import aiohttp

    from offhook.setup.doctor.patient import examine
    from offhook.setup.doctor.repairs import planned, repairs_for

    async with aiohttp.ClientSession() as session:
        patient = examine(folder, os.environ, url=url, session=session if network else None)
        found = await planned(patient, repairs_for(findings))
        if not found:
            typer.echo("\nnothing here can be mended by --fix; the lines above say what to do")
            return False
        typer.echo("\n--fix would:")
        for _, lines in found:
            for line in lines:
                typer.echo(f"  {line}")
        if not _agreed(yes=yes):
            return False
        for repair, _ in found:
            await repair.mend(patient)
    return True


def _agreed(*, yes: bool) -> bool:
    import sys

    from offhook.cli.running import confirm

    if yes:
        return True
    if not sys.stdin.isatty():
        typer.echo("nothing was changed: add --yes to do it without being asked", err=True)
        return False
    return confirm("Do it?")


def _say(finding: Finding) -> None:
    import shutil

    colours = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED, "skip": None}
    first, *rest = finding.lines(shutil.get_terminal_size().columns)
    typer.echo(typer.style(first[:4], fg=colours[finding.verdict]) + first[4:])
    for line in rest:
        typer.echo(line)


def _count(findings: list[Finding]) -> None:
    verdicts = ("ok", "warn", "fail", "skip")
    counted = {verdict: sum(1 for finding in findings if finding.verdict == verdict) for verdict in verdicts}
    typer.echo(", ".join(f"{number} {verdict}" for verdict, number in counted.items() if number))
