"""The whole road to a deployed service: what would be changed, then each step with its proof. Safe to run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from offhook.errors import RailwayError
from offhook.setup.railway import databases
from offhook.setup.railway.api import Railway
from offhook.setup.railway.deployment import list_deployments
from offhook.setup.railway.domain import Domain, read_domains, set_domain
from offhook.setup.railway.identity import Identity
from offhook.setup.railway.operations import DEPLOY
from offhook.setup.railway.place import (
    Place,
    create_project,
    create_service,
    find_place,
    home_of,
    read_again,
    with_service,
)
from offhook.setup.railway.service import connect, read_instance, read_variables, set_settings, set_variables
from offhook.setup.railway.wanted import Wanted, is_same_source

#: A variable of the service that says that changes are made and not deployed yet, and what was newest before them.
MARK: Final = "OFFHOOK_SETUP_MARK"
DEPLOYED: Final = "deployed"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What there is after `apply`: the place, the address, and the deployment to follow. ``changes`` were made now."""

    place: Place
    domain: Domain
    deployment_id: str | None
    changes: tuple[str, ...] = field(default=())


async def plan(api: Railway, who: Identity, wanted: Wanted) -> list[str]:
    """Return in words what `apply` would change at Railway, in that order. Changes nothing; names no value.

    Raises RailwayError where the server could not start for want of a key.
    """
    place = await _found(api, who, wanted)
    if lacking := await _lacking(api, place, wanted):
        raise RailwayError(
            "keys-missing",
            f"the server could answer no call without {', '.join(lacking)}",
            "put these into .env (or among the service's variables at Railway), then run again; nothing was changed",
        )
    return await _changes(api, who, place, wanted)


async def verify(api: Railway, who: Identity, wanted: Wanted) -> list[str]:
    """Return in words what is not as wanted at Railway: for whoever sets everything in Railway's own pages."""
    place = await _found(api, who, wanted)
    missing = [f"set the variable {name}" for name in await _lacking(api, place, wanted)]
    return [*missing, *(words for words in await _changes(api, who, place, wanted) if words != _DEPLOY)]


async def _found(api: Railway, who: Identity, wanted: Wanted) -> Place | None:
    found = await find_place(api, who, wanted.project, wanted.environment, wanted.workspace)
    return with_service(found, wanted.service) if found else None


async def _lacking(api: Railway, place: Place | None, wanted: Wanted) -> list[str]:
    """Return the required variables that are neither given nor at Railway."""
    lacking = wanted.lacking
    if not lacking or place is None or place.service_id is None:
        return lacking
    there = await read_variables(api, place)
    return [name for name in lacking if not there.rendered.get(name) and name not in there.sealed]


async def _changes(api: Railway, who: Identity, place: Place | None, wanted: Wanted) -> list[str]:
    if place is None:
        home_of(who, wanted.workspace)
    changes = [] if place else [f"create the project {wanted.project}, environment {wanted.environment}"]
    changes += [f"create {kind} from Railway's template" for kind in databases.missing(place, wanted.databases)]
    if place is None or place.service_id is None:
        return [*changes, f"create the service {wanted.service}", *_everything(wanted)]
    return [*changes, *await _differences(api, place, wanted)]


def _everything(wanted: Wanted) -> list[str]:
    source = [f"connect {wanted.source}", _DEPLOY] if wanted.source else []
    names = ", ".join(wanted.all_variables)
    return [
        f"set the variables {names}",
        "set the service's settings",
        f"create a domain that leads to port {wanted.port}",
        *source,
    ]


_DEPLOY: Final = "deploy"


async def _differences(api: Railway, place: Place, wanted: Wanted) -> list[str]:
    instance, variables = await read_instance(api, place), await read_variables(api, place)
    changes = [f"set the variable {name}" for name in variables.missing(wanted.all_variables)]
    changes += [str(each) for each in wanted.settings.unlike(instance.settings)]
    domains = await read_domains(api, place)
    changes += [] if domains else [f"create a domain that leads to port {wanted.port}"]
    if wanted.source is not None and not is_same_source(instance.source, wanted.source):
        changes.append(f"connect {wanted.source}")
    has_source = wanted.source is not None or instance.source is not None
    is_due = has_source and (changes or await _is_due(api, place, variables.written.get(MARK, DEPLOYED)))
    changes += [
        f"let {domain.name} lead to port {wanted.port}" for domain in domains if domain.target_port != wanted.port
    ]
    return [*changes, _DEPLOY] if is_due else changes


