"""Who asks the simulated REST API, and what they may ask: Basic auth with a token or an API key. Answers nothing."""

from __future__ import annotations

import base64
import hmac

from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import Account, ApiKey, World


def authenticated(world: World, header: str | None) -> tuple[Account, ApiKey | None]:
    """Return whose credentials these are. Refused with 20003."""
    user, password = _basic(header)
    for known_user, known_password, account, key in world.owners():
        if user == known_user and hmac.compare_digest(password.encode(), known_password.encode()):
            return account, key
    raise Refusal(20003)


def _basic(header: str | None) -> tuple[str, str]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise Refusal(20003)
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise Refusal(20003) from None
    if not colon:
        raise Refusal(20003)
    return user, password


def permitted(world: World, owner: Account, key: ApiKey | None, wanted: str | None, permission: str) -> Account:
    """Return the account a path names, where the credentials reach it.

    A main account's token reaches its subaccounts, its API keys do not; nobody reaches a parent. A standard key may
    not look at accounts; a restricted one may what it names.
    """
    account = owner if wanted is None else world.accounts.get(wanted)
    if account is None or (account is not owner and (key is not None or account.owner_sid != owner.sid)):
        raise Refusal(20003)
    if owner.status != "active" or account.status != "active":
        raise Refusal(20005)
    if key is not None and key.kind != "main" and permission.startswith("/twilio/iam/"):
        raise Refusal(20003)
    if key is not None and key.kind == "restricted" and permission not in key.permissions:
        raise Refusal(20006)
    return account
