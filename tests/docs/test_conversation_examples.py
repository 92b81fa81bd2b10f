"""The scenarios of the how-to are performed as they are written; those that need models where there are models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.kit.scenarios import PASSED, perform_spoken, told

from offhook.scenario.reading import Named, load
from offhook.scenario.suite import run_suite
from offhook.scenario.world import Stage

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "test-conversations.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def examples(folder: Path) -> list[Named]:
    found = []
    for index, text in enumerate(EXAMPLES):
        (folder / f"example-{index}.toml").write_text(text, encoding="utf-8")
        found.append(load(folder / f"example-{index}.toml", is_ours=True))
    return found


@pytest.mark.slow
async def test_they_go_as_they_say(tmp_path):
    scripted = [one for one in examples(tmp_path) if one.scenario.agent.mind == "scripted"]

    outcomes = await run_suite(scripted, Stage())

    assert len(scripted) >= 3
    assert told(outcomes) == [PASSED] * len(scripted)


@pytest.mark.speech
@pytest.mark.slow
def test_so_do_those_with_ears_and_a_voice(tmp_path):
    spoken = [one for one in examples(tmp_path) if one.scenario.agent.mind == "speaking"]

    assert spoken
    assert told(perform_spoken(spoken)) == [PASSED] * len(spoken)
