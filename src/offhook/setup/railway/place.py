"""Where a service lives: project, environment, service. Finds by id or name, and creates what is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.identity import Identity, Workspace
from offhook.setup.railway.operations import PROJECT, PROJECT_CREATE, PROJECTS, SERVICE_CREATE


@dataclass(frozen=True, slots=True)
class Place:
    """One environment of one project and, once it is known, the service in it. ``services``: name → id."""

    project_id: str
    project: str
    environment_id: str
    environment: str
    services: Mapping[str, str]
    workspace_id: str | None = None
    plan: str = ""
    service_id: str | None = None

    @property
    def ids(self) -> dict[str, str]:
        """The three ids that most operations want."""
        assert self.service_id is not None
        return {"projectId": self.project_id, "environmentId": self.environment_id, "serviceId": self.service_id}

    @property
    def instance(self) -> dict[str, str]:
        """The two ids of a service in an environment."""
        assert self.service_id is not None
        return {"environmentId": self.environment_id, "serviceId": self.service_id}


async def find_place(
    api: Railway, who: Identity, project: str, environment: str = "production", workspace: str | None = None
) -> Place | None:
    """Find the project and its environment; None where there is no such project yet.

    A project token knows both and takes no other. ``project`` is a name or an id.
    """
    if who.project_id is not None:
        return await _read(api, who.project_id, who.environment_id or environment)
    found = [each["id"] for home in _homes(who, workspace) for each in await _projects(api, home) if _is(each, project)]
    if len(found) > 1:
        raise RailwayError(
            "ambiguous-project",
            f"there are {len(found)} projects called {project}",
            "name one by its id (railway.project); Railway shows it in the project's address",
        )
    return await _read(api, found[0], environment) if found else None


async def create_project(api: Railway, who: Identity, project: str, environment: str, workspace: str | None) -> Place:
    """Create the project with its one environment and read it back."""
    home = home_of(who, workspace)
    wanted = {"name": project, "defaultEnvironmentName": environment, "workspaceId": home.id}
    made = (await api.ask(PROJECT_CREATE, input=wanted))["projectCreate"]
    return await _read(api, made["id"], environment)


def home_of(who: Identity, workspace: str | None) -> Workspace:
    """Return the workspace to create in; raises where there are several and none is named."""
    homes = _homes(who, workspace)
    if len(homes) == 1:
        return homes[0]
    names = ", ".join(home.name for home in who.workspaces) or "none"
    raise RailwayError(
        "workspace",
        f"the token sees the workspaces: {names}",
        "name the one that the project is to be in: --workspace NAME, or `workspace` in the wizard's answers",
    )


def with_service(place: Place, service: str | None) -> Place:
    """Return the place with the service of that name or id; unchanged where there is none."""
    by_id = {each: name for name, each in place.services.items()}
    found = service if service in by_id else place.services.get(service or "")
    return replace(place, service_id=found) if found else place


async def create_service(api: Railway, place: Place, service: str) -> Place:
    """Create the service empty: with a source it would start before it has its variables and its domain."""
    wanted = {"projectId": place.project_id, "environmentId": place.environment_id, "name": service}
    made = (await api.ask(SERVICE_CREATE, input=wanted))["serviceCreate"]
    again = with_service(await _read(api, place.project_id, place.environment_id), made["id"])
    if again.service_id is None:
        raise RailwayError("not-there", f"Railway made the service {service} but does not list it", "run again")
    return again


async def read_again(api: Railway, place: Place) -> Place:
    """Read the place afresh, with the same service."""
    return with_service(await _read(api, place.project_id, place.environment_id), place.service_id)


def _homes(who: Identity, workspace: str | None) -> list[Workspace]:
    return [home for home in who.workspaces if workspace in (None, home.id, home.name)]


async def _projects(api: Railway, home: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = (await api.ask(PROJECTS, workspaceId=home.id, after=after))["projects"]
        found += [edge["node"] for edge in page["edges"] if not edge["node"]["deletedAt"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _is(each: Mapping[str, Any], project: str) -> bool:
    return project in (each["id"], each["name"])


async def _read(api: Railway, project_id: str, environment: str) -> Place:
    """Read a project; ``environment`` is a name or an id."""
    project = (await api.ask(PROJECT, id=project_id))["project"]
    environments = [edge["node"] for edge in project["environments"]["edges"]]
    chosen = next((each for each in environments if environment in (each["id"], each["name"])), None)
    if chosen is None:
        names = ", ".join(each["name"] for each in environments)
        raise RailwayError(
            "no-environment",
            f"the project {project['name']} has no environment {environment}; it has: {names}",
            "name one of these (railway.environment), or create it in Railway's pages",
        )
    services = [edge["node"] for edge in project["services"]["edges"]]
    return Place(
        project["id"],
        project["name"],
        chosen["id"],
        chosen["name"],
        {each["name"]: each["id"] for each in services if not each["deletedAt"]},
        project.get("workspaceId"),
        str(project.get("subscriptionType") or "unknown"),
    )
