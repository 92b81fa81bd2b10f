"""What a call takes from its Settings and from updates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.offline.test_messages import WHOLE, settings

from offhook.offline import messages as m
from offhook.offline.formats import Format
from offhook.offline.plan import CallPlan, first_voice, merged_listen, plan_call, with_more_prompt, with_think
from offhook.offline.ports import Called, Said


def planned(message: dict[str, Any]) -> CallPlan:
    parsed = m.parse(json.dumps(message).encode())
    assert isinstance(parsed, m.Settings)
    assert isinstance(parsed.agent, m.Agent)
    return plan_call(parsed, parsed.agent)


def test_everything_is_taken_from_the_settings() -> None:
    plan = planned(WHOLE)
    assert plan.greeting == "Hello"
    assert plan.history is False
    assert plan.input == plan.output == Format("mulaw", 8000)
    assert plan.context == [Said("user", "Friday?"), Called("c", "f", "{}", "ok")]
    assert plan.listen["model"] == "flux-general-en"
    assert plan.speak["model"] == "flux-alexis-en"
    assert plan.prompt == "p"
    assert list(plan.functions) == ["f"]
    assert plan.functions["f"].spec.defer_until_eot
    assert not plan.functions["f"].client_side
    assert plan.agent["think"][0]["provider"]["type"] == "open_ai"


def test_defaults_are_the_vendors() -> None:
    plan = planned(settings())
    assert plan.input == plan.output == Format("linear16", 24000)
    assert plan.history
    assert (plan.listen, plan.speak, plan.functions, plan.greeting, plan.prompt) == ({}, {}, {}, "", "")
    assert planned(settings(audio={"output": {"encoding": "mulaw"}})).output == Format("mulaw", 8000)


def think(**entry: Any) -> m.Think:
    message = {"type": "UpdateThink", "think": {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, **entry}}
    parsed = m.parse(json.dumps(message).encode())
    assert isinstance(parsed, m.UpdateThink)
    assert isinstance(parsed.think, m.Think)
    return parsed.think


def test_a_prompt_is_bounded_for_managed_models_only() -> None:
    managed = with_think(CallPlan(), think(prompt="x" * 25_001))
    assert (len(managed.prompt), managed.prompt_was_cut) == (25_000, True)
    own = with_think(CallPlan(), think(prompt="x" * 25_001, endpoint={"url": "https://example.test"}))
    assert (len(own.prompt), own.prompt_was_cut) == (25_001, False)


def test_update_prompt_adds_and_update_think_replaces() -> None:
    plan = with_think(CallPlan(), think(prompt="One.", functions=[{"name": "f"}]))
    plan = with_more_prompt(plan, "Two.")
    assert plan.prompt == "One.\nTwo."
    assert not plan.prompt_was_cut
    assert with_more_prompt(plan, "x" * 25_000).prompt_was_cut
    plan = with_think(plan, think(prompt="Three."))
    assert plan.prompt == "Three."
    assert plan.functions == {}


@pytest.mark.parametrize(
    ("before", "update", "after"),
    [
        ({"model": "nova-3", "language": "en"}, {"model": "nova-2"}, {"model": "nova-2", "language": "en"}),
        (
            {"version": "v2", "model": "flux-general-multi", "language_hints": ["en"], "eot_threshold": 0.8},
            {"version": "v2", "model": "flux-general-multi"},
            {"version": "v2", "model": "flux-general-multi", "eot_threshold": 0.8},
        ),
        (
            {"version": "v2", "model": "flux-general-en", "eot_threshold": 0.8, "keyterms": ["Ann"]},
            {"version": "v1", "model": "nova-3"},
            {"version": "v1", "model": "nova-3", "keyterms": ["Ann"]},
        ),
        ({}, {"version": "v2", "model": "flux-general-en"}, {"version": "v2", "model": "flux-general-en"}),
    ],
)
def test_update_listen_merges(before: dict[str, Any], update: dict[str, Any], after: dict[str, Any]) -> None:
    kind = {"type": "deepgram"}
    provider = m.ListenProvider(**kind, **update)
    assert merged_listen(CallPlan(listen={**kind, **before}), provider) == {**kind, **after}


def test_the_first_voice_counts() -> None:
    parsed = m.parse(json.dumps({"type": "UpdateSpeak", "speak": WHOLE["agent"]["speak"]}).encode())
    assert isinstance(parsed, m.UpdateSpeak)
    assert first_voice(parsed.speak)["model"] == "flux-alexis-en"
    assert first_voice([]) == {}
