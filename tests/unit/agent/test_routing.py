"""The called number chooses the agent; every other number gets the default one."""

from __future__ import annotations

import pytest

from offhook.agent import agent_for
from offhook.config import Settings

SETTINGS = Settings.model_validate(
    {
        "agent": {"greeting": "Main"},
        "agents": {"sales": {"greeting": "Sales"}},
        "numbers": {"+44 1632 960001": {"agent": "sales"}},
    }
)


@pytest.mark.parametrize(
    ("called", "name", "greeting"),
    [
        ("+441632960001", "sales", "Sales"),
        ("+44 (1632) 960-001", "sales", "Sales"),
        ("+441632960002", "agent", "Main"),
        ("client:reception", "agent", "Main"),
        ("", "agent", "Main"),
        (None, "agent", "Main"),
    ],
)
def test_who_answers(called, name, greeting):
    found, profile = agent_for(called, SETTINGS)

    assert (found, profile.greeting) == (name, greeting)
