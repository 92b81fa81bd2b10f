"""Twilio's REST API under our settings: one object with the account, its numbers, its calls. Holds no call's socket.

::

    async with Carrier.of(settings) as carrier:
        account = await carrier.account()
        number = await carrier.numbers.find("+441632960001")
        rewired = await carrier.numbers.wire(number.sid, Wiring(voice_url="https://voice.example.com/twilio/voice"))

Every method raises `CarrierError`: a sentence with the fix and Twilio's code.
"""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from offhook.carrier.account import Account, Credentials, account_of, credentials_of
from offhook.carrier.alerts import Alert, alerts
from offhook.carrier.answers import resource
from offhook.carrier.calls import Calls
from offhook.carrier.numbers import Numbers
from offhook.carrier.transport import USUAL, Deadlines, Transport
from offhook.config.settings import Settings
from offhook.config.twilio import API_URL
from offhook.errors import CarrierRefused

#: Keeps the SDK from reading the environment by itself: ours has been read, and its region is in the base URL.
_NO_ENVIRONMENT: Final = {"OFFHOOK": "1"}


class Carrier:
    """The REST API with one set of credentials. Use as an async context manager."""

    def __init__(self, credentials: Credentials, api_url: str = API_URL, deadlines: Deadlines = USUAL) -> None:
        self.credentials = credentials
        self._api_url = api_url
        self._deadlines = deadlines
        self._session: aiohttp.ClientSession | None = None
        self._sdk: Any = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make one from the settings. Raises CarrierRefused where they have no credentials."""
        deadlines = Deadlines(settings.timeouts.carrier_s, settings.timeouts.carrier_total_s)
        return cls(credentials_of(settings.twilio), settings.twilio.api_url, deadlines)

    async def __aenter__(self) -> Self:
        from twilio.rest import Client  # a third of a second: not for everybody who imports us

        self._session = aiohttp.ClientSession()
        self._sdk = Client(
            self.credentials.user,
            self.credentials.password,
            self.credentials.account_sid,
            http_client=Transport(self._session, self._api_url, self._deadlines),
            environment=_NO_ENVIRONMENT,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def numbers(self) -> Numbers:
        """The account's phone numbers."""
        return Numbers(self._client)

    @property
    def calls(self) -> Calls:
        """The account's calls."""
        return Calls(self._client)

    async def alerts(self, since: datetime, limit: int = 200) -> list[Alert]:
        """Return what the debugger has noted since a moment, the newest first."""
        return await alerts(self._client, since, limit)

    @property
    def _client(self) -> Any:
        assert self._sdk is not None, "use Carrier as an async context manager"
        return self._sdk

    async def account(self) -> Account:
        """Return the account, and so prove the credentials.

        A Standard API key may not look at its account (Twilio, "API keys"): then its type is unknown.
        """
        sid = self.credentials.account_sid
        try:
            return account_of(await resource(self._client.api.accounts(sid).fetch_async()))
        except CarrierRefused:
            if not self.credentials.is_api_key:
                raise
        await self.numbers.all(limit=1)
        return Account(sid, "unknown")
