"""The road to a deployed service against the stand-in: made, proved, followed until a caller hears the greeting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN
from tests.kit.patients.railway import CUSTOM
from tests.kit.railway.project import PROJECT, answering, program, written
from tests.kit.railway.standin import RailwayStandIn
from tests.kit.railway.state import Service
from tests.kit.raw import until

from offhook.config.load import load
from offhook.errors import RailwayError
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.setup.doctor.checks import selfcall
from offhook.setup.railway import api as api_module
from offhook.setup.railway import follow as follow_module
from offhook.setup.railway.api import Railway, Token
from offhook.setup.railway.by_hand import pages
from offhook.setup.railway.follow import Followed, Told, follow
from offhook.setup.railway.health import wait_until_healthy
from offhook.setup.railway.identity import identify
from offhook.setup.railway.operations import ALL
from offhook.setup.railway.road import Deployed, apply, plan, verify
from offhook.setup.railway.wanted import Image, Repository, ServiceSettings, Wanted


async def test_from_nothing_to_a_heard_greeting(railway: RailwayStandIn, api: Railway, tmp_path: Path):
    railway.code.repositories["owner/voice"] = written(tmp_path / "voice", PROJECT)
    async with OfflineAgent(ScriptedMind()) as agent:
        variables = {
            "DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT,
        }  # fmt: skip
        wanted = Wanted(Repository("owner/voice"), variables)
        who = await identify(api)
        planned = await plan(api, who, wanted)
        assert planned[0].startswith("create the project")
        assert railway.projects == []
        deployed = await apply(api, who, wanted)
        told: list[str] = []
        ended = await follow(api, deployed.deployment_id, wanted.settings, lambda line: told.append(line.text))
        assert ended.diagnosis.is_good, (ended, told)
        assert "success" in told
        assert any("agent_checked" in line for line in told)
        assert await plan(api, who, wanted) == []
        again = await apply(api, who, wanted)
        assert (again.changes, again.deployment_id) == ((), deployed.deployment_id)
        settings = load(environ={**variables, "OFFHOOK_PUBLIC_URL": deployed.domain.url}, folder=tmp_path).settings
        report = await selfcall.call(deployed.domain.url, settings)
        assert selfcall.steps_of(report).heard_ms, report


QUICK = Wanted(Repository("owner/quick"), {"SOME_KEY": "canary-value-9"})


async def made(api: Railway, wanted: Wanted = QUICK) -> tuple[Deployed, Followed]:
    """Apply and follow to the end."""
    deployed = await apply(api, await identify(api), wanted)
    assert deployed.deployment_id is not None
    return deployed, await follow(api, deployed.deployment_id, wanted.settings)


async def test_the_service_is_empty_until_it_has_everything(railway: RailwayStandIn, api: Railway):
    await made(api)
    order = [name for name, _ in railway.requests]
    mutations = [name for name in order if name in {o.name for o in ALL if o.is_mutation}]
    assert mutations == [
        "ProjectCreate", "ServiceCreate", "VariablesUpsert", "VariablesUpsert", "ServiceUpdate",
        "ServiceDomainCreate", "ServiceConnect", "Deploy", "VariablesUpsert",
    ]  # fmt: skip
    created = next(variables for name, variables in railway.requests if name == "ServiceCreate")
    assert set(created["input"]) == {"projectId", "environmentId", "name"}
    upserts = [variables["input"] for name, variables in railway.requests if name == "VariablesUpsert"]
    assert all(each["skipDeploys"] is True and each["replace"] is False for each in upserts)
    deployment = railway.only_service().deployments[0]
    assert deployment.variables["RAILWAY_PUBLIC_DOMAIN"] == railway.only_service().public_domain
    assert deployment.settings["drainingSeconds"] == QUICK.settings.draining_seconds


async def test_a_change_is_planned_made_and_deployed(railway: RailwayStandIn, api: Railway):
    first, _ = await made(api)
    settings = ServiceSettings(draining_seconds=600, num_replicas=2)
    wanted = replace(QUICK, variables={"SOME_KEY": "another"}, settings=settings, port=9000)
    planned = await plan(api, await identify(api), wanted)
    assert planned == [
        "set the variable PORT",
        "set the variable SOME_KEY",
        "drainingSeconds is 300, should be 600",
        "numReplicas is not set, should be 2",
        f"let {first.domain.name} lead to port 9000",
        "deploy",
    ]
    second, ended = await made(api, wanted)
    assert ended.diagnosis.is_good
    assert ended.deployment.instances == ("RUNNING", "RUNNING")
    assert second.deployment_id != first.deployment_id
    old, new = railway.only_service().deployments
    await until(lambda: (old.status, new.status) == ("REMOVED", "SUCCESS"), 60)
    replaced = await follow(api, old.id, wanted.settings)
    assert replaced.diagnosis.cause == "superseded"
    assert new.id in replaced.diagnosis.said


async def test_what_others_set_is_left_alone(railway: RailwayStandIn, api: Railway):
    await made(api)
    service = railway.only_service()
    service.variables |= {"THEIRS": "kept", "SEALED": "unseen"}
    service.sealed.add("SEALED")
    service.settings["rootDirectory"] = "/voice"
    wanted = replace(QUICK, variables={"SEALED": "whatever it is"})
    assert await plan(api, await identify(api), wanted) == []
    assert service.variables["THEIRS"] == "kept"


@pytest.mark.parametrize("ignored", ["drainingSeconds", "healthcheckPath", "sleepApplication", "restartPolicyType"])
async def test_a_setting_that_does_not_stick_is_noticed(railway: RailwayStandIn, api: Railway, ignored: str):
    who = await identify(api)
    await apply(api, who, replace(QUICK, source=None))
    railway.only_service().settings |= {"sleepApplication": True, "restartPolicyType": "NEVER", "drainingSeconds": 0}
    railway.only_service().settings["healthcheckPath"] = "/nowhere"
    railway.ignored_settings.add(ignored)
    with pytest.raises(RailwayError) as refused:
        await apply(api, who, QUICK)
    assert refused.value.case == "did-not-stick"
    assert ignored in refused.value.said
    assert railway.only_service().deployments == []


async def test_connected_and_set_by_hand_is_verified_by_the_same_reading(railway: RailwayStandIn, api: Railway):
    """Somebody follows the printed pages in Railway's own dashboard; what they forgot is named."""
    who = await identify(api)
    lines = pages(QUICK)
    text = "\n".join(lines)
    assert "PORT=8080" in text
    assert "canary-value-9" not in text
    for words in ("Healthcheck Path: /readyz", "Draining Seconds", "300", "owner/quick", "target port 8080"):
        assert words in text
    service = Service("offhook", railway.project(), repo="owner/quick", branch="main")
    service.project.services.append(service)
    service.variables |= {"PORT": "8080"}
    service.settings |= {"healthcheckPath": "/readyz", "healthcheckTimeout": 120, "overlapSeconds": 10}
    found = await verify(api, who, QUICK)
    assert found == [
        "set the variable SOME_KEY",
        "drainingSeconds is 0, should be 300",
        "create a domain that leads to port 8080",
    ]
    service.variables["SOME_KEY"] = "canary-value-9"
    service.settings |= {"drainingSeconds": 300}
    await railway.add_domain(service, 8080)
    assert await verify(api, who, QUICK) == []
    assert {name for name, _ in railway.requests} & {o.name for o in ALL if o.is_mutation} == set()


