"""Legal randomness: every call is different, the same seed is the same, and a client that is right never notices."""

from __future__ import annotations

import pytest
from tests.shell.offline.client import connected, settings
from tests.shell.offline.test_server import LOOK

from offhook.offline.faults import Faults
from offhook.offline.manners import Manners
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent
from offhook.offline.variety import OPTIONAL, varied

MIND = ScriptedMind(Script(turn=[Turn("hello", calls=[ScriptedCall("look")], then=["I see {look}."], thinks="Hm.")]))


def test_the_same_seed_is_the_same_choice_and_faults_stay() -> None:
    choices = [varied(7, index, Faults(refuse=503), Manners()) for index in range(200)]
    assert choices == [varied(7, index, Faults(refuse=503), Manners()) for index in range(200)]
    assert choices != [varied(8, index, Faults(refuse=503), Manners()) for index in range(200)]
    assert all(faults.refuse == 503 for faults, _ in choices)
    for kind in OPTIONAL:
        assert {kind in faults.omitted for faults, _ in choices} == {True, False}
    assert {manners.error_close for _, manners in choices} == {1000, 1005, 1011}
    for name in ("text_first", "report_first", "sparse_reports", "behavior", "acks", "refusal", "ids"):
        assert len({getattr(manners, name) for _, manners in choices}) == 2, name
    assert {faults.unknown for faults, _ in choices} == {True, False}
    assert {faults.odd_frames is None for faults, _ in choices} == {True, False}
    assert all(not faults.omitted - set(OPTIONAL) for faults, _ in choices)


@pytest.mark.parametrize("seed", range(3))
async def test_a_right_client_lives_with_all_of_it(seed: int) -> None:
    async with OfflineAgent(MIND, manners=Manners(variety=seed)) as agent:
        for _ in range(4):
            async with connected(agent) as client:
                await client.gets("Welcome")
                think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": [LOOK]}
                await client.sends(settings(think=think))
                await client.gets("SettingsApplied")
                await client.sends({"type": "InjectUserMessage", "content": "hello"})
                for function in (await client.gets("FunctionCallRequest"))["functions"]:
                    answer = {"id": function["id"], "name": function["name"], "content": "land"}
                    await client.sends({"type": "FunctionCallResponse", **answer})
                await client.gets("AgentAudioDone")
                await client.until(lambda c=client: len(c.audio) == len(tone("I see land.")))
                assert bytes(client.audio) == tone("I see land.")
                assert client.all("ConversationText")[-1]["content"] == "I see land."
