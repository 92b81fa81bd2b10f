"""One service's settings, variables and source: read, compare, change, and read again to prove that it stuck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.operations import (
    SERVICE_CONNECT,
    SERVICE_INSTANCE,
    SERVICE_TRIGGERS,
    SERVICE_UPDATE,
    VARIABLES,
    VARIABLES_UPSERT,
)
from offhook.setup.railway.place import Place
from offhook.setup.railway.wanted import Difference, Image, Repository, ServiceSettings, Source, is_same_source

_LET_IT_SEE: Final = (
    "check the repository's name, and let Railway's GitHub app see it (github.com, Settings, Applications, Railway, "
    "Configure); then run again"
)


@dataclass(frozen=True, slots=True)
class Instance:
    """A service in its environment, as Railway has it. ``raw`` has what only the doctor looks at."""

    settings: ServiceSettings
    source: Source | None
    latest_deployment: str | None
    raw: Mapping[str, Any] = field(repr=False)


async def read_instance(api: Railway, place: Place) -> Instance:
    """Read the settings, the source and the newest deployment."""
    found = (await api.ask(SERVICE_INSTANCE, **place.instance))["serviceInstance"]
    latest = found["latestDeployment"]
    return Instance(
        ServiceSettings.read(found), await _source(api, place, found), latest["id"] if latest else None, found
    )


async def _source(api: Railway, place: Place, found: Mapping[str, Any]) -> Source | None:
    source = found["source"] or {}
    if source.get("image"):
        return Image(source["image"])
    if not source.get("repo"):
        return None
    service = (await api.ask(SERVICE_TRIGGERS, id=place.service_id))["service"]
    triggers = [edge["node"] for edge in service["repoTriggers"]["edges"]]
    branch = next((each["branch"] for each in triggers if each["environmentId"] == place.environment_id), "")
    return Repository(source["repo"], branch)


async def set_settings(api: Railway, place: Place, wanted: ServiceSettings) -> list[Difference]:
    """Change what is not as wanted; return what was changed. Raises where it reads back differently."""
    before = wanted.unlike((await read_instance(api, place)).settings)
    if not before:
        return []
    changed = {each.name: each.wanted for each in before}
    await api.ask(SERVICE_UPDATE, **place.instance, input=changed)
    after = wanted.unlike((await read_instance(api, place)).settings)
    if after:
        raise RailwayError(
            "did-not-stick",
            "Railway took the settings but reads back: " + "; ".join(map(str, after)),
            "set them in the service's Settings in Railway's pages (the plan may not allow them), then run again",
        )
    return before


async def connect(api: Railway, place: Place, wanted: Source) -> bool:
    """Connect the source; True where it was another one before. Raises where it reads back differently."""
    if is_same_source((await read_instance(api, place)).source, wanted):
        return False
    named = {"image": wanted.name} if isinstance(wanted, Image) else {"repo": wanted.name, "branch": wanted.branch}
    try:
        await api.ask(SERVICE_CONNECT, id=place.service_id, input=named)
    except RailwayError as error:
        if error.case != "refused" or isinstance(wanted, Image):
            raise
        raise RailwayError(error.case, error.said, _LET_IT_SEE) from None
    found = (await read_instance(api, place)).source
    if not is_same_source(found, wanted):
        raise RailwayError(
            "did-not-stick",
            f"the service should deploy {wanted}, but reads back {found or 'no source'}",
            _LET_IT_SEE,
        )
    return True


@dataclass(frozen=True, slots=True)
class Variables:
    """A service's variables. ``written`` as they were set, ``rendered`` with references filled; ``sealed`` names."""

    written: Mapping[str, str] = field(repr=False)
    rendered: Mapping[str, str] = field(repr=False)
    sealed: frozenset[str] = frozenset()

    def missing(self, wanted: Mapping[str, str]) -> list[str]:
        """Return the names whose value is not as wanted. A sealed one cannot be read: that it is there must do."""
        return [name for name, value in wanted.items() if self.written.get(name) != value and name not in self.sealed]

    def empty(self, names: Mapping[str, str]) -> list[str]:
        """Return the names that have no value once references are filled: a reference to something misspelt."""
        return [name for name in names if not self.rendered.get(name) and name not in self.sealed]


async def read_variables(api: Railway, place: Place) -> Variables:
    """Read the variables, both ways, and the names of sealed ones where this token may see them."""
    names: set[str] = set()
    after: str | None = None
    while True:
        found = await _variables(api, place, after)
        page = found.get("environment")
        nodes = [edge["node"] for edge in page["variables"]["edges"]] if page else []
        names |= {each["name"] for each in nodes if each["isSealed"] and each["serviceId"] == place.service_id}
        if not page or not page["variables"]["pageInfo"]["hasNextPage"]:
            return Variables(_texts(found["written"]), _texts(found["rendered"]), frozenset(names))
        after = page["variables"]["pageInfo"]["endCursor"]


async def _variables(api: Railway, place: Place, after: str | None) -> dict[str, Any]:
    if not api.hides_names:
        found = await api.ask_if_allowed(VARIABLES, **place.ids, after=after, withNames=True)
        if found is not None:
            return found
    found = await api.ask(VARIABLES, **place.ids, after=None, withNames=False)
    api.hides_names = True  # only where it goes without them
    return found


async def set_variables(api: Railway, place: Place, wanted: Mapping[str, str]) -> list[str]:
    """Set what is not as wanted, without a deployment and without touching others; return the names that were set."""
    missing = (await read_variables(api, place)).missing(wanted)
    if not missing:
        return []
    changed = {name: wanted[name] for name in missing}
    sent = {**place.ids, "variables": changed, "replace": False, "skipDeploys": True}
    await api.ask(VARIABLES_UPSERT, input=sent)
    lost = (await read_variables(api, place)).missing(wanted)
    if lost:
        raise RailwayError(
            "did-not-stick",
            f"Railway took the variables but reads back others for: {', '.join(lost)}",
            "set them in the service's Variables in Railway's pages, then run again",
        )
    return missing


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in found.items()}
