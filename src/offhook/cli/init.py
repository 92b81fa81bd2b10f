"""`offhook init`: writes a project. Prints what it did; `offhook.setup.project` does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offhook.setup.project.write import Project


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where; made if missing. Default: here.", show_default=False)
    ] = Path(),
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Replace offhook and its pins in vendor/ by this version's.")
    ] = False,
) -> None:
    """Write a project that a platform can build: settings, prompt, Dockerfile, and offhook itself in vendor/.

    Overwrites nothing; safe to run again. Exit code 1 where settings that were here before have problems.

    Example: offhook init my-agent
    """
    from offhook.setup.project.write import write_project

    project = write_project(folder, upgrade=upgrade)
    _say(project, folder)
    raise typer.Exit(1 if project.problems else 0)


def _say(project: Project, folder: Path) -> None:
    width = max(len(step.name) for step in project.steps)
    for step in project.steps:
        typer.echo(f"{step.did:<8}  {step.name:<{width}}  {step.said}")
    for note in project.notes:
        typer.echo(f"note: {note}", err=True)
    for problem in project.problems:
        typer.echo(f"config: {problem}", err=True)
    if project.problems:
        typer.echo("offhook.toml was here before and has the problems above", err=True)
        return
    typer.echo("")
    typer.echo("offhook.toml is valid. Next:")
    for line in _next(folder):
        typer.echo(f"  {line}")
    typer.echo("README.md says how to do it yourself.")


def _next(folder: Path) -> list[str]:
    """Return the commands that lead on from here, as this system's shell takes them."""
    import os

    is_windows = os.name == "nt"
    programs = ".venv\\Scripts\\" if is_windows else ".venv/bin/"
    here = [] if folder.resolve() == Path.cwd() else [f'cd "{folder}"']
    install = [
        "python -m venv .venv" if is_windows else "python3 -m venv .venv",
        f"{programs}python -m pip install --require-hashes -r vendor/requirements.txt",
        f"{programs}python -m pip install --no-deps --no-index --find-links vendor offhook",
    ]
    is_installed = (folder / ".venv").is_dir()
    return [
        *here,
        *([] if is_installed else install),
        f"{programs}offhook setup   # leads you to a number that is answered",
    ]
