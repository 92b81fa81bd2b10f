"""Scenarios at bridges that are not ours: a right one passes, one with a known defect fails with the defect's name."""

from __future__ import annotations

import pytest
from tests.kit.known_bad.bridge import Bridge as ForeignBridge
from tests.kit.ports import free_port
from tests.kit.wound import in_wound_time

from offhook.scenario.catalogue import find_all
from offhook.scenario.suite import Outcome, run_suite
from offhook.scenario.world import Bridge, Stage

TOKEN = "fedcba9876543210" * 2
PUBLIC = "https://bridge.example.com"


async def perform(defect: str | None, *names: str) -> list[Outcome]:
    unused_port = free_port()
    agent_url = f"ws://127.0.0.1:{unused_port}/v1/agent/converse"
    async with ForeignBridge(agent_url, TOKEN, PUBLIC, defect) as bridge:
        url = f"http://127.0.0.1:{bridge.port}/voice"
        world = Bridge(url, unused_port, TOKEN, public=PUBLIC)
        return await run_suite(find_all(list(names)), Stage(world))


@in_wound_time
async def test_a_right_bridge_passes():
    names = ("answers-a-question", "interrupts-an-answer", "odd-frames", "no-connected", "marks-twice")

    outcomes = await perform(None, *names, "no-signature")

    assert [(outcome.result, list(outcome.reasons)) for outcome in outcomes] == [("passed", [])] * 6
    assert outcomes[0].untold == ("cause, heard: only offhook's own server tells",)


@pytest.mark.parametrize(
    ("defect", "name", "finding"),
    [
        ("no clear", "interrupts-an-answer", "no-clear"),
        ("gathers 400 ms", "silent-caller", "caller-audio-gathered"),
        ("query string", "answers-a-question", "stream-url-query"),
        ("mark without name", "answers-a-question", "mark-without-name"),
    ],
)
@in_wound_time
async def test_a_known_defect_is_named(defect, name, finding):
    (outcome,) = await perform(defect, name)

    assert outcome.result == "failed"
    assert any(f"the judge found {finding}" in reason for reason in outcome.reasons), outcome.reasons
