"""Stored agents and their variables over REST, and a call that uses one."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from tests.shell.offline.client import KEY, connected, settings

from offhook.offline.manners import Manners
from offhook.offline.rules import Project
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent

BLOCK = '{"greeting": DG_GREETING, "think": DG_THINK, "context": {"messages": []}}'
THINK = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "prompt": 'Say "DG_GREETING".'}


class Rest:
    def __init__(self, http: aiohttp.ClientSession, agent: OfflineAgent) -> None:
        self.http, self.base = http, f"http://{agent.address}/v1/projects/p1"

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.base + path, json=body, **options) as answer:
            return answer.status, await answer.json()


async def test_an_agent_is_stored_used_changed_and_forgotten() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, aiohttp.ClientSession(headers=KEY) as http:
        rest = Rest(http, agent)
        status, made = await rest("POST", "/agents", {"config": BLOCK, "metadata": {"team": "a"}, "api_version": 1})
        assert (status, made["config"]["greeting"], made["metadata"]) == (200, "DG_GREETING", {"team": "a"})
        for key, value in (("DG_GREETING", "Stored hello."), ("DG_THINK", THINK)):
            new = {"key": key, "value": value, "is_sensitive": False}
            status, variable = await rest("POST", "/agent-variables", new)
            assert (status, variable["value"]) == (200, value)
        async with connected(agent) as client:
            await client.sends({**settings(), "agent": made["agent_id"]})
            assert (await client.gets("ConversationText"))["content"] == "Stored hello."
        path = f"/agents/{made['agent_id']}"
        assert (await rest("PUT", path, {"metadata": {"team": "b"}}))[1]["metadata"] == {"team": "b"}
        assert (await rest("PUT", path, {"config": "{}"}))[0] == 400
        assert [one["agent_id"] for one in (await rest("GET", "/agents"))[1]["agents"]] == [made["agent_id"]]
        assert (await rest("GET", path))[1]["config"]["think"] == "DG_THINK"
        assert (await rest("DELETE", path))[0] == 200
        assert (await rest("GET", path))[0] == 404
        async with connected(agent) as client:
            await client.sends({**settings(), "agent": made["agent_id"]})
            await client.is_closed()
            assert client.messages[-1]["code"] == "INVALID_AGENT_ID"


async def test_variables_are_changed_and_forgotten_and_belong_to_a_project() -> None:
    async with OfflineAgent(ScriptedMind()) as agent, aiohttp.ClientSession(headers=KEY) as http:
        rest = Rest(http, agent)
        _, made = await rest("POST", "/agent-variables", {"key": "DG_A", "value": 1, "is_sensitive": False})
        path = f"/agent-variables/{made['variable_id']}"
        assert (await rest("PATCH", path, {"value": [2]}))[1]["value"] == [2]
        assert (await rest("GET", path))[1]["key"] == "DG_A"
        assert len((await rest("GET", "/agent-variables"))[1]["variables"]) == 1
        other = Rest(http, agent)
        other.base = other.base.replace("p1", "p2")
        assert (await other("GET", path))[0] == 404
        assert (await other("GET", "/agent-variables"))[1] == {"variables": []}
        assert (await rest("DELETE", path))[0] == 200
        assert (await rest("DELETE", path))[0] == 404


async def test_what_is_wrong_is_said() -> None:
    async with OfflineAgent(ScriptedMind(), keys=["a-key"]) as agent, aiohttp.ClientSession() as http:
        rest = Rest(http, agent)
        for path, body, said in [
            ("/agents", {"config": {}}, "config must be a string"),
            ("/agents", {"config": "nonsense"}, "JSON text"),
            ("/agents", {"config": "[]"}, "object"),
            ("/agents", {"config": "{}", "metadata": {"a": 1}}, "map of strings"),
            ("/agents", [], "object"),
            ("/agent-variables", {"key": "lower", "value": 1, "is_sensitive": False}, "DG_"),
            ("/agent-variables", {"key": "DG_A", "value": 1, "is_sensitive": True}, "is_sensitive"),
            ("/agent-variables", {"key": "DG_A"}, "required"),
        ]:
            status, answer = await rest("POST", path, body, headers=KEY)
            assert (status, said in answer["err_msg"]) == (400, True), (path, body, answer)
        for headers in ({}, {"Authorization": "Token bad"}):
            assert (await rest("GET", "/agents", headers=headers))[0] == 401


async def test_a_service_without_accounts_has_no_agent_ids() -> None:
    manners = Manners(project=Project(agent_ids=False), agents={"an-id": {}})
    async with OfflineAgent(ScriptedMind(), manners=manners) as agent, connected(agent) as client:
        await client.sends(json.dumps({**settings(), "agent": "an-id"}))
        await client.is_closed()
        assert client.messages[-1]["code"] == "AGENT_ID_NOT_SUPPORTED"
