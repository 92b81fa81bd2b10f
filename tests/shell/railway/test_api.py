"""Tokens, refusals and allowances: each is a sentence with a fix, and no secret is in any of them."""

from __future__ import annotations

import time

import aiohttp
import pytest
from tests.kit.railway.schema import without
from tests.kit.railway.standin import ACCOUNT_TOKEN, WORKSPACE_TOKEN, RailwayStandIn

from offhook.errors import RailwayError
from offhook.setup.railway import api as module
from offhook.setup.railway.api import Allowance, Railway, Token
from offhook.setup.railway.follow import follow
from offhook.setup.railway.identity import identify
from offhook.setup.railway.operations import ACCOUNT, PROJECT_CREATE, VARIABLES_UPSERT
from offhook.setup.railway.road import apply, plan
from offhook.setup.railway.wanted import Repository, Wanted

NOBODY = "00000000-0000-4000-8000-000000000000"


def client(api: Railway, token: Token, url: str | None = None) -> Railway:
    return Railway(api._session, token, url or api.url, look_s=0.02)


async def test_each_kind_of_token_says_what_it_is(railway: RailwayStandIn, api: Railway):
    project = railway.project("voice")
    kinds = {
        "account": Token("bearer", ACCOUNT_TOKEN),
        "workspace": Token("bearer", WORKSPACE_TOKEN),
        "project": Token("project", railway.project_token(project)),
    }
    for kind, token in kinds.items():
        who = await identify(client(api, token))
        assert who.kind == kind
        assert token.value not in f"{who} {token!r}"
    assert str(await identify(client(api, kinds["project"]))) == "a project token for production of voice"


@pytest.mark.parametrize(
    ("token", "case", "fix"),
    [
        (Token("bearer", NOBODY), "token-refused", "RAILWAY_TOKEN"),
        (Token("project", NOBODY), "token-refused", "RAILWAY_API_TOKEN"),
        (Token("project", ACCOUNT_TOKEN), "token-refused", "RAILWAY_API_TOKEN"),
    ],
)
async def test_a_token_that_is_refused(railway: RailwayStandIn, api: Railway, token: Token, case: str, fix: str):
    with pytest.raises(RailwayError) as refused:
        await identify(client(api, token))
    assert refused.value.case == case
    assert fix in refused.value.fix
    assert token.value not in str(refused.value)


async def test_a_project_token_in_the_account_tokens_place(railway: RailwayStandIn, api: Railway):
    token = railway.project_token(railway.project())
    with pytest.raises(RailwayError) as refused:
        await identify(client(api, Token("bearer", token)))
    assert refused.value.case == "wrong-variable"


async def test_several_workspaces_and_none_named(railway: RailwayStandIn, api: Railway):
    railway.workspaces.append({"id": "workspace-2", "name": "Work"})
    with pytest.raises(RailwayError, match="Home, Work"):
        await apply(api, await identify(api), Wanted())
    await apply(api, await identify(api), Wanted(workspace="Work"))
    await apply(api, await identify(api), Wanted())  # found where it is now
    (created,) = [variables["input"] for name, variables in railway.requests if name == "ProjectCreate"]
    assert created["workspaceId"] == "workspace-2"


async def test_two_projects_of_one_name(railway: RailwayStandIn, api: Railway):
    railway.project()
    railway.project("between")
    railway.project("and more")
    railway.project()
    with pytest.raises(RailwayError) as refused:
        await apply(api, await identify(api), Wanted())
    assert refused.value.case == "ambiguous-project"


