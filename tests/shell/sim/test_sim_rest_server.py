"""The REST twin as a server: a taken port, wrong methods and paths, bodies that are no form, limits, and its end."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, ApiKey, PhoneNumber

OURS = "+441632960001"


def account(**changed):
    return Account(**changed).own(PhoneNumber(OURS))


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


async def answer(twin: RestTwin, method: str, path: str, headers=None, **sent) -> tuple[int, int | None]:
    owner = next(iter(twin.world.accounts.values()))
    known = login(owner.sid, owner.auth_token) if headers is None else headers
    url = twin.url + path.replace("ACCOUNT", owner.sid)
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=known, **sent) as found:
        said = await found.json() if found.content_type == "application/json" else {}
        return found.status, said.get("code")


async def test_a_taken_port_leaves_nothing_behind():
    async with RestTwin([account()]) as first:
        with pytest.raises(OSError):
            async with RestTwin([account()], RestOptions(port=first.port)):
                pass


async def test_what_a_user_raises_stays_as_it_is():
    with pytest.raises(KeyError):
        async with RestTwin([account()]):
            raise KeyError("mine")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Nothing.json", (404, 20404)),
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Calls", (404, 20404)),
        ("GET", "/", (404, 20404)),
        ("PUT", "/2010-04-01/Accounts/ACCOUNT/Calls.json", (405, 20004)),
        ("DELETE", "/2010-04-01/Accounts/ACCOUNT.json", (405, 20004)),
        ("GET", "/2010-04-01/Accounts/AC" + "9" * 32 + ".json", (401, 20003)),
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Calls.json?PageSize=0", (400, 20001)),
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Calls.json?Page=1", (400, 20001)),
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Calls.json?Page=1&PageToken=PAnone", (400, 20001)),
        ("GET", "/2010-04-01/Accounts/ACCOUNT/Calls.json?StartTime%3E=then", (400, 20001)),
    ],
)
async def test_refusals(method, path, refusal):
    owner = account()
    async with RestTwin([owner]) as twin:
        await answer(twin, "POST", f"/2010-04-01/Accounts/{owner.sid}/Calls.json", data=CALL)
        assert await answer(twin, method, path) == refusal


CALL = {"To": "+14155550123", "From": OURS, "Twiml": "<Response/>"}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ***"}, login("AC1", ""), login("", "")]
)
async def test_who_is_nobody_gets_nothing(headers):
    async with RestTwin([account()]) as twin:
        assert await answer(twin, "GET", "/2010-04-01/Accounts/ACCOUNT/Calls.json", headers) == (401, 20003)


async def test_a_body_that_is_no_form_is_as_if_nothing_was_sent():
    async with RestTwin([account()]) as twin:
        path = "/2010-04-01/Accounts/ACCOUNT/Calls.json"
        assert await answer(twin, "POST", path, json={"To": OURS}) == (400, 21201)
        assert (await answer(twin, "POST", path, data={"To": "x" * 300_000}))[0] == 413


async def test_more_requests_at_once_than_allowed_are_refused():
    async with RestTwin([account()], RestOptions(at_once=2, latency_s=0.3)) as twin:
        path = "/2010-04-01/Accounts/ACCOUNT/Calls.json"
        answers = await asyncio.gather(*(answer(twin, "GET", path) for _ in range(6)))
    assert (429, 20429) in answers


async def test_a_main_account_reaches_its_subaccounts_and_nobody_a_parent():
    main = account(keys=[ApiKey("SK" + "1" * 32, "Key1")])
    sub = Account("AC" + "2" * 32, "2" * 32, owner_sid=main.sid)
    async with RestTwin([main, sub]) as twin:
        path = f"/2010-04-01/Accounts/{sub.sid}/Calls.json"
        assert await answer(twin, "GET", path) == (200, None)
        assert await answer(twin, "GET", path, login("SK" + "1" * 32, "Key1")) == (401, 20003)
        parent = f"/2010-04-01/Accounts/{main.sid}/Calls.json"
        assert await answer(twin, "GET", parent, login(sub.sid, "2" * 32)) == (401, 20003)


async def test_every_answer_is_told():
    told: list[tuple[str, str, int]] = []
    options = RestOptions(on_answer=lambda *answered: told.append(answered))
    async with RestTwin([account()], options) as twin:
        await answer(twin, "GET", "/2010-04-01/Accounts/ACCOUNT.json")
        await answer(twin, "GET", "/nothing")
    assert [status for _, _, status in told] == [200, 404]
