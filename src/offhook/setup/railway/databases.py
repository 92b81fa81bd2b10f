"""Postgres and Redis beside the service, from Railway's own templates. Created once, also after an interruption."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.operations import TEMPLATE, TEMPLATE_DEPLOY, WORKFLOW
from offhook.setup.railway.place import Place, read_again
from offhook.setup.railway.service import read_variables, set_variables
from offhook.setup.railway.wanted import DATABASES, Database

#: Railway makes a database in the background; it is listed as a service within seconds.
APPEAR_S: Final = 60.0
BEGUN: Final = "begun"


def missing(place: Place | None, wanted: Sequence[Database]) -> list[Database]:
    """Return the databases that are not there."""
    return [kind for kind in wanted if place is None or DATABASES[kind].service not in place.services]


async def ensure(api: Railway, place: Place, kind: Database) -> bool:
    """Make sure that the database is there; True where it was created now.

    A template is deployed in the background, so an interrupted run could not see what it had begun. Therefore a
    variable of our own service says so before it begins, and a run that finds it waits before it begins again.
    """
    database = DATABASES[kind]
    if database.service in place.services:
        return False
    mark = marked(kind)
    begun = (await read_variables(api, place)).written.get(mark)
    if begun and await _appears(api, place, database.service, "" if begun == BEGUN else begun):
        return True
    await set_variables(api, place, {mark: BEGUN})
    template = (await api.ask(TEMPLATE, code=database.template))["template"]
    wanted = {
        "templateId": template["id"],
        "serializedConfig": template["serializedConfig"],
        "projectId": place.project_id,
        "environmentId": place.environment_id,
        "workspaceId": place.workspace_id,
    }
    workflow = str((await api.ask(TEMPLATE_DEPLOY, input=wanted))["templateDeployV2"]["workflowId"] or "")
    await set_variables(api, place, {mark: workflow or BEGUN})
    if not await _appears(api, place, database.service, workflow):
        raise RailwayError("database", f"Railway could not create {database.service}", "run again, or create it there")
    return True


def marked(kind: Database) -> str:
    """Return the name of the variable that says that a database is being created."""
    return f"OFFHOOK_SETUP_{kind.upper()}"


async def _appears(api: Railway, place: Place, service: str, workflow: str) -> bool:
    """Wait until the database's service is listed; False where its workflow failed, or nothing was ever begun."""
    deadline = time.monotonic() + APPEAR_S
    while True:
        if service in (await read_again(api, place)).services:
            return True
        if workflow:
            state = (await api.ask(WORKFLOW, workflowId=workflow))["workflowStatus"]
            if state["status"] in ("Error", "NotFound"):
                return False
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(api.pause_s())