async def test_databases_are_made_once_and_referred_to(railway: RailwayStandIn, api: Railway):
    railway.template_s = 0.1
    wanted = replace(QUICK, databases=("postgres", "redis"), settings=ServiceSettings(num_replicas=2))
    assert "create postgres from Railway's template" in await plan(api, await identify(api), wanted)
    await made(api, wanted)
    await made(api, wanted)
    (project,) = railway.projects
    assert sorted(service.name for service in project.services) == ["Postgres", "Redis", "offhook"]
    assert project.service("offhook").variables["DATABASE_URL"] == "${{Postgres.DATABASE_URL}}"
    started = project.service("offhook").deployments[0].variables
    assert started["REDIS_URL"].startswith("redis://")


async def test_a_reference_to_nothing_is_noticed_before_anything_is_deployed(railway: RailwayStandIn, api: Railway):
    wanted = replace(QUICK, variables={"DATABASE_URL": "${{postgres.DATABASE_URL}}"})
    with pytest.raises(RailwayError) as refused:
        await made(api, wanted)
    assert refused.value.case == "empty-variables"
    assert "DATABASE_URL" in refused.value.said
    assert railway.only_service().deployments == []


async def test_an_image_instead_of_a_repository(railway: RailwayStandIn, api: Railway):
    railway.code.images["ghcr.io/owner/voice:1"] = railway.code.repositories["owner/quick"]
    _, ended = await made(api, replace(QUICK, source=Image("ghcr.io/owner/voice:1")))
    assert ended.diagnosis.is_good


