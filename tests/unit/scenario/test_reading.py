"""Scenario files: strict, every problem at once, each with its place; what `offhook dial` took before stays good."""

from __future__ import annotations

import json
from typing import get_args

import jsonschema
import pytest

from offhook.offline.faults import At, Die, Send, StopReading
from offhook.scenario.agents import faults_of
from offhook.scenario.catalogue import folder
from offhook.scenario.reading import ScenarioError, load, load_all
from offhook.scenario.schema import schema
from offhook.sim.scenario import FileStep, PauseStep, SayStep

STEPS = ", ".join(step.__struct_config__.tag for step in get_args(FileStep))
OLD = """
title = "Asks, interrupts, leaves"
from = "+14155550123"
to = "+15005550006"
parameters = { agent = "sales" }
[[steps]]
do = "wait_for_agent"
[[steps]]
do = "say"
text = "Hello"
"""


def read(tmp_path, text: str, name: str = "s.toml"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return load(tmp_path / name).scenario


def problems(tmp_path, text: str, name: str = "s.toml") -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, text, name)
    return caught.value.problems


def test_a_file_of_dial_is_a_scenario(tmp_path):
    who = read(tmp_path, OLD).who

    assert (who.caller, who.to, who.parameters) == ("+14155550123", "+15005550006", {"agent": "sales"})
    assert [type(step).__name__ for step in who.steps] == ["WaitForAgentStep", "SayStep"]


def test_json_is_the_same_file(tmp_path):
    tree = {"caller": {"from": "+14155550123", "steps": [{"do": "pause", "seconds": 1}, {"do": "say", "text": "Hi"}]}}

    who = read(tmp_path, json.dumps(tree), "s.json").who

    assert (who.caller, who.steps) == ("+14155550123", [PauseStep(seconds=1), SayStep(text="Hi")])


def test_all_problems_are_told_at_once_each_with_its_place(tmp_path):
    text = """
titel = "x"
[caller]
steps = [{ do = "say", texr = "a" }, { do = "hangup" }, { text = "s" }, { do = "pause", seconds = -1 }]
line = { jiter_ms = 3, marks = "nevr" }
[agent.faults]
refuse = "x"
[agent.manners.pace]
sped = 2
[[agent.at]]
do = "die"
how = "rest"
[expect]
within_s = "soon"
agent_gets = { KeepAlive = "one" }
"""

    assert problems(tmp_path, text) == (
        "s.toml: titel: is not known here; did you mean `title`?",
        "s.toml: caller.steps no. 1.texr: is not known here; did you mean `text`?",
        "s.toml: caller.steps no. 2.do: `hangup` is not known here; did you mean `hang_up`?",
        f"s.toml: caller.steps no. 3: `do` is missing: one of {STEPS}",
        "s.toml: caller.steps no. 4.seconds: must be a number > 0.0",
        "s.toml: caller.line.jiter_ms: is not known here; did you mean `jitter_ms`?",
        "s.toml: caller.line.marks: `nevr` is not known here; did you mean `never`?",
        "s.toml: agent.faults.refuse: must be a whole number, not text in quotes",
        "s.toml: agent.manners.pace.sped: is not known here; did you mean `speed`?",
        "s.toml: agent.at no. 1.how: `rest` is not known here; did you mean `reset`?",
        "s.toml: expect.within_s: must be a number, not text in quotes",
        "s.toml: expect.agent_gets.KeepAlive: must be a whole number or a table, not text in quotes",
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "[expect]\nfindings = ['no-clera']",
            "expect.findings no. 1: `no-clera` is no finding of the judge; did you mean",
        ),
        ("[expect]\ncomplaints = [31999]", "expect.complaints no. 1: the simulated Twilio has no complaint 31999"),
        ("steps = [{ do = 'say' }]", "steps no. 1: needs either `text` or `audio`"),
        ("from = '+1'\n[caller]\nfrom = '+2'", "from: is set here and in [caller]"),
        ("[agent]\nmind = 'speaking'\nscript_file = 'x.toml'", "agent.mind: a speaking mind follows no script"),
        ("[[steps]]\ndo = 'say'\ntext = 'a'\naudio = 'b'", "steps no. 1: needs either `text` or `audio`"),
        ("[[steps]]\ndo = 'press'\ndigits = 'x'", "steps no. 1.digits: "),
        ("caller = 3", "caller: must be a table, not a whole number"),
        ("steps = 3", "steps: must be a list, not a whole number"),
        ("steps = []", "steps: must"),
        ("= 3", "is not valid TOML"),
    ],
)
def test_what_only_sense_can_tell(tmp_path, text, place):
    (problem,) = problems(tmp_path, text)

    assert problem.startswith(f"s.toml: {place}") or place in problem


def test_broken_json_and_bytes_are_problems_not_tracebacks(tmp_path):
    assert "is not valid JSON" in problems(tmp_path, "{", "s.json")[0]
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="is not UTF-8"):
        load(tmp_path / "b.toml")


def test_a_folder_is_read_whole_and_its_problems_are_told_together(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.toml").write_text("x = 1", encoding="utf-8")
    (tmp_path / "inner" / "b.json").write_text('{"y": 1}', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_all([tmp_path])

    assert [problem.split(":")[0] for problem in caught.value.problems] == ["a.toml", "b.json"]


def test_what_is_no_scenario_in_a_folder_is_passed_over(tmp_path):
    (tmp_path / "good.toml").write_text(OLD, encoding="utf-8")
    for name in ("_agent.toml", "offhook.toml", "scenario.schema.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")

    assert [named.name for named in load_all([tmp_path])] == ["good"]


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(ScenarioError, match="no scenario in this folder"):
        load_all([tmp_path])


def test_moments_become_what_the_offline_agent_does(tmp_path):
    text = """
[agent.faults]
refuse = 503
refuse_times = 1
[[agent.at]]
moment = "AgentStartedSpeaking"
nth = 2
audio_ms = 300
do = "die"
how = "close"
code = 1011
[[agent.at]]
do = "stop_reading"
delay_s = 1.5
[[agent.at]]
do = "send"
what = "{}"
"""
    faults = faults_of(read(tmp_path, text).agent, checked=2)

    assert faults(1).refuse == 0  # the check at the server's start
    assert (faults(2).refuse, faults(3).refuse) == (503, 0)
    assert faults(3).at == (
        (At("AgentStartedSpeaking", nth=2, audio_ms=300), Die("close", 1011)),
        (At(delay_s=1.5), StopReading()),
        (At(), Send("{}")),
    )


@pytest.mark.parametrize("path", sorted(folder().glob("*.toml")), ids=lambda path: path.stem)
def test_the_schema_takes_the_library(path):
    import tomllib

    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema())


@pytest.mark.parametrize(
    "tree",
    [
        {"titel": "x"},
        {"caller": {"line": {"jiter_ms": 3}}},
        {"agent": {"faults": {"refuse": "x"}}},
        {"agent": {"at": [{"do": "dye"}]}},
        {"agent": {"manners": {"pace": {"sped": 2}}}},
        {"expect": {"within_s": 0}},
        {"steps": []},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(tmp_path, tree):
    assert problems(tmp_path, json.dumps(tree), "s.json")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema())


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())
