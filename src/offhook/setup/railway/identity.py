"""Which kind of token we have and what it may see. Asks; creates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway, Token
from offhook.setup.railway.operations import ACCOUNT, PROJECT_TOKEN, WORKSPACE

TokenKind = Literal["project", "account", "workspace"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that projects live in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token is. A project token knows its project and environment; the others know workspaces."""

    kind: TokenKind
    project_id: str | None = None
    environment_id: str | None = None
    scope: str = ""
    workspaces: tuple[Workspace, ...] = ()

    def __str__(self) -> str:
        kind = f"{'an' if self.kind == 'account' else 'a'} {self.kind} token"
        return f"{kind} for {self.scope}" if self.scope else kind


async def identify(api: Railway) -> Identity:
    """Ask who we are: as project, account, then workspace. Raises RailwayError where the token is none of these."""
    if api.token.kind == "project":
        return await _as_project(api)
    try:
        me = (await api.ask(ACCOUNT))["me"]
        return Identity("account", scope="everything", workspaces=_workspaces(me))
    except RailwayError as error:
        if error.case != "not-authorized":
            raise
    try:
        known = _workspaces((await api.ask(WORKSPACE))["apiToken"])
    except RailwayError as error:
        raise await _another_kind(api, error) from None
    return Identity("workspace", scope=", ".join(w.name for w in known), workspaces=known)


async def _as_project(api: Railway) -> Identity:
    try:
        token = (await api.ask(PROJECT_TOKEN))["projectToken"]
    except RailwayError as error:
        if error.case != "not-authorized":
            raise
        raise _unknown("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "project") from None
    scope = f"{token['environment']['name']} of {token['project']['name']}"
    return Identity("project", token["projectId"], token["environmentId"], scope)


async def _another_kind(api: Railway, error: RailwayError) -> RailwayError:
    """Say that a project token was given as an account's, where it is one."""
    if error.case != "not-authorized":
        return error
    other = Railway(api._session, Token("project", api.token.value), api.url)
    try:
        await other.ask(PROJECT_TOKEN)
    except RailwayError:
        return _unknown("RAILWAY_API_TOKEN", "RAILWAY_TOKEN", "account or workspace")
    return RailwayError(
        "wrong-variable",
        "RAILWAY_API_TOKEN holds a project token",
        "put it into RAILWAY_TOKEN, or create an account token for RAILWAY_API_TOKEN",
    )


def _unknown(variable: str, other: str, kind: str) -> RailwayError:
    return RailwayError(
        "token-refused",
        f"Railway does not take the token in {variable} as {'an' if kind.startswith('a') else 'a'} {kind} token",
        f"create a new one at Railway; if it is of another kind, it belongs in {other}",
    )


def _workspaces(holder: dict[str, list[dict[str, str]]]) -> tuple[Workspace, ...]:
    return tuple(Workspace(each["id"], each["name"]) for each in holder["workspaces"])
