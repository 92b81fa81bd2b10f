"""What we want at Railway: one service and its settings, as values, and how they differ from what is there. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

Database = Literal["postgres", "redis"]
#: Without these no call is answered; the server would not even start at Railway without the last.
REQUIRED: Final = ("DEEPGRAM_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
_AT_GITHUB: Final = re.compile(r"(?:.*github\.com[:/])?([\w.-]+/[\w.-]+?)(?:\.git)?/?")
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

    @classmethod
    def read(cls, text: str, branch: str = "main") -> Repository | None:
        """Read ``owner/name``, or the address of the repository's page or of its clone; None where it is neither."""
        found = _AT_GITHUB.fullmatch(text.strip())
        return cls(found[1], branch) if found else None


@dataclass(frozen=True, slots=True)
class Image:
    """A container image by its name."""

    name: str

    def __str__(self) -> str:
        return f"the image {self.name}"


Source = Repository | Image


def is_same_source(one: Source | None, other: Source | None) -> bool:
    """Say whether both are the same. GitHub takes a name in any case; a branch that is not known is any."""
    if isinstance(one, Repository) and isinstance(other, Repository):
        is_branch = one.branch == other.branch or "" in (one.branch, other.branch)
        return is_branch and one.name.lower() == other.name.lower()
    return one == other


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
        """Return every setting that is not as wanted.

        Blank, null and off are the same; so are no number of replicas and one; no root directory: any.
        """
        pairs = ((f.name, getattr(self, f.name), getattr(found, f.name)) for f in fields(self))
        return [
            Difference(_camel(name), want, have)
            for name, want, have in pairs
            if _plain(name, want) != _plain(name, have) and not (name == "root_directory" and want is None)
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
    """One offhook at Railway. ``source`` None: it is connected in Railway's own pages. Variables are never printed.

    ``required`` are the variables without which nothing is deployed: given here, or set at Railway already.
    """

    source: Source | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    project: str = "offhook"
    environment: str = "production"
    service: str = "offhook"
    port: int = PORT
    settings: ServiceSettings = field(default_factory=ServiceSettings)
    databases: tuple[Database, ...] = ()
    workspace: str | None = None
    required: tuple[str, ...] = ()

    @property
    def all_variables(self) -> dict[str, str]:
        """The service's variables: the given ones, the port, and references to the databases."""
        references = {
            DATABASES[name].variable: "${{" + f"{DATABASES[name].service}.{DATABASES[name].variable}" + "}}"
            for name in self.databases
        }
        return {"PORT": str(self.port), **references, **self.variables}

    @property
    def lacking(self) -> list[str]:
        """The names of the required variables that are not among the given ones."""
        return [name for name in self.required if not self.variables.get(name)]


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


def _plain(name: str, value: Any) -> Any:
    if name == "num_replicas" and value is None:
        return 1
    return None if value in ("", "/") or value is False else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
