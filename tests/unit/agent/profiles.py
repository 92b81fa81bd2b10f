"""Profiles for the tests of the agent: the corners by name, and a strategy for everything between."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from offhook.config.agent import AgentProfile

HEADERS = {"authorization": "Bearer x"}
NAMED: dict[str, dict[str, Any]] = {
    "empty": {},
    "nova": {
        "listen": {"model": "nova-3", "language": "multi", "smart_format": True, "keyterms": ["Okafor"]},
        "think": {"provider": "open_ai", "model": "gpt-4o-mini", "temperature": 0.0, "reasoning_mode": "low"},
        "speak": {"model": "aura-2-thalia-en", "speed": 0.7},
    },
    "flux": {
        "listen": {
            "model": "flux-general-multi",
            "language_hints": ["en", "es"],
            "eot_threshold": 1.0,
            "eager_eot_threshold": 0.3,
            "eot_timeout_ms": 500,
        },
        "think": {"model": "phonellm-mini-alpha-2-fp8", "reasoning_mode": "none", "fallback": []},
        "speak": {"model": "flux-kit-en", "speed": 0.95, "expressivity": 0, "fallback": [{"model": "aura-2-zeus-en"}]},
        "mip_opt_out": True,
    },
    "own endpoints": {
        "think": {
            "provider": "groq",
            "model": "openai/gpt-oss-20b",
            "endpoint": {"url": "https://groq.example/v1", "headers": HEADERS},
            "context_length": "max",
            "fallback": [
                {"provider": "anthropic", "model": "claude-haiku-4-5", "temperature": 1},
                {"provider": "google", "model": "gemini-2.5-flash", "version": "ai-studio-v1beta"},
                {
                    "provider": "aws_bedrock",
                    "model": "anthropic/claude-3-5-haiku-20240307-v1:0",
                    "endpoint": {"url": "https://bedrock-runtime.us-east-1.amazonaws.com/"},
                    "credentials": {
                        "type": "iam", "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b",
                    },
                },
            ],
        },
        "speak": {
            "provider": "eleven_labs",
            "model": "eleven_turbo_v2_5",
            "endpoint": {"url": "wss://tts.example/stream", "headers": HEADERS},
            "fallback": [
                {"provider": "cartesia", "model": "sonic-2", "options": {"voice": {"mode": "id", "id": "v"}}},
                {"provider": "open_ai", "model": "tts-1", "endpoint": {"url": "https://o.example"},
                 "options": {"voice": "alloy"}},
                {
                    "provider": "aws_polly",
                    "options": {"voice": "Matthew", "language": "en-US", "engine": "standard"},
                    "credentials": {
                        "type": "sts", "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b",
                        "session_token": "c",
                    },
                },
            ],
        },
    },
    "everything said": {
        "greeting": "",
        "prompt": "Be brief.",
        "context": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
        "tags": ["tenant-42"],
        "functions": [
            {"name": "find_slots", "description": "List free slots", "parameters": {"type": "object"}},
            {"name": "hang_up", "defer_until_eot": True},
            {"name": "crm", "endpoint": {"url": "https://crm.example", "method": "post", "headers": HEADERS}},
        ],
    },
}  # fmt: skip


def named(name: str) -> AgentProfile:
    """Return one of the corners."""
    return AgentProfile.model_validate(NAMED[name])


_TEXT = st.text(alphabet=string.printable + "µéß漢😀", min_size=1, max_size=30)
_LISTEN = st.one_of(
    st.fixed_dictionaries(
        {"model": st.sampled_from(["nova-3", "nova-3-medical"])},
        optional={"language": st.sampled_from(["de", "multi"]), "smart_format": st.booleans(),
                  "keyterms": st.lists(_TEXT, max_size=3)},
    ),
    st.fixed_dictionaries(
        {"model": st.sampled_from(["flux-general-en", "flux-general-multi"])},
        optional={"eot_threshold": st.floats(0.5, 1), "eager_eot_threshold": st.floats(0.3, 0.9),
                  "eot_timeout_ms": st.integers(500, 60000), "keyterms": st.lists(_TEXT, max_size=3)},
    ),
)  # fmt: skip
_ENTRY = st.one_of(
    st.fixed_dictionaries(
        {"provider": st.just("open_ai"), "model": st.sampled_from(["gpt-4o-mini", "gpt-5-mini"])},
        optional={"temperature": st.floats(0, 2), "reasoning_mode": st.sampled_from(["none", "low", "high"])},
    ),
    st.fixed_dictionaries(
        {"provider": st.just("anthropic"), "model": st.just("claude-haiku-4-5")},
        optional={"temperature": st.floats(0, 1)},
    ),
    st.fixed_dictionaries(
        {"provider": st.just("deepgram")},
        optional={"model": st.sampled_from(["think-fast", "phonellm-mini-alpha-2-fp8"]),
                  "voice_prompt_opt_out": st.booleans()},
    ),
)  # fmt: skip
_VOICE = st.one_of(
    st.fixed_dictionaries({"model": st.just("aura-2-thalia-en")}, optional={"speed": st.floats(0.7, 1.5)}),
    st.fixed_dictionaries(
        {"model": st.just("flux-kit-en")},
        optional={"speed": st.integers(10, 30).map(lambda n: n / 20), "expressivity": st.integers(-2, 2)},
    ),
)


def _with_fallback(first: st.SearchStrategy[dict[str, Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda own, rest: own | {"fallback": rest}, first, st.lists(first, max_size=most))


profiles: st.SearchStrategy[AgentProfile] = st.fixed_dictionaries(
    {},
    optional={
        "greeting": _TEXT,
        "prompt": _TEXT,
        "listen": _LISTEN,
        "think": _with_fallback(_ENTRY, 3),
        "speak": _with_fallback(_VOICE, 2),
        "tags": st.lists(_TEXT, max_size=3),
        "context": st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _TEXT}), max_size=3
        ),
        "functions": st.lists(
            st.fixed_dictionaries(
                {"name": st.text(string.ascii_lowercase + "_", min_size=1, max_size=12)},
                optional={"description": _TEXT, "defer_until_eot": st.booleans()},
            ),
            max_size=3,
            unique_by=lambda function: function["name"],
        ),
    },
).map(AgentProfile.model_validate)