async def test_a_project_token_needs_its_project_only(railway: RailwayStandIn, api: Railway):
    project = railway.project("something else")
    mine = Railway(api._session, Token("project", railway.project_token(project)), railway.url, look_s=0.02)
    _, ended = await made(mine, replace(QUICK, project="whatever"))
    assert ended.diagnosis.is_good
    assert [each.name for each in railway.projects] == ["something else"]


async def test_a_service_that_connecting_deploys_is_not_deployed_twice_by_us(railway: RailwayStandIn, api: Railway):
    """Railway does not document whether connecting a source, or a setting, deploys by itself: both must do."""
    railway.connect_deploys = railway.updates_deploy = True
    _, ended = await made(api)
    assert ended.diagnosis.is_good
    assert len(railway.only_service().deployments) == 1


async def test_the_log_is_told_whole_and_once(railway: RailwayStandIn, api: Railway, tmp_path: Path):
    lines = "\n".join(f"print('line {n}', flush=True)" for n in range(250))
    files = answering()
    files["main.py"] = lines + files["main.py"]
    railway.code.repositories["owner/quick"] = written(tmp_path / "talks", files)
    deployed = await apply(api, await identify(api), QUICK)
    assert deployed.deployment_id is not None
    told: list[str] = []
    await follow(api, deployed.deployment_id, QUICK.settings, lambda line: told.append(line.text))
    said = [line for line in told if line.startswith("line ")]
    assert said == [f"line {n}" for n in range(250)]


async def test_a_log_that_comes_late_is_still_told(railway: RailwayStandIn, api: Railway):
    """Railway's own client was seen to end before the error of a build had arrived (railwayapp/cli, 1222)."""
    railway.logs_are_late = True
    railway.life.build_error = ["step 4", "ERROR: no matching distribution"]
    _, ended = await made(api)
    assert ended.diagnosis.cause == "build-failed"
    assert "no matching distribution" in ended.diagnosis.said


async def test_a_build_log_that_is_not_there_yet_does_not_end_it(railway: RailwayStandIn, api: Railway):
    """Railway refuses the log of a build that waits in its queue (railwayapp/cli, 543 and 868)."""
    railway.life.going.clear()
    deployed = await apply(api, await identify(api), QUICK)
    assert deployed.deployment_id is not None
    told: list[Told] = []
    following = asyncio.ensure_future(follow(api, deployed.deployment_id, QUICK.settings, told.append))
    await until(lambda: ("Progress", False) in [(name, asked.get("withBuild")) for name, asked in railway.requests])
    railway.life.going.set()
    assert (await following).diagnosis.is_good
    assert ("build", "Using Detected Dockerfile") in [(line.kind, line.text) for line in told]
    assert ("run", "up") in [(line.kind, line.text) for line in told]


async def test_an_outage_in_between_is_waited_out(railway: RailwayStandIn, api: Railway, monkeypatch):
    """A deployment takes minutes, and a laptop loses its network for seconds: no reason to stop looking."""
    monkeypatch.setattr(api_module, "PAUSE_S", 0.0)
    deployed = await apply(api, await identify(api), QUICK)
    assert deployed.deployment_id is not None
    gone = iter([502] * 20)
    railway.refuses = lambda name: next(gone, None) if name == "Progress" else None
    assert (await follow(api, deployed.deployment_id, QUICK.settings)).diagnosis.is_good
    railway.refuses = lambda _: 502
    monkeypatch.setattr(follow_module, "OUTAGE_S", 0.1)
    with pytest.raises(RailwayError, match="answers 502"):
        await follow(api, deployed.deployment_id, QUICK.settings)


