"""Behaviour from a file: everything is reachable, everything that is not known is an error that names its place."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from offhook.errors import ConfigError
from offhook.offline import faults as f
from offhook.offline import messages as m
from offhook.offline.behaviour import ACTIONS, behaviour, load_behaviour
from offhook.offline.handshake import read_keys
from offhook.offline.manners import Manners
from offhook.offline.script import load_behaviour_of, load_script


def plain(value: Any) -> Any:
    """Return a value as a file would hold it."""
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return sorted(value) if isinstance(value, frozenset) else value


def test_every_manner_and_every_fault_can_be_written_in_a_file() -> None:
    whole = {k: v for k, v in plain(Manners()).items() if v is not None}
    whole["timers"] = {k: v for k, v in whole["timers"].items() if v is not None}
    assert behaviour({"manners": whole}).manners == Manners()
    given = {k: v for k, v in plain(f.Faults()).items() if v is not None and k != "at"}
    assert behaviour({"faults": [given]}).faults(0) == f.Faults()
    for word, action in ACTIONS.items():
        table = {"moment": "Welcome", "nth": 2, "audio_ms": 20, "delay_s": 0.5, "do": word}
        made = behaviour({"faults": [{"at": [table]}]}).faults(0).at
        assert made == ((f.At("Welcome", 2, 20, 0.5), action()),)
    assert set(ACTIONS.values()) == set(get_args(f.Action))


def test_what_is_sent_may_be_text_or_bytes() -> None:
    tables = [{"do": "send", "what": "x"}, {"do": "send", "hex": "00fF"}]
    made = behaviour({"faults": [{"at": tables}]}).faults(0).at
    assert made == ((f.At(), f.Send("x")), (f.At(), f.Send(hex="00fF")))


def test_the_moments_are_the_messages_that_are_received_and_sent() -> None:
    assert set(get_args(f.Received)) == {kind.__struct_config__.tag for kind in get_args(m.ClientMessage)}
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(m.__file__).parent.glob("*.py"))
    sent = set(re.findall(r'"type": "(\w+)"', sources)) - {"EndOfThought"}
    by_update = {f"{part}Updated" for part in ("Listen", "Prompt", "Speak", "Think", "ThinkLive")}
    assert set(get_args(f.Sent)) >= sent | by_update


def test_faults_hold_for_their_connections_and_add_up() -> None:
    said = behaviour(
        {
            "faults": [
                {"gap_s": 1.5, "at": [{"moment": "Welcome", "do": "stall"}]},
                {"calls": [2], "gap_s": 2, "omitted": ["History"], "at": [{"do": "die", "how": "eof"}]},
            ]
        }
    ).faults
    stall = (f.At("Welcome"), f.Stall())
    assert said(0) == f.Faults(gap_s=1.5, at=(stall,))
    assert said(1) == f.Faults(gap_s=2, omitted=frozenset({"History"}), at=(stall, (f.At(), f.Die("eof"))))
    assert said(2) == said(0)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"manners": {"polite": True}}, "manners.polite: there is no such field"),
        ({"manners": {"timers": {"idle_s": "long"}}}, "manners.timers.idle_s"),
        ({"manners": []}, "manners must be a table"),
        ({"faults": {}}, "faults must be a list"),
        ({"faults": [1]}, "faults[0] must be a table"),
        ({"faults": [{"calls": [0]}]}, "faults[0].calls"),
        ({"faults": [{"refuse": "no"}]}, "faults[0].refuse"),
        ({"faults": [{"at": {}}]}, "faults[0].at must be a list"),
        ({"faults": [{"at": [1]}]}, "faults[0].at[0] must be a table"),
        ({"faults": [{"at": [{"do": "die", "how": "softly"}]}]}, "faults[0].at[0].how"),
        ({"mood": {}}, "`mood` is no table of behaviour"),
        ({"faults": [{"refuse": 700}]}, "faults[0].refuse"),
        ({"faults": [{"frame_bytes": 0}]}, "faults[0].frame_bytes"),
        ({"faults": [{"gap_s": -1}]}, "faults[0].gap_s"),
        ({"faults": [{"omitted": ["Histroy"]}]}, "; there are History"),
        ({"faults": [{"at": [{"do": "stall", "moment": "AgentStartedSpeakin"}]}]}, "; there are AgentStartedSpeaking"),
        ({"faults": [{"at": [{"do": "die", "code": 70000}]}]}, "faults[0].at[0].code"),
        ({"faults": [{"at": [{"do": "send", "hex": "0"}]}]}, "faults[0].at[0].hex"),
        ({"faults": [{"at": [{"do": "storm", "per_second": 0}]}]}, "faults[0].at[0].per_second"),
        ({"manners": {"pace": {"frame_bytes": 0}}}, "manners.pace.frame_bytes"),
        ({"manners": {"refusal": "loud"}}, "manners.refusal: Invalid enum value 'loud'; there are message, warning"),
        ({"manners": {"error_close": 1}}, "manners.error_close"),
    ],
)
def test_what_is_wrong_is_named(tree: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "behave.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(ConfigError) as wrong:
        load_behaviour(path)
    assert said in str(wrong.value)


def test_a_script_may_hold_behaviour_too(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text("greeting = 'Hi.'\n[manners]\nvariety = 3\n[[faults]]\ndeaf = true\n")
    assert load_script(path)[0].greeting == "Hi."
    assert load_behaviour_of(path).manners.variety == 3
    assert load_behaviour_of(path).faults(0).deaf
    path.write_text("[manners]\nvariety = 'x'")
    with pytest.raises(ConfigError, match=r"script script\.toml: manners\.variety"):
        load_behaviour_of(path)


def test_keys_of_a_file() -> None:
    assert read_keys("a\n\n# none\nb user # mine\n") == {"a": "member", "b": "user"}
    with pytest.raises(ValueError, match="line 2"):
        read_keys("a\nb lord\n")
