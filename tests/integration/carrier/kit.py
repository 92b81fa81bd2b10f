"""Our REST client at the REST twin with the vendor's document in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kit.rest.contract import Contract
from tests.kit.rest.proxy import Proxy, judging

from offhook.carrier.account import Credentials
from offhook.carrier.client import Carrier
from offhook.carrier.transport import Deadlines
from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, ApiKey, PhoneNumber

TOKEN = "fedcba9876543210" * 2
OURS, OTHER, MUTE = "+441632960001", "+441632960002", "+441632960003"
PATIENT = Deadlines(30.0, 60.0)


def account(**changed: Any) -> Account:
    """Return an account with three numbers, of which two take calls."""
    made = Account(auth_token=TOKEN, **changed)
    return made.own(PhoneNumber(OURS), PhoneNumber(OTHER, can_sms=False), PhoneNumber(MUTE, can_voice=False))


def login(owner: Account, key: ApiKey | None = None) -> Credentials:
    """Return credentials of the account."""
    if key is None:
        return Credentials(owner.sid, owner.sid, owner.auth_token)
    return Credentials(owner.sid, key.sid, key.secret)


@asynccontextmanager
async def judged(
    vendor_contracts: Path, owner: Account, credentials: Credentials | None = None, **options: Any
) -> AsyncIterator[tuple[Carrier, Proxy, RestTwin]]:
    """Start twin and judge; yield a carrier. Fails where anything that passed was against the document."""
    async with (
        RestTwin([owner], RestOptions(**options)) as twin,
        judging(Contract(vendor_contracts), twin.url) as proxy,
        Carrier(credentials or login(owner), proxy.url, PATIENT) as carrier,
    ):
        yield carrier, proxy, twin
    assert proxy.violations == []
