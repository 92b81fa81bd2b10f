"""What we want at Railway: one service and its settings, as values, and how they differ from what is there. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

Database = Literal["postgres", "redis"]
#: Railway kills this much later than our own drain ends, so that the last call's goodbye is heard.
DRAIN_MARGIN_S: Final = 10
HEALTH_PATH: Final = "/readyz"
PORT: Final = 8080


@dataclass(frozen=True, slots=True)
class Repository:
    """A GitHub repository, like ``owner/name``, and the branch to deploy."""

    name: str
    branch: str = "main"

    def __str__(self) -> str:
        return f"the GitHub repository {self.name}, branch {self.branch}"


@dataclass(frozen=True, slots=True)
class Image:
    """A container image by its name."""

    name: str

    def __str__(self) -> str:
        return f"the image {self.name}"


Source = Repository | Image


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Settings of one service, under Railway's own words turned to ours; seconds. Defaults are right for long calls."""

    healthcheck_path: str | None = HEALTH_PATH
    healthcheck_timeout: int | None = 120
    draining_seconds: int | None = 300
    overlap_seconds: int | None = 10
    restart_policy_type: str = "ON_FAILURE"
    restart_policy_max_retries: int = 10
    sleep_application: bool | None = False
    num_replicas: int | None = 1
    start_command: str | None = None
    cron_schedule: str | None = None
    root_directory: str | None = None

    @classmethod
    def for_drain(cls, drain_s: float, replicas: int = 1) -> ServiceSettings:
        """Return the settings for a server that drains for ``drain_s`` (`timeouts.drain_s`) after SIGTERM."""
        return cls(draining_seconds=math.ceil(drain_s) + DRAIN_MARGIN_S, num_replicas=replicas)

    @classmethod
    def read(cls, instance: Mapping[str, Any]) -> ServiceSettings:
        """Read them from a ``serviceInstance``."""
        found: dict[str, Any] = {f.name: instance.get(_camel(f.name)) for f in fields(cls)}
        return cls(**found)

    def unlike(self, found: ServiceSettings) -> list[Difference]:
        """Return every setting that is not as wanted. Blank, null and off are the same; no root directory: any."""
        pairs = ((f.name, getattr(self, f.name), getattr(found, f.name)) for f in fields(self))
        return [
            Difference(_camel(name), want, have)
            for name, want, have in pairs
            if _blank(want) != _blank(have) and not (name == "root_directory" and want is None)
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not as wanted, under Railway's own name."""

    name: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.name} is {shown(self.found)}, should be {shown(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One offhook at Railway. ``source`` None: it is connected in Railway's own pages. Variables are never printed."""

    source: Source | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    project: str = "offhook"
    environment: str = "production"
    service: str = "offhook"
    port: int = PORT
    settings: ServiceSettings = field(default_factory=ServiceSettings)
    databases: tuple[Database, ...] = ()
    workspace: str | None = None

    @property
    def all_variables(self) -> dict[str, str]:
        """The service's variables: the given ones, the port, and references to the databases."""
        references = {
            DATABASES[name].variable: "${{" + f"{DATABASES[name].service}.{DATABASES[name].variable}" + "}}"
            for name in self.databases
        }
        return {"PORT": str(self.port), **references, **self.variables}


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """How Railway calls a database: its template, the service that comes of it, the variable with its address."""

    template: str
    service: str
    variable: str


DATABASES: Final[Mapping[Database, DatabaseKind]] = {
    "postgres": DatabaseKind("postgres", "Postgres", "DATABASE_URL"),
    "redis": DatabaseKind("redis", "Redis", "REDIS_URL"),
}


def shown(value: Any) -> str:
    """Return a setting's value in words."""
    match value:
        case None | "":
            return "not set"
        case True:
            return "on"
        case False:
            return "off"
        case _:
            return str(value)


def _blank(value: Any) -> Any:
    return None if value in ("", "/") or value is False else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
