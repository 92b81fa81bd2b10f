"""The debugger: alerts as the Monitor API shows them, and as the older Notifications. Raises none itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from offhook.sim.complaints import Complaint, Level
from offhook.sim.identity import fresh_sid
from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.entries import Alert
from offhook.sim.rest.pages import page, page_v1
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import Account, now, rfc2822


def note(account: Account, complaint: Complaint, call_sid: str, url: str) -> None:
    """Write what the simulated Twilio found wrong with a server into the account's debugger."""
    if complaint.code <= 0:
        return  # ours: Twilio has no code for it
    write(account, complaint.code, complaint.level, str(complaint), call_sid, url if url.startswith("http") else "")


def write(account: Account, code: int, level: Level, text: str, call_sid: str, url: str = "") -> None:
    """Write an alert."""
    account.alerts.append(Alert(fresh_sid("NO"), code, level, text, now(), call_sid, url))


def newest(account: Account) -> list[Alert]:
    """Return the alerts, the newest first."""
    return sorted(account.alerts, key=lambda alert: alert.created, reverse=True)


def _text(alert: Alert) -> str:
    return urlencode({"Msg": alert.text, "ErrorCode": alert.code, "LogLevel": alert.level.upper()})


def show_v1(alert: Alert, account_sid: str, base_url: str) -> dict[str, Any]:
    """Return an alert as the Monitor API lists it; requests and answers stand in a single one only."""
    return {
        "account_sid": account_sid,
        "alert_text": _text(alert),
        "api_version": "2010-04-01",
        "date_created": _iso(alert.created),
        "date_generated": _iso(alert.created),
        "date_updated": _iso(alert.created),
        "error_code": str(alert.code),
        "log_level": alert.level,
        "more_info": f"https://www.twilio.com/docs/errors/{alert.code}",
        "request_method": alert.request_method,
        "request_url": alert.request_url,
        "resource_sid": alert.resource_sid,
        "service_sid": None,
        "sid": alert.sid,
        "url": f"{base_url}/v1/Alerts/{alert.sid}",
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def listed_v1(asked: Asked) -> Answered:
    """GET /v1/Alerts of the Monitor API."""
    level = asked.query.one_of("LogLevel", ("error", "warning", "notice", "debug"))
    first, last = asked.query.moment("StartDate"), asked.query.moment("EndDate")
    found = [
        alert
        for alert in newest(asked.account)
        if level in (None, alert.level)
        and (first is None or alert.created >= first)
        and (last is None or alert.created <= last)
    ]
    shown = page_v1(
        asked, "alerts", found, lambda alert: alert.sid, lambda one: show_v1(one, asked.account.sid, asked.base_url)
    )
    return Answered(shown)


async def fetch_v1(asked: Asked) -> Answered:
    """GET /v1/Alerts/{Sid}."""
    alert = one_of(asked)
    whole = {**_whole(alert), "request_headers": None}
    return Answered({**show_v1(alert, asked.account.sid, asked.base_url), **whole})


def one_of(asked: Asked) -> Alert:
    """Return the alert a request names."""
    alert = next((one for one in asked.account.alerts if one.sid == asked.names["sid"]), None)
    if alert is None or asked.names.get("call_sid", alert.resource_sid) != alert.resource_sid:
        raise Refusal(20404, asked.path)
    return alert


def _whole(alert: Alert) -> dict[str, Any]:
    """Return what only a single entry tells; what a webhook answered is not kept."""
    return {"request_variables": urlencode(alert.variables), "response_body": None, "response_headers": None}


def show(alert: Alert, account_sid: str) -> dict[str, Any]:
    """Return an alert as the 2010 API's Notifications do: log 0 is an error, 1 a warning."""
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "call_sid": alert.resource_sid if alert.resource_sid.startswith("CA") else None,
        "date_created": rfc2822(alert.created),
        "date_updated": rfc2822(alert.created),
        "error_code": str(alert.code),
        "log": "0" if alert.level == "error" else "1",
        "message_date": rfc2822(alert.created),
        "message_text": _text(alert),
        "more_info": f"https://www.twilio.com/docs/errors/{alert.code}",
        "request_method": alert.request_method,
        "request_url": alert.request_url,
        "sid": alert.sid,
        "uri": f"/2010-04-01/Accounts/{account_sid}/Notifications/{alert.sid}.json",
    }


async def listed(asked: Asked) -> Answered:
    """GET /Notifications.json, of the account or of one call."""
    call_sid, log = asked.names.get("call_sid"), asked.query.integer("Log", 0, 1)
    found = [
        alert
        for alert in newest(asked.account)
        if call_sid in (None, alert.resource_sid)
        and log in (None, 0 if alert.level == "error" else 1)
        and asked.query.fits("MessageDate", alert.created)
    ]
    return Answered(
        page(asked, "notifications", found, lambda alert: alert.sid, lambda one: show(one, asked.account.sid))
    )


async def fetch(asked: Asked) -> Answered:
    """GET /Notifications/{Sid}.json, of the account or of one call."""
    alert = one_of(asked)
    return Answered({**show(alert, asked.account.sid), **_whole(alert)})