async def test_without_its_keys_nothing_is_made(railway: RailwayStandIn, api: Railway):
    who = await identify(api)
    wanted = replace(QUICK, required=("SOME_KEY", "ANOTHER_KEY"))
    with pytest.raises(RailwayError, match=r"without ANOTHER_KEY; put these into \.env"):
        await plan(api, who, wanted)
    assert "set the variable ANOTHER_KEY" in await verify(api, who, wanted)
    assert railway.projects == []
    await made(api)
    for given, sealed in (("", set()), ("their own", set()), ("unseen", {"ANOTHER_KEY"})):
        railway.only_service().variables["ANOTHER_KEY"] = given
        railway.only_service().sealed = sealed
        if given:
            assert await plan(api, who, wanted) == []
            assert await verify(api, who, wanted) == []
        else:
            assert await verify(api, who, wanted) == ["set the variable ANOTHER_KEY"]


@pytest.mark.parametrize("own_first", [True, False])
async def test_with_two_domains_the_address_is_the_one_the_server_believes_in(
    railway: RailwayStandIn, api: Railway, own_first: bool
):
    """Which of them RAILWAY_PUBLIC_DOMAIN names is not documented, and signatures cover the address."""
    await made(api)
    service = railway.only_service()
    own = await railway.add_domain(service, 8080, CUSTOM)
    if own_first:
        service.domains.reverse()
    deployed = await apply(api, await identify(api), QUICK)
    assert deployed.domain.name == service.public_domain
    service.variables["OFFHOOK_PUBLIC_URL"] = f"http://{own.name}/"
    assert (await apply(api, await identify(api), QUICK)).domain.name == own.name


async def test_a_repositorys_name_is_the_same_in_any_case(railway: RailwayStandIn, api: Railway):
    """GitHub takes a name in any case, and Railway may show the one that GitHub has."""
    await made(api)
    railway.only_service().repo = "Owner/Quick"
    assert await plan(api, await identify(api), QUICK) == []


FAILURES = {
    "build-failed": answering(),
    "no-dockerfile": {"voice.txt": ""},
    "crashed": program("raise SystemExit('no such thing')"),
    "exited-0": program("print('done')"),
    "health-unreachable": program("import time\ntime.sleep(600)"),
    "health-path": answering(404),
    "health-failed": answering(503),
}


@pytest.mark.parametrize("cause", FAILURES)
async def test_every_failure_is_told_apart(railway: RailwayStandIn, api: Railway, tmp_path: Path, cause: str):
    railway.code.repositories["owner/quick"] = written(tmp_path / "broken", FAILURES[cause])
    railway.life.build_error = ["ERROR: no matching distribution"] if cause == "build-failed" else []
    railway.life.pace.wrong_answers = 3
    path = None if cause == "exited-0" else "/readyz"
    window = 2 if cause == "health-unreachable" else 60
    settings = ServiceSettings(healthcheck_path=path, restart_policy_max_retries=2, healthcheck_timeout=window)
    deployed = await apply(api, await identify(api), replace(QUICK, settings=settings))
    assert deployed.deployment_id is not None
    if cause == "exited-0":  # before that it runs, and nothing is wrong with it
        (it,) = railway.only_service().deployments
        await until(lambda: [each.status for each in it.containers] == ["EXITED"], 60)
    ended = await follow(api, deployed.deployment_id, settings)
    assert ended.diagnosis.cause == cause, ended
    assert ended.diagnosis.fix
    if cause == "crashed":
        assert "no such thing" in ended.diagnosis.said


async def test_wrong_settings_of_offhook_are_named_in_full(railway: RailwayStandIn, api: Railway, tmp_path: Path):
    railway.code.repositories["owner/quick"] = written(tmp_path / "voice", PROJECT)
    wanted = Wanted(
        Repository("owner/quick"),
        {"DEEPGRAM_API_KEY": "your-key-here", "OFFHOOK_LIMITS__CALLS": "-1"},
        settings=ServiceSettings(restart_policy_max_retries=1),
    )
    _, ended = await made(api, wanted)
    assert ended.diagnosis.cause == "crashed-settings"
    assert "deepgram.api_key" in ended.diagnosis.said
    assert "limits.calls" in ended.diagnosis.said


