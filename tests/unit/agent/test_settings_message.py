"""Settings carries exactly what is set, in the form the vendor's strict parser takes."""

from __future__ import annotations

import json

import pytest
from tests.unit.agent.profiles import NAMED, named

from offhook.agent import ThinkChoice, ThinkLadder, settings_message
from offhook.config.agent import AgentProfile


def message(profile: AgentProfile, **more: object) -> dict[str, object]:
    return settings_message(profile, ThinkLadder().choice(profile.think, 0.0), **more)  # type: ignore[arg-type]


def test_an_empty_profile_is_a_whole_agent():
    profile = AgentProfile()

    assert message(profile) == {
        "type": "Settings",
        "audio": {
            "input": {"encoding": "mulaw", "sample_rate": 8000},
            "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
        },
        "agent": {
            "listen": {"provider": {"type": "deepgram", "version": "v2", "model": "flux-general-en"}},
            "think": [
                {"provider": {"type": "deepgram", "model": "think-fast"}, "prompt": profile.prompt},
                {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "prompt": profile.prompt},
            ],
            "speak": {"provider": {"type": "deepgram", "version": "v1", "model": "aura-2-thalia-en"}},
            "greeting": "Hello! How can I help you today?",
        },
    }


def test_every_field_of_a_flux_agent_is_sent_also_where_it_is_zero():
    profile = named("flux")

    agent = message(profile)["agent"]

    assert message(profile)["mip_opt_out"] is True
    assert agent["listen"]["provider"] == {
        "type": "deepgram", "version": "v2", "model": "flux-general-multi", "language_hints": ["en", "es"],
        "eot_threshold": 1.0, "eager_eot_threshold": 0.3, "eot_timeout_ms": 500,
    }  # fmt: skip
    assert agent["think"]["provider"] == {
        "type": "deepgram", "model": "phonellm-mini-alpha-2-fp8", "reasoning_mode": "none",
    }  # fmt: skip
    assert agent["speak"] == [
        {"provider": {"type": "deepgram", "version": "v2", "model": "flux-kit-en", "speed": 0.95, "expressivity": 0}},
        {"provider": {"type": "deepgram", "version": "v1", "model": "aura-2-zeus-en"}},
    ]


def test_temperature_zero_is_sent():
    assert message(named("nova"))["agent"]["think"]["provider"]["temperature"] == 0.0


def test_prompt_and_functions_are_repeated_in_every_think_entry():
    first, second = message(named("everything said"))["agent"]["think"]

    assert first["prompt"] == second["prompt"] == "Be brief."
    assert first["functions"] == second["functions"]
    assert first["functions"] == [
        {"name": "find_slots", "description": "List free slots", "parameters": {"type": "object"}},
        {"name": "hang_up", "parameters": {"type": "object", "properties": {}}, "defer_until_eot": True},
        {
            "name": "crm",
            "parameters": {"type": "object", "properties": {}},
            "endpoint": {"url": "https://crm.example", "method": "post", "headers": {"authorization": "Bearer x"}},
        },
    ]


def test_an_endpoint_always_has_headers_and_secrets_in_clear():
    think = message(named("own endpoints"))["agent"]["think"]

    assert think[0]["endpoint"] == {"url": "https://groq.example/v1", "headers": {"authorization": "Bearer x"}}
    assert think[0]["context_length"] == "max"
    assert think[3]["endpoint"]["headers"] == {}
    assert think[3]["provider"]["credentials"]["secret_access_key"] == "b"


def test_other_vendors_voices_use_their_own_names():
    eleven, cartesia, openai, polly = message(named("own endpoints"))["agent"]["speak"]

    assert eleven["provider"] == {"type": "eleven_labs", "model_id": "eleven_turbo_v2_5"}
    assert cartesia == {"provider": {"type": "cartesia", "model_id": "sonic-2", "voice": {"mode": "id", "id": "v"}}}
    assert openai["provider"] == {"type": "open_ai", "model": "tts-1", "voice": "alloy"}
    assert polly["provider"]["engine"] == "standard"


def test_an_agent_that_takes_over_remembers_and_does_not_greet():
    profile = AgentProfile.model_validate(NAMED["everything said"] | {"greeting": "Hello"})
    so_far = {"type": "History", "role": "user", "content": "Friday"}

    agent = message(profile, context_messages=[so_far], greeting=False)["agent"]

    assert "greeting" not in agent
    assert [item["content"] for item in agent["context"]["messages"]] == ["Hello", "Hi", "Friday"]
    assert agent["context"]["messages"][2] is not so_far


def test_only_the_models_of_the_choice_are_offered():
    profile = AgentProfile()

    agent = settings_message(profile, ThinkChoice(profile.think.entries[1:]))["agent"]

    assert agent["think"]["provider"] == {"type": "open_ai", "model": "gpt-4o-mini"}


@pytest.mark.parametrize("name", NAMED)
def test_nothing_is_null_and_what_is_deprecated_is_never_sent(name):
    text = json.dumps(message(named(name)))

    assert "null" not in text
    assert '"language_code"' not in text
    assert "language" not in message(named(name))["agent"]