async def test_too_many_requests_are_waited_out(railway: RailwayStandIn, api: Railway, monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        railway.allowed = 100

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    railway.allowed = 0
    assert (await api.ask(ACCOUNT))["me"]
    assert slept == [1.0]


async def test_what_stays_refused_is_said(railway: RailwayStandIn, api: Railway, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.5)
    railway.allowed = 0
    with pytest.raises(RailwayError) as refused:
        await api.ask(ACCOUNT)
    assert refused.value.case == "rate-limited"
    railway.allowed = 100
    railway.refuses = lambda _: 503
    with pytest.raises(RailwayError) as down:
        await api.ask(ACCOUNT)
    assert down.value.case == "vendor-down"


async def test_a_question_is_asked_again_and_a_change_never(railway: RailwayStandIn, api: Railway, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    lost: list[str] = []

    def lose(name: str) -> bool:
        lost.append(name)
        return len(lost) < 3

    railway.answer_lost = lose
    await api.ask(ACCOUNT)
    assert lost == ["Account"] * 3
    lost.clear()
    with pytest.raises(RailwayError) as refused:
        await api.ask(PROJECT_CREATE, input={"name": "voice"})
    assert refused.value.case == "unreachable"
    assert lost == ["ProjectCreate"]


async def test_nobody_there(api: Railway, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    with pytest.raises(RailwayError) as refused:
        await client(api, Token("bearer", ACCOUNT_TOKEN), "http://127.0.0.1:9/graphql/v2").ask(ACCOUNT)
    assert refused.value.case == "unreachable"


async def test_no_value_of_a_variable_is_in_an_error(railway: RailwayStandIn, api: Railway):
    """Railway's own words may repeat what was sent; ours never do."""
    with pytest.raises(RailwayError) as refused:
        await api.ask(VARIABLES_UPSERT, input={"projectId": "p", "variables": {"KEY": "canary-value"}, "nonsense": 1})
    assert refused.value.case == "refused"
    assert "canary-value" not in str(refused.value)
    railway.invalid.clear()


def test_the_pause_between_two_looks_lets_the_allowance_last():
    allowance, now = Allowance(), time.time()
    assert allowance.pause_s(now) == module.LOOK_S
    allowance.heard({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "90", "X-RateLimit-Reset": "3600"}, now)
    assert 40 < allowance.pause_s(now) <= 60
    allowance.heard({"X-RateLimit-Limit": "10000", "X-RateLimit-Remaining": "9990", "X-RateLimit-Reset": "3600"}, now)
    assert allowance.pause_s(now) == module.LOOK_S
    allowance.heard({"X-RateLimit-Reset": str(int((now + 60) * 1000))}, now)
    assert allowance.resets_at is not None
    assert abs(allowance.resets_at - now - 60) < 2


async def test_a_web_page_instead_of_the_api():
    from tests.kit.patients.addresses import answering

    async with answering(200, "<html>hello") as port, aiohttp.ClientSession() as session:
        with pytest.raises(RailwayError) as refused:
            await Railway(session, Token("bearer", NOBODY), f"http://127.0.0.1:{port}/graphql/v2").ask(ACCOUNT)
    assert refused.value.case == "not-the-api"


async def test_a_field_that_railway_has_lost_is_done_without(railway: RailwayStandIn, api: Railway):
    """The schema we know is of one day. What nothing depends on may go; the rest still holds."""
    railway.schema = without(
        ("Deployment", "sockets"), ("ServiceInstance", "railwayConfigFile"), ("Project", "workspaceId")
    )
    wanted = Wanted(Repository("owner/quick"))
    deployed = await apply(api, await identify(api), wanted)
    assert deployed.deployment_id is not None
    ended = await follow(api, deployed.deployment_id, wanted.settings)
    assert ended.diagnosis.is_good
    assert ended.deployment.ports == ()
    assert len([invalid for invalid in railway.invalid if "Cannot query field" in invalid]) == 3  # once each
    railway.invalid.clear()


async def test_a_field_that_is_needed_is_missed_aloud(railway: RailwayStandIn, api: Railway):
    railway.schema = without(("Deployment", "status"))
    wanted = Wanted(Repository("owner/quick"))
    with pytest.raises(RailwayError, match="status"):
        await apply(api, await identify(api), wanted)
    railway.invalid.clear()


async def test_what_a_token_may_not_know_is_done_without(railway: RailwayStandIn, api: Railway):
    railway.hides_environments = True
    wanted = Wanted(Repository("owner/quick"), {"SOME_KEY": "value"})
    await apply(api, await identify(api), wanted)
    assert railway.only_service().variables["SOME_KEY"] == "value"
    with_names = [asked for name, asked in railway.requests if name == "Variables" and asked["withNames"]]
    assert len(with_names) == 1


async def test_a_first_deployment_and_a_second_fit_into_the_hour_of_the_free_plan(
    railway: RailwayStandIn, api: Railway
):
    """A hundred requests an hour, of which the looks at the deployment take what is left."""
    railway.page_size = 100  # as many as Railway's own pages hold, or more
    wanted = Wanted(Repository("owner/quick"), {"SOME_KEY": "value"})
    for _ in range(2):
        who = await identify(api)
        await plan(api, who, wanted)
        await apply(api, who, wanted)
    assert len(railway.requests) <= 60