async def apply(
    api: Railway,
    who: Identity,
    wanted: Wanted,
    told: Callable[[str], None] = lambda _: None,
    *,
    again: bool = False,
) -> Deployed:
    """Make everything as wanted and start a deployment where one is due; each step is read back before the next.

    ``again`` deploys also where nothing has changed: an image that is new under the same name.
    Run again after an interruption at any moment it goes on where it was: nothing is created twice.
    """
    made: list[str] = []

    def say(words: str, *, changed: bool) -> None:
        told(words)
        if changed:
            made.append(words)

    place = await _service_at(api, who, wanted, say)
    place = await _databases(api, place, wanted, say)
    mark = await _mark(api, place, wanted)
    names = await set_variables(api, place, wanted.all_variables)
    say(f"variables set: {', '.join(names)}" if names else "variables are as wanted", changed=bool(names))
    await _must_have_values(api, place, wanted)
    differences = await set_settings(api, place, wanted.settings)
    settings = ", ".join(each.name for each in differences)
    say(f"settings set: {settings}" if settings else "settings are as wanted", changed=bool(differences))
    domain, changed = await set_domain(api, place, wanted.port)
    say(f"{domain.url} leads to port {domain.target_port}", changed=changed)
    deployment = await _deployment(api, place, wanted, "" if again else mark, say)
    return Deployed(place, domain, deployment, tuple(made))


Say = Callable[..., None]


async def _service_at(api: Railway, who: Identity, wanted: Wanted, say: Say) -> Place:
    place = await find_place(api, who, wanted.project, wanted.environment, wanted.workspace)
    if place is None:
        place = await create_project(api, who, wanted.project, wanted.environment, wanted.workspace)
        say(f"project {place.project} created", changed=True)
    else:
        say(f"project {place.project}, environment {place.environment} found", changed=False)
    there = with_service(place, wanted.service)
    if there.service_id is not None:
        say(f"service {wanted.service} found", changed=False)
        return there
    there = await create_service(api, place, wanted.service)
    say(f"service {wanted.service} created", changed=True)
    return there


async def _databases(api: Railway, place: Place, wanted: Wanted, say: Say) -> Place:
    for kind in wanted.databases:
        created = await databases.ensure(api, place, kind)
        say(f"{kind} {'created' if created else 'found'}", changed=created)
        place = await read_again(api, place)
    return place


async def _must_have_values(api: Railway, place: Place, wanted: Wanted) -> None:
    empty = (await read_variables(api, place)).empty({n: v for n, v in wanted.all_variables.items() if v})
    if empty:
        raise RailwayError(
            "empty-variables",
            f"these variables have no value once their references are filled: {', '.join(empty)}",
            "correct the reference: the service's name in ${{Service.NAME}} is written exactly as at Railway",
        )


async def _mark(api: Railway, place: Place, wanted: Wanted) -> str:
    """Say at Railway itself that changes are under way, before the first is made; return what stands there then."""
    variables, instance = await read_variables(api, place), await read_instance(api, place)
    mark = variables.written.get(MARK, "")
    if mark not in ("", DEPLOYED):
        return mark
    is_same = (
        not variables.missing(wanted.all_variables)
        and not wanted.settings.unlike(instance.settings)
        and (wanted.source is None or is_same_source(wanted.source, instance.source))
        and bool(await read_domains(api, place))
    )
    if mark and is_same:
        return mark
    mark = f"after {instance.latest_deployment or 'none'}"
    await set_variables(api, place, {MARK: mark})
    return mark


async def _is_due(api: Railway, place: Place, mark: str) -> bool:
    """Say whether a deployment is due: changes wait for one, or none is alive."""
    newest = next(iter(await list_deployments(api, place.ids, 1)), None)
    return newest is None or not newest.is_alive or mark == f"after {newest.id}"


async def _deployment(api: Railway, place: Place, wanted: Wanted, mark: str, say: Say) -> str | None:
    """Connect the source and deploy where due; return the deployment that now counts."""
    if wanted.source is None and (await read_instance(api, place)).source is None:
        return None
    if wanted.source is not None:
        connected = await connect(api, place, wanted.source)
        say(f"{wanted.source} {'connected' if connected else 'is connected'}", changed=connected)
    if not mark or await _is_due(api, place, mark):
        deployment = str((await api.ask(DEPLOY, **place.instance))["serviceInstanceDeployV2"])
        say(f"deployment {deployment} started", changed=True)
    else:
        deployment = (await list_deployments(api, place.ids, 1))[0].id
        say(f"deployment {deployment} found", changed=False)
    if mark != DEPLOYED:
        await set_variables(api, place, {MARK: DEPLOYED})
    return deployment
