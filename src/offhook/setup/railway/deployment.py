"""One deployment as Railway tells it: status, instances, events, ports, logs. Values, and the request for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.operations import DEPLOYMENTS, HTTP_LOGS, PROGRESS

#: Nothing happens to these any more by themselves; SUCCESS says only that it became active once.
ENDED: Final = frozenset({"SUCCESS", "SLEEPING", "CRASHED", "FAILED", "SKIPPED", "REMOVED", "REMOVING"})
#: On the way.
UNDER_WAY: Final = frozenset({"QUEUED", "INITIALIZING", "BUILDING", "DEPLOYING", "WAITING", "NEEDS_APPROVAL"})
LINES: Final = 200
#: Build log and run log: both are asked for, then less. Before there is a build (a queue, an image) Railway refuses its
#: log instead of sending an empty one.
_LOGS: Final = ((True, True), (False, True), (True, False), (False, False))
#: An instance that will not answer any more.
_OVER: Final = frozenset({"EXITED", "STOPPED", "CRASHED", "REMOVED", "REMOVING", "SKIPPED"})


@dataclass(frozen=True, slots=True)
class Summary:
    """A deployment in a list."""

    id: str
    status: str
    created_at: str
    is_stopped: bool
    instances: tuple[str, ...] = ()

    @property
    def is_alive(self) -> bool:
        """Whether it runs or is on its way. Without instances it is not known, and Railway is believed."""
        if self.is_stopped or self.status in ENDED - {"SUCCESS"}:
            return False
        return self.status != "SUCCESS" or not self.instances or not _OVER.issuperset(self.instances)


@dataclass(frozen=True, slots=True)
class StepEvent:
    """A step of a deployment, with what Railway says about it."""

    step: str
    is_completed: bool
    error: str = ""
    reason: str = ""
    detail: str = ""
    attempt: int | None = None
    max_attempts: int | None = None

    @property
    def said(self) -> str:
        """What Railway says about it, in one line."""
        return "; ".join(text for text in (self.error, self.reason, self.detail) if text)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log."""

    timestamp: str
    message: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything about one deployment at one moment. An empty ``ports`` means unknown."""

    id: str
    status: str
    created_at: str
    is_stopped: bool
    instances: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    events: tuple[StepEvent, ...] = ()
    build: tuple[LogLine, ...] = ()
    run: tuple[LogLine, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether a process of it runs now."""
        return "RUNNING" in self.instances

    @property
    def failed_event(self) -> StepEvent | None:
        """The first step that failed."""
        return next((event for event in self.events if event.error), None)


async def read_deployment(
    api: Railway, deployment_id: str, build_from: str | None = None, run_from: str | None = None
) -> Deployment:
    """Read one deployment and its logs from two moments on. A log that Railway refuses is empty."""
    found = await _progress(api, id=deployment_id, buildFrom=build_from, runFrom=run_from, lines=LINES)
    one = found["deployment"]
    return Deployment(
        one["id"],
        one["status"],
        one["createdAt"],
        one["deploymentStopped"],
        tuple(each["status"] for each in one["instances"]),
        tuple(dict.fromkeys(each["port"] for each in one.get("sockets") or ())),
        tuple(_event(edge["node"]) for edge in found["deploymentEvents"]["edges"]),
        _lines(found.get("buildLogs") or ()),
        _lines(found.get("deploymentLogs") or ()),
        {name: one[name] for name in ("projectId", "environmentId", "serviceId") if one[name]},
    )


async def _progress(api: Railway, **variables: Any) -> dict[str, Any]:
    refused: RailwayError | None = None
    for with_build, with_run in _LOGS:
        try:
            return await api.ask(PROGRESS, **variables, withBuild=with_build, withRun=with_run)
        except RailwayError as error:
            if error.case not in ("refused", "not-authorized"):
                raise
            refused = refused or error
    assert refused is not None
    raise refused


async def list_deployments(api: Railway, ids: Mapping[str, str], first: int = 5) -> list[Summary]:
    """Return the newest deployments of the service that `Place.ids` names, newest first."""
    found = await api.ask(DEPLOYMENTS, input=dict(ids), first=first)
    nodes = [edge["node"] for edge in found["deployments"]["edges"]]
    return [
        Summary(
            each["id"],
            each["status"],
            each["createdAt"],
            each["deploymentStopped"],
            tuple(instance["status"] for instance in each["instances"]),
        )
        for each in nodes
    ]


@dataclass(frozen=True, slots=True)
class EdgeError:
    """A request that Railway's edge could not get answered."""

    status: int
    path: str
    upstream: str
    said: str


async def edge_errors(api: Railway, deployment_id: str, limit: int = 10) -> list[EdgeError]:
    """Return the newest requests that were answered with 5xx, and which port the edge tried."""
    answered = await api.ask_if_allowed(HTTP_LOGS, deploymentId=deployment_id, filter="@httpStatus:>=500", limit=limit)
    found = answered["httpLogs"] if answered is not None else []
    return [
        EdgeError(e["httpStatus"], e["path"], e["upstreamAddress"], e["upstreamErrors"] or e["responseDetails"])
        for e in found
        if e["httpStatus"] >= 500
    ]


def _event(node: Mapping[str, Any]) -> StepEvent:
    told = node["payload"] or {}
    return StepEvent(
        node["step"],
        node["completedAt"] is not None,
        told.get("error") or "",
        told.get("reason") or "",
        told.get("detail") or "",
        told.get("attempt"),
        told.get("maxAttempts"),
    )


def _lines(found: Sequence[Mapping[str, Any]]) -> tuple[LogLine, ...]:
    lines = (LogLine(each["timestamp"], each["message"], each["severity"] or "") for each in found)
    return tuple(sorted(lines, key=lambda line: line.timestamp))
