"""`GET /twilio/watch`: the steps of a real call, for the holder of the auth token and for nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.bridge import AUTH_TOKEN, PUBLIC, Bridge, bridged
from tests.kit.raw import WAIT_S, until
from twilio.request_validator import RequestValidator

from offhook.offline.faults import Faults
from offhook.sim.identity import CallIdentity

PATH = "/twilio/watch"
STEPS = ["webhook", "agent", "stream", "greeting", "heard"]


async def watch(bridge: Bridge, token: str | None = AUTH_TOKEN, path: str = PATH) -> tuple[int, str]:
    signature = RequestValidator(token or "").compute_signature(PUBLIC + path, {})
    headers = {"X-Twilio-Signature": signature} if token else {}
    async with bridge.session.get(bridge.base + path, headers=headers) as answer:
        return answer.status, await answer.text()


async def calls(bridge: Bridge) -> list[dict[str, Any]]:
    status, text = await watch(bridge)
    assert status == 200
    return list(json.loads(text)["calls"])


async def test_a_call_is_told_step_by_step_until_the_greeting_was_heard_and_how_it_ended():
    who = CallIdentity()
    async with bridged() as bridge:
        assert await calls(bridge) == []
        async with await bridge.call(who) as client:
            await client.wait_until(lambda: client.heard, WAIT_S)
            live: list[dict[str, Any]] = []

            async def is_heard() -> bool:
                nonlocal live
                live = await calls(bridge)
                return "heard" in live[0]["steps"]

            while not await is_heard():
                pass
            assert [call["call"] for call in live] == [who.call_sid]
            assert sorted(live[0]["steps"]) == sorted(STEPS)
            assert live[0]["ended"] is None
            await client.hang_up()
        await bridge.cause(who.call_sid)
        (over,) = await calls(bridge)
        assert over["ended"] == {
            "result": "completed",
            "reason": "caller_hung_up",
            "words": "the caller hung up",
        }
        assert over["steps"] == live[0]["steps"]
        text = (await watch(bridge))[1]
        assert who.caller not in text
        assert who.called not in text


async def test_an_agent_that_refuses_us_is_named():
    who = CallIdentity()
    async with bridged(faults=Faults(refuse=401)) as bridge:
        async with await bridge.call(who) as client:
            await client.wait_ended(WAIT_S)
        await until(lambda: bridge.causes(who.call_sid))
        (call,) = await calls(bridge)
        assert call["ended"]["result"] == "agent_error"
        assert call["ended"]["words"]
        assert not {"agent", "greeting", "heard"} & call["steps"].keys()


@pytest.mark.parametrize("token", [None, AUTH_TOKEN[::-1]], ids=["unsigned", "another token"])
async def test_strangers_are_told_nothing(token: str | None):
    async with bridged() as bridge:
        status, text = await watch(bridge, token)
        assert status == 403
        assert "calls" not in text


async def test_a_signature_is_good_for_its_own_url_only():
    async with bridged() as bridge:
        signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC}/twilio/voice", {})
        async with bridge.session.get(bridge.base + PATH, headers={"X-Twilio-Signature": signature}) as answer:
            assert answer.status == 403


async def test_without_an_auth_token_this_machine_may_look():
    async with bridged(signed=False) as bridge:
        status, text = await watch(bridge, None)
        assert (status, json.loads(text)) == (200, {"calls": []})
