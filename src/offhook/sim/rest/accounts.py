"""The account resource. Shows; changes nothing."""

from __future__ import annotations

from typing import Any

from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.lines import Lines
from offhook.sim.rest.pages import page
from offhook.sim.rest.world import Account, rfc2822

_SUBRESOURCES = ("calls", "incoming_phone_numbers", "messages", "notifications", "recordings")


def show(account: Account) -> dict[str, Any]:
    """Return an account as the API does."""
    uri = f"/2010-04-01/Accounts/{account.sid}"
    return {
        "auth_token": account.auth_token,
        "date_created": rfc2822(account.created),
        "date_updated": rfc2822(account.created),
        "friendly_name": account.friendly_name,
        "owner_account_sid": account.owner_sid or account.sid,
        "sid": account.sid,
        "status": account.status,
        "subresource_uris": {
            name: f"{uri}/{''.join(part.title() for part in name.split('_'))}.json" for name in _SUBRESOURCES
        },
        "type": "Trial" if account.trial is not None else "Full",
        "uri": f"{uri}.json",
    }


async def fetch(asked: Asked) -> Answered:
    """GET /Accounts/{Sid}.json."""
    return Answered(show(asked.account))


async def listed(asked: Asked, lines: Lines) -> Answered:
    """GET /Accounts.json: the account that asks, and its subaccounts."""
    wanted, status = asked.query.get("FriendlyName"), asked.query.one_of("Status", ("active", "suspended", "closed"))
    found = [
        one
        for one in (asked.owner, *lines.subaccounts(asked.owner))
        if wanted in (None, "", one.friendly_name) and status in (None, one.status)
    ]
    return Answered(page(asked, "accounts", found, lambda account: account.sid, show))
