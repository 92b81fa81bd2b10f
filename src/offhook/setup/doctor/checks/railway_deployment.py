"""Judges a service's deployments: does the newest run, and if not, what ended it? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from offhook.setup.doctor.verdict import Finding, ok
from offhook.setup.railway.deployment import Deployment, EdgeError, Summary
from offhook.setup.railway.diagnosis import diagnose
from offhook.setup.railway.wanted import ServiceSettings

NAME: Final = "railway-deployment"
EDGE: Final = "railway-edge"
_EXPECTED: Final = "the newest deployment active, and a process of it running"
#: Not wrong in itself: it will be something else soon.
_PASSING: Final = frozenset({"under-way", "waiting-for-checks", "superseded"})


@dataclass(frozen=True, slots=True)
class Deployments:
    """The newest deployments; ``named`` is the one whose log somebody reads, where it is not the newest."""

    summaries: tuple[Summary, ...]
    newest: Deployment | None
    named: Deployment | None
    edge: tuple[EdgeError, ...]


def judge(it: Deployments, settings: ServiceSettings) -> Sequence[Finding]:
    """Say whether the newest deployment runs, whether the log that is read is its own, and what the edge failed at."""
    if it.newest is None:
        fix = "run `offhook railway deploy`, or press Deploy in Railway's pages"
        return [Finding(NAME, "fail", "nothing was ever deployed", "never-deployed", _EXPECTED, fix)]
    return [_newest(it, it.newest, settings), *_named(it, it.newest, settings), *_edge(it)]


def _newest(it: Deployments, newest: Deployment, settings: ServiceSettings) -> Finding:
    told = diagnose(newest, settings)
    if told.is_good:
        return ok(NAME, f"{told.said} ({newest.id})")
    before = next((each for each in it.summaries[1:] if each.status == "SUCCESS" and not each.is_stopped), None)
    still = f"; {before.id} of {before.created_at} still answers" if before is not None else ""
    verdict: Final = "warn" if told.cause in _PASSING else "fail"
    return Finding(NAME, verdict, told.said + still, told.cause, _EXPECTED, told.fix)


def _named(it: Deployments, newest: Deployment, settings: ServiceSettings) -> Iterator[Finding]:
    if it.named is None:
        return
    told = diagnose(it.named, settings, newer=newest.id)
    yield Finding(
        NAME,
        "warn",
        f"the log you read is of {it.named.id} of {it.named.created_at}, but the newest deployment is {newest.id} "
        f"of {newest.created_at}; that one: {told.said}",
        told.cause if told.cause == "superseded" else "not-the-newest",
        "the log of the newest deployment",
        f"look at {newest.id} (railway.deployment names what you read; `railway logs` shows the last successful one)",
    )


def _edge(it: Deployments) -> Iterator[Finding]:
    failed = [each for each in it.edge if each.said]
    if failed:
        last = failed[-1]
        yield Finding(
            EDGE,
            "warn",
            f"Railway's edge answered {len(failed)} requests with 5xx; the last, {last.status} for {last.path}, tried "
            f"{last.upstream}: {last.said}",
            "edge-errors",
            "requests that reach the server",
            "is that the port the server listens on, and did it run then? See the checks above",
        )
