"""Follows one deployment to its end, telling its states, steps and logs as they come. Polls; changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.deployment import ENDED, LINES, Deployment, LogLine, list_deployments, read_deployment
from offhook.setup.railway.diagnosis import Diagnosis, diagnose
from offhook.setup.railway.wanted import ServiceSettings

#: Builds take minutes, checks of a commit too.
FOLLOW_S: Final = 1800.0
#: An active deployment whose process is not seen running yet is looked at this many times more.
_LOOKS: Final = 3
#: The last lines of a log come later than the state that they explain: this many looks in a row must bring none.
_QUIET: Final = 2

#: Railway, or this machine's way to it, may be gone for so long while a deployment is followed; it goes on without us.
OUTAGE_S: Final = 90.0

Kind = Literal["state", "step", "build", "run"]


@dataclass(frozen=True, slots=True)
class Told:
    """One line for whoever watches: a state, a step of the platform, or a line of a log."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Followed:
    """How a deployment ended, with what that means."""

    deployment: Deployment
    diagnosis: Diagnosis


@dataclass(slots=True)
class _Heard:
    """What was told before, so that nothing is told twice. Railway sends lines from a moment on, that one included."""

    state: str = ""
    steps: set[tuple[str, str]] = field(default_factory=set)
    build: list[LogLine] = field(default_factory=list)
    run: list[LogLine] = field(default_factory=list)

    def new(self, it: Deployment) -> Iterator[Told]:
        """Yield what is new."""
        if it.status != self.state:
            self.state = it.status
            yield Told("state", it.status.lower().replace("_", " "))
        for event in it.events:
            stage = "failed" if event.error else "done" if event.is_completed else "begun"
            if (event.step, stage) not in self.steps:
                self.steps.add((event.step, stage))
                said = f": {event.said}" if event.said else ""
                yield Told("step", f"{event.step.lower().replace('_', ' ')} {stage}{said}")
        for kind, known, lines in (("build", self.build, it.build), ("run", self.run, it.run)):
            for line in _unheard(known, lines):
                known.append(line)
                yield Told("build" if kind == "build" else "run", line.message)


def _unheard(known: list[LogLine], lines: tuple[LogLine, ...]) -> Iterator[LogLine]:
    since = known[-1].timestamp if known else ""
    before = Counter(line for line in known if line.timestamp >= since)
    for line in lines:
        if line.timestamp < since:
            continue
        if before[line]:
            before[line] -= 1
        else:
            yield line


async def follow(
    api: Railway,
    deployment_id: str,
    settings: ServiceSettings,
    told: Callable[[Told], None] = lambda _: None,
    within_s: float = FOLLOW_S,
) -> Followed:
    """Follow a deployment until it has ended or waits for somebody. Raises RailwayError where it takes too long.

    ``SUCCESS`` counts only once a process of it is seen running, or after a few looks more.
    """
    heard, deadline, looks, quiet = _Heard(), time.monotonic() + within_s, 0, 0
    begin = (await _looked(api, deployment_id)).created_at  # without a moment, only the newest lines come
    while True:
        it = await _looked(api, deployment_id, _last(heard.build, begin), _last(heard.run, begin))
        fresh = list(heard.new(it))
        for line in fresh:
            told(line)
        if fresh and LINES in (len(it.build), len(it.run)):
            continue  # there is more to read
        whole = _with_logs(it, heard)
        looks += it.status == "SUCCESS"
        quiet = 0 if fresh else quiet + 1
        is_over = it.is_running or looks > _LOOKS if it.status == "SUCCESS" else quiet >= _QUIET
        if (it.status in ENDED and is_over) or it.status == "NEEDS_APPROVAL":
            return Followed(whole, diagnose(whole, settings, await _newer(api, whole)))
        if time.monotonic() > deadline:
            raise RailwayError(
                "too-long",
                f"the deployment is still {it.status.lower()} after {within_s / 60:.0f} minutes",
                "look at it in Railway's pages, then run again: it is found, not started a second time",
            )
        await asyncio.sleep(api.pause_s())


async def _looked(
    api: Railway, deployment_id: str, build_from: str | None = None, run_from: str | None = None
) -> Deployment:
    """Read the deployment; wait out a network or a Railway that is gone for a while."""
    until = time.monotonic() + OUTAGE_S
    while True:
        try:
            return await read_deployment(api, deployment_id, build_from, run_from)
        except RailwayError as error:
            if error.case not in ("unreachable", "vendor-down") or time.monotonic() > until:
                raise
        await asyncio.sleep(api.pause_s())


async def _newer(api: Railway, it: Deployment) -> str | None:
    """Return the deployment that replaced a removed one."""
    if not it.status.startswith("REMOV"):
        return None
    newest = next(iter(await list_deployments(api, it.where, 1)), None)
    return newest.id if newest is not None and newest.id != it.id else None


def _last(lines: list[LogLine], begin: str) -> str:
    return lines[-1].timestamp if lines else begin


def _with_logs(it: Deployment, heard: _Heard) -> Deployment:
    return replace(it, build=tuple(heard.build), run=tuple(heard.run))
