"""The page of the simulated Twilio names every knob, every verb and every file it claims to have."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from offhook.sim.behaviour import Behaviour
from offhook.sim.grammar import VERBS
from offhook.sim.life import Life
from offhook.sim.network import PROFILES, Network
from offhook.sim.outbound import Detection, Pickup
from offhook.sim.plan import DialOutcome, QueueOutcome

PAGE = (Path(__file__).parents[2] / "docs" / "topics" / "simulated-twilio.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
WORDS = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`]+)`", PROSE))))


@pytest.mark.parametrize("kind", [Behaviour, Network, Life, DialOutcome, QueueOutcome, Pickup, Detection])
def test_every_knob_is_named(kind: type):
    assert {field.name for field in dataclasses.fields(kind)} <= WORDS


def test_every_verb_and_every_profile_is_named():
    assert VERBS.keys() <= WORDS
    assert PROFILES.keys() <= WORDS


def test_what_it_imports_is_there():
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    for line in code[1].splitlines():
        if line.startswith("from "):
            exec(line, {})
