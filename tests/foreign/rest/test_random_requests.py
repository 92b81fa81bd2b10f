"""Requests by chance, made from the vendor's document: the twin never fails, and never answers against the document."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from tests.foreign.rest.kit import OURS, account
from tests.kit.rest.contract import FORM, Contract
from tests.kit.rest.proxy import judging

from offhook.sim.complaints import complaint
from offhook.sim.rest import alerts
from offhook.sim.rest.lines import Telephony
from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account

pytestmark = pytest.mark.foreign

RESOURCES = ("IncomingPhoneNumbers", "Calls", "Messages", "Notifications", "Recordings")
#: Values of each format that are right, and some that are not.
VALUES = {
    "uri": ["https://127.0.0.1:1/voice", "http://127.0.0.1:1/a?b=c", "", "nowhere"],
    "http-method": ["GET", "POST", "PUT"],
    "phone-number": [OURS, "+14155550123", "+1", ""],
    "endpoint": [OURS, "+14155550123", "client:anna", "x"],
    "twiml": ["<Response/>", "<Response><Say>Hello</Say></Response>", "<Response" + " " * 4100 + "/>"],
    "date-time": ["2026-01-01T00:00:00Z", "2030-01-01", "then"],
    "date": ["2026-01-01"],
}


def value(schema: dict[str, Any], contract: Contract, chance: random.Random) -> str:
    """Return a value for a parameter, mostly a right one."""
    schema = dict(contract._resolved(schema))
    if "enum" in schema:
        return chance.choice([*schema["enum"], "other"])
    if schema.get("format") in VALUES:
        return chance.choice(VALUES[schema["format"]])
    match schema.get("type"):
        case "integer":
            return str(chance.choice([0, 1, 5, 50, 1000, 5000]))
        case "boolean":
            return chance.choice(["true", "false", "perhaps"])
        case "array":
            return value(schema["items"], contract, chance)
        case _:
            return chance.choice(["", "x", "a b", "PA" + "1" * 34, "AP" + "1" * 32, "TK" + "1" * 32])


def request(contract: Contract, owner: Account, chance: random.Random) -> tuple[str, str, str]:
    """Return method, target and form of a request to something the twin has."""
    paths = [
        (path, method)
        for path, methods in contract._document["paths"].items()
        for method in ("get", "post", "delete")
        if method in methods
        and any(f"/{name}.json" in path or f"/{name}/{{Sid}}" in path for name in RESOURCES)
        and "Conferences" not in path
        and "SIP" not in path
    ]
    path, method = chance.choice(paths)
    spec = contract._document["paths"][path][method]
    known = {
        "{AccountSid}": owner.sid,
        "{CallSid}": chance.choice([*owner.calls, "CA" + "0" * 32]),
        "{Sid}": chance.choice([*owner.numbers, *owner.calls, *owner.messages, "PN" + "0" * 32]),
    }
    for name, told in known.items():
        path = path.replace(name, told)
    query = [p for p in spec.get("parameters", ()) if p["in"] == "query" and chance.random() < 0.3]
    asked = urlencode([(one["name"], value(one["schema"], contract, chance)) for one in query])
    form = ""
    if method == "post":
        properties = contract._resolved(spec["requestBody"]["content"][FORM]["schema"])["properties"]
        chosen = [name for name in properties if chance.random() < (0.2 if len(properties) < 50 else 0.02)]
        chosen += [name for name in ("To", "From", "Body", "Url", "Twiml") if name in properties]
        form = urlencode([(name, value(properties[name], contract, chance)) for name in dict.fromkeys(chosen)])
    return method.upper(), f"{path}?{asked}" if asked else path, form


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_asked_the_answer_keeps_to_the_document(vendor_contracts, seed):
    chance = random.Random(seed)
    contract = Contract(vendor_contracts)
    owner = account(calls_per_second=1e6, trial=chance.choice([None, None, "new"]))
    alerts.note(owner, complaint(11200), "CA" + "1" * 32, "https://voice.example.com/voice")
    options = RestOptions(telephony=Telephony(speed=1000))
    login = {"Authorization": aiohttp.encode_basic_auth(owner.sid, owner.auth_token)}
    async with (
        RestTwin([owner], options) as twin,
        judging(contract, twin.url) as proxy,
        aiohttp.ClientSession(headers=login) as session,
    ):
        for _ in range(250):
            method, target, form = request(contract, owner, chance)
            headers = {"Content-Type": FORM} if method == "POST" else {}
            async with session.request(method, proxy.url + target, data=form or None, headers=headers) as answer:
                await answer.read()
        assert proxy.answered == []
        assert max(proxy.statuses) < 500
        assert {200, 400, 404} <= set(proxy.statuses)
        assert len(proxy.seen) > 12