async def test_what_people_and_platform_do_afterwards_is_told_apart(railway: RailwayStandIn, api: Railway):
    deployed, _ = await made(api)
    (it,) = railway.only_service().deployments

    async def cause() -> str:
        assert deployed.deployment_id is not None
        return (await follow(api, deployed.deployment_id, QUICK.settings)).diagnosis.cause

    await railway.life.put_to_sleep(it)
    assert await cause() == "sleeping"
    assert await plan(api, await identify(api), QUICK) == ["deploy"]
    railway.life.wake(it)
    await until(lambda: it.containers[0].status == "RUNNING", 60)
    assert await cause() == "ok"
    await railway.life.stop(it)
    assert await cause() == "stopped"
    await railway.life.remove(it)
    assert await cause() == "removed"
    it.becomes("SKIPPED")
    assert await cause() == "skipped"
    it.becomes("NEEDS_APPROVAL")
    assert await cause() == "needs-approval"


async def test_a_branch_that_does_not_exist(railway: RailwayStandIn, api: Railway):
    railway.code.branches["owner/quick"] = {"trunk"}
    _, ended = await made(api)
    assert ended.diagnosis.cause == "source"


async def test_a_repository_that_railway_may_not_read(railway: RailwayStandIn, api: Railway):
    with pytest.raises(RailwayError, match=r"not found.*let Railway's GitHub app see it"):
        await made(api, replace(QUICK, source=Repository("owner/secret")))


async def test_our_own_repository_deploys_as_it_is(railway: RailwayStandIn, api: Railway):
    railway.code.repositories["owner/offhook"] = Path(__file__).parents[3]
    variables = {"DEEPGRAM_API_KEY": API_KEY, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}
    async with OfflineAgent(ScriptedMind()) as agent:
        wanted = Wanted(Repository("owner/offhook"), {**variables, "DEEPGRAM_AGENT_URL": agent.url})
        deployed, ended = await made(api, wanted)
        assert ended.diagnosis.is_good, ended
        async with aiohttp.ClientSession() as session:
            await wait_until_healthy(session, deployed.domain.url)
        (container,) = railway.only_service().deployments[0].containers
        assert (container.port, railway.life.commands[0][1:]) == (8080, ["-m", "offhook", "serve"])
        await railway.life.remove(railway.only_service().deployments[0])
        said = [line.message for line in railway.only_service().deployments[0].run]
        assert any(line.startswith("stopped: SIGTERM on Railway") for line in said), said


async def test_an_edge_without_a_server_behind_it_is_told_apart(railway: RailwayStandIn, api: Railway):
    deployed, _ = await made(api)
    async with aiohttp.ClientSession() as session:
        railway.only_service().domains[0].target_port = 3000
        with pytest.raises(RailwayError) as refused:
            await wait_until_healthy(session, deployed.domain.url, within_s=0)
        assert refused.value.case == "edge-502"
        await railway.life.remove(railway.only_service().deployments[0])
        with pytest.raises(RailwayError) as refused:
            await wait_until_healthy(session, deployed.domain.url, within_s=0)
        assert refused.value.case == "edge-404"


async def test_what_has_ended_is_deployed_again_and_what_runs_only_when_asked(
    railway: RailwayStandIn, api: Railway, tmp_path: Path
):
    _, ended = await made(api)
    assert ended.diagnosis.is_good
    who = await identify(api)
    again = await apply(api, who, QUICK, again=True)
    assert again.changes == (f"deployment {again.deployment_id} started",)
    newest = railway.only_service().deployments[-1]
    await until(lambda: newest.status == "SUCCESS", 60)
    newest.containers[0].status = "EXITED"  # as a process that ends with code 0
    assert await plan(api, who, QUICK) == ["deploy"]
    _, ended = await made(api)
    assert ended.diagnosis.is_good
    assert len(railway.only_service().deployments) == 3


async def test_a_port_behind_a_domain_is_corrected_without_a_deployment(railway: RailwayStandIn, api: Railway):
    first, _ = await made(api)
    railway.only_service().domains[0].target_port = 3000
    assert await plan(api, await identify(api), QUICK) == [f"let {first.domain.name} lead to port 8080"]
    second, _ = await made(api)
    assert second.deployment_id == first.deployment_id
    assert second.domain.target_port == 8080
