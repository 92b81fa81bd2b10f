"""Twilio's own Python client at the REST twin, the vendor's document in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.kit.rest.contract import Contract
from tests.kit.rest.proxy import Proxy, judging
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

TOKEN = "fedcba9876543210" * 2
OURS, OTHER, MUTE = "+441632960001", "+441632960002", "+441632960003"
Result = TypeVar("Result")


def account(**changed: Any) -> Account:
    """Return an account with three numbers: one of all uses, one without messages, one without calls."""
    made = Account(auth_token=TOKEN, **changed)
    return made.own(PhoneNumber(OURS), PhoneNumber(OTHER, can_sms=False), PhoneNumber(MUTE, can_voice=False))


class Foreign:
    """The SDK, run in a thread, pointed at the proxy; its session is closed at the end."""

    def __init__(self, url: str, user: str, password: str, account_sid: str) -> None:
        self._http = TwilioHttpClient(timeout=30)
        self._threads = ThreadPoolExecutor(1)
        self.client = Client(user, password, account_sid, http_client=self._http)
        self.client.api.base_url = url
        self.client.monitor.base_url = url

    async def __call__(self, ask: Callable[[Client], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask, self.client)

    async def refused(self, ask: Callable[[Client], Any]) -> tuple[int, int | None]:
        """Ask what must be refused; return HTTP status and Twilio's code."""
        with pytest.raises(TwilioRestException) as refusal:
            await self(ask)
        return refusal.value.status, refusal.value.code

    def close(self) -> None:
        """End its session and its thread."""
        assert self._http.session is not None
        self._http.session.close()
        self._threads.shutdown()


@asynccontextmanager
async def sdk(
    vendor_contracts: Path, owner: Account, login: tuple[str, str] | None = None, **options: Any
) -> AsyncIterator[tuple[Foreign, Proxy, RestTwin]]:
    """Start twin, judge and client."""
    user, password = login or (owner.sid, owner.auth_token)
    async with (
        RestTwin([owner], RestOptions(**options)) as twin,
        judging(Contract(vendor_contracts), twin.url) as proxy,
    ):
        foreign = Foreign(proxy.url, user, password, owner.sid)
        try:
            yield foreign, proxy, twin
        finally:
            foreign.close()
