"""Killed at any step and run again: the end is the same, and nothing is there twice."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from tests.kit.railway.standin import RailwayStandIn
from tests.kit.raw import until

from offhook.setup.railway import databases
from offhook.setup.railway.api import Railway
from offhook.setup.railway.follow import follow
from offhook.setup.railway.identity import identify
from offhook.setup.railway.operations import ALL
from offhook.setup.railway.road import DEPLOYED, MARK, apply, plan
from offhook.setup.railway.wanted import Repository, ServiceSettings, Wanted

WANTED = Wanted(
    Repository("owner/quick"),
    {"SOME_KEY": "value"},
    settings=ServiceSettings(num_replicas=2),
    databases=("postgres", "redis"),
)


#: The operations that change something. Killed after a question, all is as it was after the change before it.
CHANGES = {operation.name for operation in ALL if operation.is_mutation}
#: So many changes make the whole road.
ROAD = 15


def changes(railway: RailwayStandIn) -> int:
    """Return how many changes were made."""
    return sum(name in CHANGES for name, _ in railway.requests)


async def killed_after(railway: RailwayStandIn, api: Railway, number: int) -> bool:
    """Run until Railway has made that many changes, whose last answer never comes; True where it got so far."""
    running = asyncio.ensure_future(_run(api))
    begin = changes(railway)

    def die(name: str) -> bool:
        if name not in CHANGES or changes(railway) - begin < number:
            return False
        running.cancel()
        return True

    railway.answer_lost = die
    with contextlib.suppress(asyncio.CancelledError):
        await running
    railway.answer_lost = lambda _: False
    return running.cancelled()


async def _run(api: Railway) -> str:
    deployed = await apply(api, await identify(api), WANTED)
    assert deployed.deployment_id is not None
    return deployed.deployment_id


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, ROAD + 1))
async def test_the_end_is_the_same(
    railway: RailwayStandIn, api: Railway, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after change ``first``, the next run after the first change of its own, then left alone."""
    monkeypatch.setattr(databases, "APPEAR_S", 1.0)
    railway.template_s = 0.05
    assert await killed_after(railway, api, first)
    await killed_after(railway, api, 1)
    deployment = await _run(api)
    assert (await follow(api, deployment, WANTED.settings)).diagnosis.is_good
    (project,) = railway.projects
    assert sorted(service.name for service in project.services) == ["Postgres", "Redis", "offhook"]
    service = project.service("offhook")
    assert len(service.domains) == 1
    assert len(service.deployments) == 1
    assert service.variables[MARK] == DEPLOYED
    assert WANTED.settings.unlike(ServiceSettings.read(service.settings)) == []
    assert {name: service.variables[name] for name in WANTED.all_variables} == WANTED.all_variables
    assert await plan(api, await identify(api), WANTED) == []
    await until(lambda: set(railway.workflows.values()) == {"Complete"})


async def test_the_number_above_is_the_whole_road(railway: RailwayStandIn, api: Railway):
    await _run(api)
    assert changes(railway) == ROAD


async def test_changes_that_were_made_but_not_deployed_are_deployed_by_the_next_run(
    railway: RailwayStandIn, api: Railway
):
    first = await _run(api)
    changed = Wanted(
        WANTED.source, {"SOME_KEY": "new"}, settings=ServiceSettings(num_replicas=3), databases=WANTED.databases
    )
    done = len(railway.requests)
    running = asyncio.ensure_future(apply(api, await identify(api), changed))

    def die(name: str) -> bool:
        if name == "ServiceUpdate" and len(railway.requests) > done:
            running.cancel()
        return False

    railway.answer_lost = die
    with contextlib.suppress(asyncio.CancelledError):
        await running
    railway.answer_lost = lambda _: False
    assert len(railway.only_service().deployments) == 1
    assert await plan(api, await identify(api), changed) == ["deploy"]
    second = (await apply(api, await identify(api), changed)).deployment_id
    assert second != first
    assert len(railway.only_service().deployments) == 2
    assert railway.only_service().deployments[-1].variables["SOME_KEY"] == "new"
