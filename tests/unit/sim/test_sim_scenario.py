"""Scenario files: strict, with errors a person understands."""

import json

import jsonschema
import pytest

from offhook.sim.caller import Beep, HangUp, Interrupt, LoseLine, Pause, Press, Say, WaitForAgent, WaitForHangUp
from offhook.sim.scenario import ScenarioError, json_schema, load, prepare

EVERYTHING = """
title = "Everything"
from = "+14155550123"
to = "+15005550006"
parameters = { agent = "sales" }
[[steps]]
do = "wait_for_agent"
quiet_ms = 500
[[steps]]
do = "say"
text = "Hello"
[[steps]]
do = "interrupt"
after_ms = 700
audio = "no.ulaw"
[[steps]]
do = "press"
digits = "12#"
[[steps]]
do = "pause"
seconds = 1.5
[[steps]]
do = "wait_for_hang_up"
timeout_s = 3
[[steps]]
do = "beep"
ms = 100
[[steps]]
do = "lose_line"
[[steps]]
do = "hang_up"
"""


async def speak(text: str) -> bytes:
    return text.encode()


async def test_every_step(tmp_path):
    (tmp_path / "s.toml").write_text(EVERYTHING)
    (tmp_path / "no.ulaw").write_bytes(b"\x01\x02")
    scenario = load(tmp_path / "s.toml")
    assert (scenario.title, scenario.caller, scenario.to) == ("Everything", "+14155550123", "+15005550006")
    assert scenario.parameters == {"agent": "sales"}
    assert await prepare(scenario, speak, tmp_path) == [
        WaitForAgent(quiet_ms=500),
        Say(b"Hello", "Hello"),
        Interrupt(700, b"\x01\x02"),
        Press("12#"),
        Pause(1.5),
        WaitForHangUp(3),
        Beep(ms=100),
        LoseLine(),
        HangUp(),
    ]


def test_json_is_the_same(tmp_path):
    (tmp_path / "s.json").write_text('{"steps": [{"do": "say", "text": "Hello"}]}')
    assert len(load(tmp_path / "s.json").steps) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[steps", "s.toml: "),
        ("title = 'a'", "missing required field `steps`"),
        ("steps = []", "length >= 1"),
        ("titel = 'a'\n[[steps]]\ndo='hang_up'", "did you mean `title`?"),
        ("[[steps]]\ndo = 'wait_for_agnt'", "at step 1.do (did you mean `wait_for_agent`?)"),
        ("[[steps]]\ndo='hang_up'\n[[steps]]\ndo='say'\ntxet='a'", "`txet` - at step 2 (did you mean `text`?)"),
        ("[[steps]]\ndo = 'say'", "step 1 needs either `text` or `audio`"),
        ("[[steps]]\ndo = 'say'\ntext = 'a'\naudio = 'b'", "step 1 needs either `text` or `audio`"),
        ("[[steps]]\ntext = 'a'", "missing required field `do`"),
        ("[[steps]]\ndo = 'press'\ndigits = 'x'", "at step 1.digits"),
        ("[[steps]]\ndo = 'pause'\nseconds = -1", "at step 1.seconds"),
        ("[[steps]]\ndo = 'pause'\nseconds = '1'", "Expected `float`, got `str`"),
    ],
)
def test_mistakes_are_said_with_their_place(tmp_path, content, words):
    (tmp_path / "s.toml").write_text(content)
    with pytest.raises(ScenarioError) as refused:
        load(tmp_path / "s.toml")
    assert words in str(refused.value)
    assert str(refused.value).startswith("s.toml: ")


async def test_a_missing_recording_is_named(tmp_path):
    (tmp_path / "s.toml").write_text("[[steps]]\ndo = 'say'\naudio = 'gone.wav'")
    with pytest.raises(ScenarioError, match=r"gone\.wav"):
        await prepare(load(tmp_path / "s.toml"), speak, tmp_path)


def test_the_schema_judges_as_we_do():
    import tomllib

    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(tomllib.loads(EVERYTHING))
    for wrong in ({"steps": []}, {"steps": [{"do": "sing"}]}, {"steps": [{"do": "say", "x": 1}]}):
        assert not validator.is_valid(json.loads(json.dumps(wrong)))
