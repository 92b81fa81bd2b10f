"""Callbacks of what is no call's own: messages, recordings. Signed, bounded; one that fails is an alert (15003)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from offhook.sim.complaints import LineFault, complaint
from offhook.sim.patience import TOTAL_S
from offhook.sim.reach import Reach
from offhook.sim.rest import alerts
from offhook.sim.rest.world import Account
from offhook.sim.webhook import Webhooks


class Told:
    """Tells servers what happened, beside the requests that caused it."""

    def __init__(self, errands: asyncio.TaskGroup, reach: Reach | None = None) -> None:
        #: Where the API itself is reached, for what callbacks say of it.
        self.base_url = ""
        self._errands = errands
        self._reach = reach

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the request that asks for it."""
        self._errands.create_task(work)

    async def tell(self, account: Account, url: str, method: str, form: Mapping[str, str], resource_sid: str) -> None:
        """Tell one callback."""
        async with Webhooks(account.auth_token, reach=self._reach) as webhooks:
            try:
                await webhooks.ask(url, method, form, total_s=TOTAL_S)
            except LineFault as fault:
                alerts.note(account, complaint(15003, f"callback: {fault.text}"), resource_sid, url)
