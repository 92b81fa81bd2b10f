"""Every setting has an environment name that sets it, and the schema for editors agrees with the loader."""

from __future__ import annotations

import tomllib

import jsonschema
import pytest

from offhook.config.keys import annotation_at, every_key, is_text
from offhook.config.schema import schema
from offhook.config.settings import Settings
from offhook.config.values import normalised_number


def test_every_setting_has_a_meaning_and_a_name_of_its_own():
    keys = list(every_key())

    assert [key.dotted for key in keys if not key.field.description] == []
    assert len({key.env for key in keys}) == len(keys) > 100


@pytest.mark.parametrize("key", [key for key in every_key() if "NAME" not in key.path and "NUMBER" not in key.path])
def test_every_environment_name_leads_back_to_its_setting(key):
    path = tuple(key.env.removeprefix("OFFHOOK_").lower().split("__"))

    assert path == key.path
    assert annotation_at(path) is key.field.annotation


def test_text_is_taken_as_it_is_and_tables_are_not():
    kinds = {key.dotted: is_text(key.field.annotation) for key in every_key()}

    assert kinds["agent.greeting"]
    assert kinds["deepgram.api_key"]
    assert kinds["agent.think.context_length"]
    assert not kinds["agent.tags"]
    assert not kinds["agent.functions"]
    assert not kinds["agent.think.endpoint"]


def test_the_schema_is_valid_and_takes_what_the_loader_takes():
    document = schema()
    jsonschema.Draft202012Validator.check_schema(document)
    judge = jsonschema.Draft202012Validator(document)

    judge.validate(
        tomllib.loads('[agent.listen]\nmodel = "nova-3"\n[limits]\ncalls = 3\n[numbers."+441632960001"]\nagent = "x"')
    )
    for wrong in ({"agnt": {}}, {"limits": {"calls": "many"}}, {"deepgram": {"api_key": "x"}}, {"agent": {"tags": 1}}):
        assert not judge.is_valid(wrong)
    judge.validate(Settings().model_dump(mode="json", exclude={"twilio", "deepgram", "railway"}))


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("+44 1632 960001", "+441632960001"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("0044.1632.960001", "+441632960001"),
        ("client:alice", "client:alice"),
    ],
)
def test_numbers_are_compared_without_their_punctuation(written, normal):
    assert normalised_number(written) == normal
