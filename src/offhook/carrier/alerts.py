"""What Twilio's debugger has noted: error codes of webhooks, TwiML and streams. Reads; explains nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from offhook.carrier.answers import resource


@dataclass(frozen=True, slots=True)
class Alert:
    """One entry. ``url`` is the address that was asked, without its query; ``sid`` is the call's, mostly."""

    code: int
    level: str
    at: datetime | None
    url: str
    sid: str


async def alerts(client: Any, since: datetime, limit: int = 200) -> list[Alert]:
    """Return the account's alerts since a moment, the newest first."""
    asked = client.monitor.v1.alerts.list_async(start_date=since, limit=limit, page_size=min(limit, 1000))
    found = await resource(asked)
    return [_alert_of(one) for one in found if str(one.error_code or "").isdecimal()]


def _alert_of(found: Any) -> Alert:
    parts = urlsplit(str(found.request_url or ""))
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    at = found.date_generated or found.date_created
    return Alert(int(found.error_code), str(found.log_level or ""), at, bare, str(found.resource_sid or ""))
