"""Follows one deployment to its end, telling its states, steps and logs as they come. Polls; changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.deployment import ENDED, Deployment, LogLine, read_deployment
from offhook.setup.railway.diagnosis import Diagnosis, diagnose
from offhook.setup.railway.wanted import ServiceSettings

#: Builds take minutes, checks of a commit too.
FOLLOW_S: Final = 1800.0
#: An active deployment whose process is not seen running yet is looked at this many times more.
_LOOKS: Final = 3

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
            stage = "failed" if event.error else "done" if event.is_completed else f"begun {event.attempt or ''}"
            if (event.step, stage) not in self.steps:
                self.steps.add((event.step, stage))
                said = f": {event.said}" if event.said else ""
                yield Told("step", f"{event.step.lower().replace('_', ' ')} {stage.strip()}{said}")
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
    heard, deadline, looks = _Heard(), time.monotonic() + within_s, 0
    while True:
        it = await read_deployment(api, deployment_id, _last(heard.build), _last(heard.run))
        for line in heard.new(it):
            told(line)
        whole = _with_logs(it, heard)
        looks += it.status == "SUCCESS"
        is_over = it.status in ENDED and (it.status != "SUCCESS" or it.is_running or looks > _LOOKS)
        if is_over or it.status == "NEEDS_APPROVAL":
            return Followed(whole, diagnose(whole, settings))
        if time.monotonic() > deadline:
            raise RailwayError(
                "too-long",
                f"the deployment is still {it.status.lower()} after {within_s / 60:.0f} minutes",
                "look at it in Railway's pages, then run again: it is found, not started a second time",
            )
        await asyncio.sleep(api.pause_s())


def _last(lines: list[LogLine]) -> str | None:
    return lines[-1].timestamp if lines else None


def _with_logs(it: Deployment, heard: _Heard) -> Deployment:
    return Deployment(
        it.id, it.status, it.created_at, it.is_stopped, it.instances, it.ports, it.events,
        tuple(heard.build), tuple(heard.run),
    )  # fmt: skip
