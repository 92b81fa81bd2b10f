"""The place Railway: token, source, variables, plan, deployment. What is done there is in `offhook.setup.railway`."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any, Final

import aiohttp

from offhook.errors import RailwayError, SetupError
from offhook.setup.railway.api import Railway, token_of
from offhook.setup.railway.by_hand import pages
from offhook.setup.railway.follow import Followed, Told, follow
from offhook.setup.railway.from_project import wanted_of
from offhook.setup.railway.health import wait_until_healthy
from offhook.setup.railway.identity import Identity, identify
from offhook.setup.railway.operations import SERVICE_CONNECT
from offhook.setup.railway.road import Deployed, apply, plan, verify
from offhook.setup.railway.wanted import DATABASES, Database, Image, Repository, Source, Wanted
from offhook.setup.wizard import dotenv
from offhook.setup.wizard.journey import Setup

_WAYS: Final = [
    ("token", "let offhook do it: it needs a token of yours"),
    ("hand", "do it in Railway's own pages: offhook says what goes where, and verifies it"),
]
_ACCESS_IS_AT: Final = "Railway token (from railway.com, Account Settings, Tokens; it stays hidden as you paste)"
_ASK_REPOSITORY: Final = "GitHub repository (owner/name)"
_NO_REPOSITORY: Final = "the repository must be written as owner/name, like ann/my-agent, or as its address at GitHub"
_PUSH: Final = (
    "Railway builds from GitHub, so this folder must be pushed there; .env stays here. Where that is not done yet:",
    "- make an empty, private repository at github.com/new",
    "- in this folder: git init -b main, git add -A, git commit -m first",
    "- git remote add origin https://github.com/OWNER/NAME.git",
    "- git push -u origin main",
    "- railway.com asks once which repositories it may see: let it see this one",
)


def is_by_hand(setup: Setup) -> bool:
    """Find out whether we do it with a token or the owner does it in Railway's pages; have the token then."""
    if setup.ask.known("by_hand") or setup.state.by_hand:
        setup.remember(by_hand=True)
        return True
    for key in ("railway_api_token", "railway_token"):
        if setup.ask.known(key):
            setup.have(key, key.upper(), f"railway.{key.removeprefix('railway_')}", _ACCESS_IS_AT)
    if token_of(setup.settings.railway) is not None:
        return False
    if setup.ask.is_person and setup.ask.choose("by_hand", "How shall it be set up at Railway?", _WAYS) == "hand":
        setup.remember(by_hand=True)
        return True
    setup.secret("railway_api_token", "RAILWAY_API_TOKEN", "railway.api_token", _ACCESS_IS_AT)
    return False


def deploy(setup: Setup) -> str:
    """Make everything at Railway as wanted, follow the deployment to its end, and return the public address."""
    who = _identified(setup)
    setup.tell.line("ok", f"Railway takes the token: {who}")
    _have_workspace(setup, who)
    wanted = _wanted(setup)
    _remember(setup, wanted)
    changes = setup.run(_with_api(setup, lambda api: plan(api, who, wanted)))
    if changes:
        setup.confirm("Railway", changes)
    deployed = _applied(setup, who, wanted)
    assert deployed.deployment_id is not None
    followed: Followed = setup.run(_with_api(setup, lambda api: _followed(setup, api, deployed, wanted)))
    if not followed.diagnosis.is_good:
        raise SetupError(followed.diagnosis.said, followed.diagnosis.fix)
    setup.tell.line("ok", followed.diagnosis.said)
    setup.run(_healthy(deployed.domain.url))
    return deployed.domain.url


def _applied(setup: Setup, who: Identity, wanted: Wanted) -> Deployed:
    """Make it so. A source that Railway cannot read is forgotten: the next run asks for it again."""
    try:
        made: Deployed = setup.run(
            _with_api(setup, lambda api: apply(api, who, wanted, lambda line: setup.tell.line("", line)))
        )
        return made
    except RailwayError as error:
        if error.case != "refused" or SERVICE_CONNECT.name not in error.said:
            raise
        setup.remember(repository="", image="")
        raise SetupError(
            f"Railway cannot read {wanted.source}: it is not there, or Railway may not see it",
            "look at its spelling, and whether it is pushed; let Railway see it (railway.com, Account Settings, "
            "Integrations, GitHub); `offhook setup` asks for it again",
        ) from None


def planned(setup: Setup) -> list[str]:
    """Return what `deploy` would change, in words. Changes nothing."""
    who = _identified(setup, is_dry=True)
    wanted = replace(_wanted(setup), required=())  # a key that is missing yet is asked for in a step before
    changes: list[str] = setup.run(_with_api(setup, lambda api: plan(api, who, wanted)))
    return changes or ["everything is as wanted"]


def is_source_known(setup: Setup) -> bool:
    """Say whether what is to be deployed is known without asking."""
    known, state = setup.ask.known, setup.state
    return bool(known("image") or state.image or known("repository") or state.repository)


async def _followed(setup: Setup, api: Railway, deployed: Deployed, wanted: Wanted) -> Followed:
    def told(line: Told) -> None:
        if line.kind != "state" and not deployed.changes:
            return  # a deployment of an earlier run, whose log was told then
        setup.tell.line("", line.text if line.kind == "state" else f"{line.kind}: {line.text}")

    assert deployed.deployment_id is not None
    return await follow(api, deployed.deployment_id, wanted.settings, told)


