"""The road to a deployed service against the stand-in: made, proved, followed until a caller hears the greeting."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN
from tests.kit.railway.project import PROJECT
from tests.kit.railway.standin import ACCOUNT_TOKEN, RailwayStandIn

from offhook.config.load import load
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.setup.doctor.checks import selfcall
from offhook.setup.railway.api import Railway, Token
from offhook.setup.railway.follow import follow
from offhook.setup.railway.identity import identify
from offhook.setup.railway.road import apply, plan
from offhook.setup.railway.wanted import Repository, Wanted


@pytest.fixture
async def railway(tmp_path: Path):
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    async with RailwayStandIn() as railway:
        railway.code.repositories["owner/voice"] = tmp_path
        yield railway
        assert railway.invalid == []


@pytest.fixture
async def api(railway: RailwayStandIn):
    async with aiohttp.ClientSession() as session:
        yield Railway(session, Token("bearer", ACCOUNT_TOKEN), railway.url, look_s=0.05)


async def test_from_nothing_to_a_heard_greeting(railway: RailwayStandIn, api: Railway, tmp_path: Path):
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
