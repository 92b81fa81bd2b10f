"""`--agent real`: the server dials the agent it is configured for. Here that is a speaking one at another address."""

from __future__ import annotations

import asyncio

import pytest
from tests.kit.scenarios import told

from offhook.offline.server import OfflineAgent
from offhook.offline.speech.mind import SpeakingMind
from offhook.scenario.catalogue import find_all
from offhook.scenario.reading import load
from offhook.scenario.suite import Outcome, run_suite
from offhook.scenario.world import Own, Speech, Stage

TALKS = """
[caller]
steps = [{ do = "wait_for_agent" }, { do = "say", text = "Hello, when are you open?" }, { do = "wait_for_agent" }]
[expect]
understood = ["when are you open"]
says = ["Monday"]
agent_sockets = 5
"""
PROJECT = """
[agent]
greeting = "Larkfield Dental."
prompt = "You answer for Larkfield Dental. Hours: Monday to Friday from 8:30 to 18:00."
"""


@pytest.mark.speech
@pytest.mark.slow
def test_words_are_expected_of_it_and_scripts_are_not(tmp_path):
    (tmp_path / "offhook.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "talks.toml").write_text(TALKS, encoding="utf-8")

    async def perform() -> list[Outcome]:
        mind = SpeakingMind()
        async with OfflineAgent(mind) as vendor:
            environ = {"DEEPGRAM_API_KEY": "0" * 40, "DEEPGRAM_AGENT_URL": vendor.url}
            world = Own(folder=tmp_path, environ=environ, is_real=True)
            speech = Speech(mind, lambda text: mind.synthesise_line(text, caller=True))
            return await run_suite([load(tmp_path / "talks.toml"), *find_all(["stalls"])], Stage(world, speech))

    talked, scripted = asyncio.run(perform())

    assert told([talked]) == [("passed", [])]
    assert talked.untold == ("agent_sockets: nobody watches the real agent",)
    assert told([scripted]) == [("skipped", ["scripted: it needs the offline agent, not the real one"])]
