"""`offhook railway`: values, verify, deploy. Prints and asks; the work is done in `offhook.setup.railway`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import aiohttp

    from offhook.config.load import Loaded
    from offhook.setup.railway.api import Railway
    from offhook.setup.railway.follow import Told
    from offhook.setup.railway.identity import Identity
    from offhook.setup.railway.road import Deployed
    from offhook.setup.railway.wanted import Source, Wanted

railway = typer.Typer(no_args_is_help=True, help="The service at Railway: made or verified, by its public API.")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file; default: offhook.toml here.")
]
Repo = Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="The GitHub repository to deploy.")]
Branch = Annotated[str, typer.Option(help="The repository's branch.")]
FromImage = Annotated[str | None, typer.Option("--image", metavar="NAME", help="An image instead of a repository.")]
InWorkspace = Annotated[
    str | None, typer.Option("--workspace", metavar="NAME", help="Where the token sees several: the project's.")
]
Replicas = Annotated[int, typer.Option(min=1, help="Processes side by side.")]
Databases = Annotated[bool, typer.Option("--databases", help="Postgres and Redis beside the service.")]


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.add_typer(railway, name="railway")


@railway.command()
def values(
    repo: Repo = None,
    branch: Branch = "main",
    image: FromImage = None,
    replicas: Replicas = 1,
    databases: Databases = False,
    file: ConfigFile = None,
) -> None:
    """Print every value to enter in Railway's own pages. Asks nobody and shows no secret.

    Example: offhook railway values --repo owner/voice
    """
    from offhook.setup.railway.by_hand import pages

    for line in pages(_wanted(_loaded(file), _source(repo, branch, image), replicas, databases=databases)):
        typer.echo(line)


@railway.command()
def verify(
    repo: Repo = None,
    branch: Branch = "main",
    image: FromImage = None,
    replicas: Replicas = 1,
    databases: Databases = False,
    workspace: InWorkspace = None,
    file: ConfigFile = None,
) -> None:
    """Read every value at Railway and say what is not as it should be. Changes nothing; exit code 1 where something is.

    Example: offhook railway verify --repo owner/voice
    """
    from offhook.cli.running import run_loop

    loaded = _loaded(file)
    wanted = _wanted(loaded, _source(repo, branch, image), replicas, workspace, databases=databases)
    raise typer.Exit(run_loop(_verify(loaded, wanted)))


@railway.command()
def deploy(
    repo: Repo = None,
    branch: Branch = "main",
    image: FromImage = None,
    replicas: Replicas = 1,
    databases: Databases = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and stop.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Deploy also where nothing has changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    workspace: InWorkspace = None,
    file: ConfigFile = None,
) -> None:
    """Create or correct the service, deploy it, and follow it until it would take a call. Safe to run again.

    Prints every change first and asks. RAILWAY_TOKEN or RAILWAY_API_TOKEN says who we are.

    Example: offhook railway deploy --repo owner/voice
    """
    from offhook.cli.running import run_loop

    loaded = _loaded(file)
    databases = databases or (replicas > 1 and not yes and _offered())
    wanted = _wanted(loaded, _source(repo, branch, image), replicas, workspace, databases=databases)
    raise typer.Exit(run_loop(_deploy(loaded, wanted, dry_run=dry_run, again=again, yes=yes)))


def _loaded(file: Path | None) -> Loaded:
    from offhook.config import load

    return load(file)


def _source(repo: str | None, branch: str, image: str | None) -> Source | None:
    from offhook.setup.railway.wanted import Image, Repository

    if repo is not None and image is not None:
        raise typer.BadParameter("name a repository or an image, not both")
    if image is not None or repo is None:
        return Image(image) if image is not None else None
    found = Repository.read(repo, branch)
    if found is None:
        raise typer.BadParameter("write it as owner/name, like ann/my-agent", param_hint="--repo")
    return found


def _wanted(
    loaded: Loaded, source: Source | None, replicas: int, workspace: str | None = None, *, databases: bool
) -> Wanted:
    import os
    from dataclasses import replace

    from offhook.setup.railway.from_project import wanted_of

    wanted = wanted_of(loaded, os.environ, source, replicas, ("postgres", "redis") if databases else ())
    if replicas > 1 and not databases:
        typer.echo(
            f"note: {replicas} replicas count calls each for itself; --databases adds Postgres and Redis beside them, "
            "which this version of offhook does not use yet"
        )
    return replace(wanted, workspace=workspace)


async def _verify(loaded: Loaded, wanted: Wanted) -> int:
    import aiohttp

    from offhook.setup.railway.road import verify

    async with aiohttp.ClientSession() as session:
        api, who = await _enter(session, loaded)
        found = await verify(api, who, wanted)
    for words in found:
        typer.echo(f"not yet: {words}")
    typer.echo("everything is as it should be" if not found else "correct these in Railway's pages, then verify again")
    return 1 if found else 0


async def _deploy(loaded: Loaded, wanted: Wanted, *, dry_run: bool, again: bool, yes: bool) -> int:
    import aiohttp

    from offhook.setup.railway.road import apply, plan

    async with aiohttp.ClientSession() as session:
        api, who = await _enter(session, loaded)
        changes = await plan(api, who, wanted)
        changes += ["deploy again"] if again and "deploy" not in changes else []
        for words in changes:
            typer.echo(f"will: {words}")
        if not changes:
            typer.echo("everything is as wanted")
        if dry_run:
            return 0
        if changes and not yes and not _agreed():
            return 1
        deployed = await apply(api, who, wanted, lambda words: typer.echo(f"done: {words}"), again=again)
        if deployed.deployment_id is None:
            typer.echo("nothing to deploy yet: name a repository (--repo) or an image (--image)")
            return 1
        return await _follow(session, api, deployed, wanted)


async def _follow(session: aiohttp.ClientSession, api: Railway, deployed: Deployed, wanted: Wanted) -> int:
    from offhook.setup.railway.follow import follow
    from offhook.setup.railway.health import wait_until_healthy

    assert deployed.deployment_id is not None
    url = deployed.domain.url
    # what an earlier run deployed, and nothing has changed since: its log was told then
    tell = _tell if deployed.changes else _tell_state
    ended = await follow(api, deployed.deployment_id, wanted.settings, tell)
    if not ended.diagnosis.is_good:
        typer.echo(f"failed: {ended.diagnosis.said}\nfix: {ended.diagnosis.fix}", err=True)
        return 1
    typer.echo(f"state | asking {url} whether it would take a call")
    await wait_until_healthy(session, url)
    typer.echo(f"ready: {url} would take a call now; point the number at it: offhook numbers attach --url {url}")
    typer.echo(f"to try it first, as Twilio would call it: offhook doctor --url {url}")
    return 0


async def _enter(session: aiohttp.ClientSession, loaded: Loaded) -> tuple[Railway, Identity]:
    from offhook.errors import ConfigError
    from offhook.setup.railway.api import Railway, token_of
    from offhook.setup.railway.identity import identify

    token = token_of(loaded.settings.railway)
    if token is None:
        where = "create a token at Railway (Account Settings, Tokens) and put it into .env as RAILWAY_API_TOKEN"
        raise ConfigError([f"railway.api_token: is not set; {where}, or a project's own as RAILWAY_TOKEN"])
    api = Railway(session, token, loaded.settings.railway.api_url, loaded.settings.railway.look_s)
    who = await identify(api)
    typer.echo(f"Railway knows us by {who}")
    return api, who


def _offered() -> bool:
    import sys

    from offhook.cli.running import confirm

    return sys.stdin.isatty() and confirm("Postgres and Redis beside the replicas?")


def _agreed() -> bool:
    import sys

    from offhook.cli.running import confirm

    if not sys.stdin.isatty():
        typer.echo("nothing was changed: give --yes to do it without a terminal", err=True)
        return False
    return confirm("Do this?", default=True)


def _tell_state(line: Told) -> None:
    if line.kind == "state":
        _tell(line)


def _tell(line: Told) -> None:
    typer.echo(f"{line.kind:>5} | {line.text}")
