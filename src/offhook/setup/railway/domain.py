"""The service's public name and the port behind it: found or made, and read back. Opens no connection to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offhook.config.values import address_of
from offhook.errors import RailwayError
from offhook.setup.railway.api import Railway
from offhook.setup.railway.operations import CUSTOM_DOMAIN_UPDATE, DOMAIN_CREATE, DOMAIN_UPDATE, DOMAINS
from offhook.setup.railway.place import Place
from offhook.setup.railway.service import read_variables


@dataclass(frozen=True, slots=True)
class Domain:
    """A public name. ``target_port`` None: traffic goes to PORT. ``status`` is a custom domain's own."""

    id: str
    name: str
    target_port: int | None
    status: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_custom(self) -> bool:
        """Whether it is the owner's own name."""
        return self.status is not None

    @property
    def url(self) -> str:
        """The address of what is behind it."""
        return address_of(self.name)


async def read_domains(api: Railway, place: Place) -> list[Domain]:
    """Return the service's domains, the owner's own ones first."""
    found = (await api.ask(DOMAINS, **place.ids))["domains"]
    custom = [Domain(d["id"], d["domain"], d["targetPort"], d["status"]) for d in found["customDomains"]]
    return custom + [Domain(d["id"], d["domain"], d["targetPort"]) for d in found["serviceDomains"]]


async def set_domain(api: Railway, place: Place, port: int) -> tuple[Domain, bool]:
    """Make sure that there is a domain and that all lead to ``port``; return the server's, and if it changed."""
    before = await read_domains(api, place)
    if not before:
        await api.ask(DOMAIN_CREATE, input={**place.instance, "targetPort": port})
    for domain in before:
        if domain.target_port != port:
            await _lead_to(api, place, domain, port)
    after = await read_domains(api, place)
    wrong = [domain for domain in after if domain.target_port != port]
    if wrong or not after:
        raise RailwayError(
            "did-not-stick",
            f"the domain {wrong[0].name} leads to port {wrong[0].target_port}" if wrong else "there is no domain",
            f"in Railway's pages, under Settings, Networking, give the domain the target port {port}; then run again",
        )
    return await _believed(api, place, after), after != before


async def _believed(api: Railway, place: Place, domains: list[Domain]) -> Domain:
    """Return the domain that the server takes for its own: Twilio's signatures are checked against that one only."""
    if len(domains) == 1:
        return domains[0]
    known = (await read_variables(api, place)).rendered
    url = known.get("OFFHOOK_PUBLIC_URL", "").rstrip("/") or address_of(known.get("RAILWAY_PUBLIC_DOMAIN", ""))
    return next((each for each in domains if each.url == url), domains[0])


async def _lead_to(api: Railway, place: Place, domain: Domain, port: int) -> None:
    if domain.is_custom:
        await api.ask(CUSTOM_DOMAIN_UPDATE, id=domain.id, environmentId=place.environment_id, targetPort=port)
        return
    wanted = {**place.instance, "serviceDomainId": domain.id, "domain": domain.name, "targetPort": port}
    await api.ask(DOMAIN_UPDATE, input=wanted)
