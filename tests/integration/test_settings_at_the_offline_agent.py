"""The offline agent's strict parser, written by others from the vendor's pages, takes every Settings we build."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from tests.unit.agent.profiles import NAMED, named, profiles

from offhook.agent import ThinkLadder, settings_message
from offhook.config.agent import AgentProfile
from offhook.offline import messages


def parsed(profile: AgentProfile) -> object:
    message = settings_message(profile, ThinkLadder().choice(profile.think, 0.0))
    return messages.parse(json.dumps(message).encode())


@pytest.mark.parametrize("name", NAMED)
def test_it_takes_the_corners(name):
    assert isinstance(parsed(named(name)), messages.Settings)


@settings(max_examples=100, deadline=None)
@given(profile=profiles)
def test_it_takes_any_profile(profile):
    assert isinstance(parsed(profile), messages.Settings)
