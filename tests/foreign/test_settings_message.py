"""Every Settings we build is what the vendor's SDK and the vendor's document describe, not one field more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from tests.foreign.judges_of_settings import settings_judge, unknown_to_the_sdk, without_the_newer
from tests.unit.agent.profiles import NAMED, named, profiles

from offhook.agent import ThinkLadder, settings_message
from offhook.config.agent import AgentProfile

pytestmark = pytest.mark.foreign


def message(profile: AgentProfile) -> dict[str, Any]:
    return settings_message(profile, ThinkLadder().choice(profile.think, 0.0))


@pytest.mark.parametrize("name", NAMED)
def test_the_sdk_knows_every_field(name):
    assert unknown_to_the_sdk(message(named(name))) == []


@pytest.mark.parametrize("name", NAMED)
def test_the_document_accepts_it(name, vendor_contracts):
    judged = without_the_newer(message(named(name)))

    assert [error.message for error in settings_judge(vendor_contracts).iter_errors(judged)] == []


@hypothesis_settings(max_examples=150, deadline=None)
@given(profile=profiles)
def test_the_sdk_knows_every_field_of_any_profile(profile):
    assert unknown_to_the_sdk(message(profile)) == []


def test_the_document_accepts_any_profile(vendor_contracts):
    judge = settings_judge(vendor_contracts)

    @hypothesis_settings(max_examples=100, deadline=None)
    @given(profile=profiles)
    def accepted(profile: AgentProfile) -> None:
        assert [error.message for error in judge.iter_errors(without_the_newer(message(profile)))] == []

    accepted()


def test_the_judges_refuse_what_the_vendor_refuses(vendor_contracts):
    """A judge that accepts everything proves nothing: each of these is refused by the real service."""
    good = message(named("nova"))
    judge = settings_judge(vendor_contracts)
    assert judge.is_valid(good)
    for wrong in (
        {**good, "agent": {**good["agent"], "mip_opt_out": True}},
        {**good, "agent": {**good["agent"], "greeting": 5}},
        {name: value for name, value in good.items() if name != "audio"},
        {**good, "settings": {}},
    ):
        assert not judge.is_valid(wrong)
    assert unknown_to_the_sdk({**good, "agent": {**good["agent"], "mip_opt_out": True}}) == [".agent.mip_opt_out"]
