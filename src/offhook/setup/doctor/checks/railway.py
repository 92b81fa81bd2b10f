"""What Railway itself says about the service: looked at once, judged by the two modules beside. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.config.railway import RailwayAccess
from offhook.config.settings import Settings
from offhook.errors import RailwayError
from offhook.setup.doctor.checks import railway_deployment, railway_service
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip
from offhook.setup.railway.api import Railway, token_of
from offhook.setup.railway.deployment import edge_errors, list_deployments, read_deployment
from offhook.setup.railway.domain import read_domains
from offhook.setup.railway.identity import Identity, identify
from offhook.setup.railway.operations import VOLUMES
from offhook.setup.railway.place import Place, find_place, with_service
from offhook.setup.railway.service import read_instance, read_variables
from offhook.setup.railway.wanted import DATABASES

NAME: Final = "railway"
#: The doctor has no time to wait until Railway may be asked again.
PATIENCE_S: Final = 3.0
_EXPECTED: Final = "a token that sees the service"


@dataclass(frozen=True, slots=True)
class _Access:
    """The token in use and what it opened."""

    api: Railway
    who: Identity
    place: Place


async def run(patient: Patient) -> Sequence[Finding]:
    """Look at the service as Railway has it; where Railway is not used, say so."""
    settings = patient.settings
    if settings is None:
        return [skip(NAME, "the settings cannot be read")]
    token = token_of(settings.railway)
    if token is None:
        return [_unused(patient)]
    assert patient.session is not None
    try:
        access = await _enter(
            Railway(patient.session, token, settings.railway.api_url, patience_s=PATIENCE_S), settings.railway
        )
        return [*_known(access, settings.railway), *await _look(access, settings, patient.folder)]
    except RailwayError as error:
        return [Finding(NAME, "fail", error.said, error.case, _EXPECTED, error.fix)]


def _unused(patient: Patient) -> Finding:
    if patient.public_url is not None and patient.public_url.endswith(".up.railway.app"):
        return skip(NAME, "RAILWAY_TOKEN is not set, so Railway itself is not asked")
    return ok(NAME, "Railway is not used here")


async def _enter(api: Railway, wanted: RailwayAccess) -> _Access:
    who = await identify(api)
    project = wanted.project or "offhook"
    place = await find_place(api, who, project, wanted.environment or "production")
    if place is None:
        raise RailwayError(
            "no-project",
            f"the token sees no project called {project}",
            "name yours (railway.project in offhook.toml, or a project token, which knows its own)",
        )
    found = with_service(place, _service(place, wanted.service))
    if found.service_id is None:
        names = ", ".join(place.services) or "none"
        raise RailwayError(
            "no-service",
            f"the project {place.project} has no service {wanted.service or 'offhook'}; it has: {names}",
            "name yours (railway.service in offhook.toml), or let `offhook railway deploy` create it",
        )
    return _Access(api, who, found)


def _service(place: Place, named: str | None) -> str:
    if named or "offhook" in place.services:
        return named or "offhook"
    databases = {kind.service for kind in DATABASES.values()}
    others = [name for name in place.services if name not in databases]
    return others[0] if len(others) == 1 else "offhook"


def _known(access: _Access, wanted: RailwayAccess) -> list[Finding]:
    plan = access.place.plan
    limits = "; the free plan refuses builds by day and gives 0.5 GB of memory" if plan == "free" else ""
    where = f"{access.place.environment} of {access.place.project}, plan {plan}{limits}"
    found = [ok(NAME, f"{access.who.kind} token; {where}")]
    if wanted.token is not None and wanted.api_token is not None:
        found.append(
            Finding(
                NAME,
                "warn",
                "RAILWAY_TOKEN and RAILWAY_API_TOKEN are both set; the first is used, and other tools may refuse both",
                "both-tokens",
                "one of the two",
                "keep RAILWAY_TOKEN, which sees this project only, and remove RAILWAY_API_TOKEN",
            )
        )
    return found


async def _look(access: _Access, settings: Settings, folder: Path) -> list[Finding]:
    api, place = access.api, access.place
    summaries = await list_deployments(api, place.ids)
    newest = await read_deployment(api, summaries[0].id) if summaries else None
    named = settings.railway.deployment
    service = railway_service.Service(
        await read_instance(api, place),
        await read_variables(api, place),
        tuple(await read_domains(api, place)),
        await _volume(api, place),
        newest.ports if newest is not None else (),
        settings.timeouts.drain_s,
        folder,
    )
    deployments = railway_deployment.Deployments(
        tuple(summaries),
        newest,
        await read_deployment(api, named) if named is not None and named != (newest.id if newest else "") else None,
        tuple(await edge_errors(api, newest.id)) if newest is not None else (),
    )
    return [*railway_service.judge(service), *railway_deployment.judge(deployments, service.instance.settings)]


async def _volume(api: Railway, place: Place) -> str | None:
    found = await api.ask_if_allowed(VOLUMES, environmentId=place.environment_id)
    nodes = [edge["node"] for edge in found["environment"]["volumeInstances"]["edges"]] if found is not None else []
    return next((each["mountPath"] for each in nodes if each["serviceId"] == place.service_id), None)