async def _healthy(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        await wait_until_healthy(session, url)


def _identified(setup: Setup, *, is_dry: bool = False) -> Identity:
    """Ask Railway who we are. A project token given as an account's is put where it belongs."""
    while True:
        try:
            who: Identity = setup.run(_with_api(setup, identify))
            return who
        except RailwayError as error:
            if is_dry or not _has_other_token(setup, error.case):
                raise


def _has_other_token(setup: Setup, case: str) -> bool:
    """Put a project token where it belongs, or have a person give another one for one of `.env` that is refused."""
    access, loaded = setup.settings.railway, setup.load()
    name = "token" if access.token is not None else "api_token"
    if not loaded.origin(f"railway.{name}").startswith(".env"):
        return False
    if case == "wrong-variable" and access.api_token is not None:
        dotenv.put(setup.folder, {"RAILWAY_TOKEN": access.api_token.get_secret_value()})
        dotenv.drop(setup.folder, {"RAILWAY_API_TOKEN"})
        return True
    if case != "token-refused" or not setup.ask.is_person:
        return False
    setup.tell.line("note", "Railway does not know this token; make a new one there, and copy it whole")
    dotenv.drop(setup.folder, {f"RAILWAY_{name.upper()}"})
    setup.secret("railway_api_token", "RAILWAY_API_TOKEN", "railway.api_token", _ACCESS_IS_AT)
    return True


async def _with_api(setup: Setup, ask: Any) -> Any:
    access = setup.settings.railway
    token = token_of(access)
    assert token is not None
    async with aiohttp.ClientSession() as session:
        return await ask(Railway(session, token, access.api_url, access.look_s))


def show_pages(setup: Setup) -> None:
    """Say page by page what goes where; no secret is shown."""
    wanted = _wanted(setup)
    _remember(setup, wanted)
    for line in pages(wanted):
        setup.tell.line("", line)
    setup.tell.line("", "Railway shows the domain it generates in step 4: that is the address asked for now.")


def compare(setup: Setup) -> None:
    """Verify what was set by hand, as far as a token lets us look."""
    if token_of(setup.settings.railway) is None:
        setup.tell.line("note", "without a token offhook cannot read back what you set in Railway's pages")
        return
    who, wanted = _identified(setup), _wanted(setup)
    wrong = setup.run(_with_api(setup, lambda api: verify(api, who, wanted)))
    if wrong:
        raise SetupError(f"at Railway this is not as it must be: {'; '.join(wrong)}", "correct it there and deploy")
    setup.tell.line("ok", "Railway reads back every setting as it must be")


def _wanted(setup: Setup) -> Wanted:
    known, state = setup.ask.known, setup.state
    asked = known("databases") or state.databases.split()
    databases: tuple[Database, ...] = tuple(kind for kind in DATABASES if str(kind) in asked)
    wanted = wanted_of(setup.load(), setup.environ, _source(setup), known("replicas") or state.replicas, databases)
    return replace(wanted, workspace=known("workspace") or state.workspace or None)


def _source(setup: Setup) -> Source:
    image, found = setup.ask.known("image"), setup.ask.known("repository")
    if not image and not found:  # an answer of the file counts over what was chosen before
        image, found = setup.state.image, setup.state.repository
    if image:
        return Image(image)
    if not found:
        for line in _PUSH:
            setup.tell.line("", line)
        found = setup.ask.text("repository", _ASK_REPOSITORY, _origin(setup))
    branch = setup.ask.known("branch") or setup.state.branch or "main"
    while (repository := Repository.read(str(found), branch)) is None:
        if not setup.ask.is_person:
            raise SetupError(_NO_REPOSITORY, "correct it, then run `offhook setup` again")
        setup.tell.line("note", _NO_REPOSITORY)
        found = setup.ask.text("repository", _ASK_REPOSITORY, _origin(setup))
    return repository


def _remember(setup: Setup, wanted: Wanted) -> None:
    """Write down what is deployed, so that the next run need not ask."""
    replicas = wanted.settings.num_replicas or 1
    grown = {"workspace": wanted.workspace or "", "replicas": replicas, "databases": " ".join(wanted.databases)}
    match wanted.source:
        case Image(name):
            setup.remember(image=name, repository="", branch="", **grown)
        case Repository(name, branch):
            setup.remember(image="", repository=name, branch=branch, **grown)
    if replicas > 1 and not wanted.databases:
        setup.tell.line(
            "note",
            f"{replicas} replicas count calls each for itself; "
            'databases = ["postgres", "redis"] in the answers file adds both, which this version does not use yet',
        )


def _have_workspace(setup: Setup, who: Identity) -> None:
    """Ask a person in which workspace, where the token sees several."""
    is_clear = len(who.workspaces) < 2 or setup.ask.known("workspace") or setup.state.workspace
    if who.kind != "project" and not is_clear and setup.ask.is_person:
        options = [(each.name, each.name) for each in who.workspaces]
        setup.remember(workspace=setup.ask.choose("workspace", "Which Railway workspace?", options))


def _origin(setup: Setup) -> str:
    """Return the repository that git says this folder belongs to, where it does."""
    try:
        said = subprocess.run(
            ["git", "remote", "get-url", "origin"],  # noqa: S607
            cwd=setup.folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = Repository.read(said) if "github.com" in said else None
    return found.name if found is not None else ""
