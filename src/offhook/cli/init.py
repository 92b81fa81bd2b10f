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
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; made if missing. Default: here.")] = Path(),
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
    if folder.resolve() != Path.cwd():
        typer.echo(f'  cd "{folder}"')
    typer.echo("  copy .env.example to .env and fill it in")
    typer.echo("  offhook setup     leads you from there to a number that is answered")
    typer.echo("  README.md         says how to do it yourself")
