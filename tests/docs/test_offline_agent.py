"""docs/topics/offline-agent.md says what the code does: the script example loads, every fault is listed."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import msgspec

from offhook.offline import faults, script

PAGE = (Path(__file__).parents[2] / "docs" / "topics" / "offline-agent.md").read_text(encoding="utf-8")


def test_the_script_example_loads_and_shows_every_key() -> None:
    text = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    shown = msgspec.convert(tomllib.loads(text.group(1)), script.Script)
    assert shown.turn[0].calls[0].name == "find_slots"
    for shape in (script.Script, script.EarsPart, script.VoicePart, script.Turn, script.ScriptedCall):
        for name in shape.__struct_fields__:
            assert re.search(rf"\b{name}\b", text.group(1)), f"{name} is not in the example"


def test_every_fault_is_listed() -> None:
    section = PAGE[PAGE.index("## Faults") : PAGE.index("## Differences")]
    for field in dataclasses.fields(faults.Faults):
        assert f"`{field.name}`" in section, field.name
    for action in faults.Action.__args__:
        assert f"`{action.__name__}`" in section, action.__name__
