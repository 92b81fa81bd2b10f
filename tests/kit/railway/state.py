"""What the stand-in knows: projects, services, variables, domains, deployments. Values and look-ups; starts nothing."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

#: What Railway sets where nobody says otherwise (its documentation, "Deployments reference").
DEFAULTS: dict[str, Any] = {
    "buildCommand": None,
    "builder": "RAILPACK",
    "cronSchedule": None,
    "dockerfilePath": None,
    "drainingSeconds": 0,
    "healthcheckPath": None,
    "healthcheckTimeout": None,
    "ipv6EgressEnabled": None,
    "multiRegionConfig": None,
    "nixpacksPlan": None,
    "numReplicas": None,
    "overlapSeconds": None,
    "preDeployCommand": None,
    "railwayConfigFile": None,
    "region": None,
    "restartPolicyMaxRetries": 10,
    "restartPolicyType": "ON_FAILURE",
    "rootDirectory": None,
    "sleepApplication": None,
    "startCommand": None,
    "watchPatterns": [],
}


def new_id() -> str:
    return str(uuid.uuid4())


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Token:
    """A token: ``project``, ``account`` or ``workspace``."""

    value: str
    kind: str
    project: str | None = None
    environment: str | None = None


@dataclass(slots=True)
class Line:
    """A line of a log."""

    message: str
    severity: str = "info"
    timestamp: str = field(default_factory=now)
    instance: str | None = None


@dataclass(slots=True)
class Event:
    """A step of a deployment."""

    step: str
    created: str = field(default_factory=now)
    completed: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass(slots=True)
class Container:
    """One instance of a deployment: a real process on a port of this machine, which inside it is called PORT."""

    id: str = field(default_factory=new_id)
    status: str = "CREATED"
    port: int = 8080
    host_port: int = 0
    pid: int | None = None
    restarts: int = 0


@dataclass(slots=True)
class Deployment:
    """One deployment of a service."""

    service: Service
    id: str = field(default_factory=new_id)
    status: str = "QUEUED"
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    stopped: bool = False
    containers: list[Container] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    build: list[Line] = field(default_factory=list)
    run: list[Line] = field(default_factory=list)
    http: list[dict[str, Any]] = field(default_factory=list)
    #: As they were when it was started: later changes do not reach it.
    variables: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def becomes(self, status: str) -> None:
        self.status, self.updated = status, now()


@dataclass(slots=True)
class Domain:
    """A public name; ``custom`` holds the status of an owner's own one."""

    name: str
    target_port: int | None
    id: str = field(default_factory=new_id)
    custom: dict[str, Any] | None = None


@dataclass(slots=True)
class Service:
    """A service in the one environment it is looked at in."""

    name: str
    project: Project
    id: str = field(default_factory=new_id)
    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    variables: dict[str, str] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)
    domains: list[Domain] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    repo: str | None = None
    branch: str | None = None
    image: str | None = None
    volume: str | None = None
    is_database: bool = False

    @property
    def newest(self) -> Deployment | None:
        return self.deployments[-1] if self.deployments else None

    @property
    def public_domain(self) -> str:
        return self.domains[0].name if self.domains else ""


@dataclass(slots=True)
class Project:
    """A project with one environment."""

    name: str
    environment: str = "production"
    id: str = field(default_factory=new_id)
    environment_id: str = field(default_factory=new_id)
    services: list[Service] = field(default_factory=list)
    workspace: str = "workspace-1"

    def service(self, name: str) -> Service:
        return next(each for each in self.services if each.name == name)


_REFERENCE = re.compile(r"\$\{\{\s*(?:(?P<service>[^.}]+)\.)?(?P<name>\w+)\s*\}\}")


def provided(service: Service) -> dict[str, str]:
    """Return what Railway itself puts among the variables."""
    project = service.project
    given = {
        "RAILWAY_PROJECT_ID": project.id,
        "RAILWAY_PROJECT_NAME": project.name,
        "RAILWAY_ENVIRONMENT_ID": project.environment_id,
        "RAILWAY_ENVIRONMENT_NAME": project.environment,
        "RAILWAY_SERVICE_ID": service.id,
        "RAILWAY_SERVICE_NAME": service.name,
        "RAILWAY_PRIVATE_DOMAIN": f"{service.name.lower()}.railway.internal",
    }
    return given | ({"RAILWAY_PUBLIC_DOMAIN": service.public_domain} if service.public_domain else {})


def rendered(service: Service, depth: int = 3) -> dict[str, str]:
    """Return the variables with their references filled; what refers to nothing is blank."""

    def fill(found: re.Match[str]) -> str:
        name, other = found["name"], found["service"]
        holder = next((s for s in service.project.services if s.name == other), None) if other else service
        if holder is None or depth == 0:
            return ""
        return (rendered(holder, depth - 1) | provided(holder)).get(name, "")

    return {name: _REFERENCE.sub(fill, value) for name, value in service.variables.items()}
