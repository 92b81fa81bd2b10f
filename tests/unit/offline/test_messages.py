"""The parser of client messages: what it takes, and the dotted path of everything it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offhook.offline import messages as m

THINK = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}}


def settings(agent: Any = None, **top: Any) -> dict[str, Any]:
    return {"type": "Settings", "audio": {}, "agent": {} if agent is None else agent, **top}


WHOLE = settings(
    {
        "language": "en",
        "greeting": "Hello",
        "context": {
            "messages": [
                {"type": "History", "role": "user", "content": "Friday?"},
                {
                    "type": "History",
                    "function_calls": [
                        {"id": "c", "name": "f", "client_side": True, "arguments": "{}", "response": "ok"}
                    ],
                },
            ]
        },
        "listen": {
            "provider": {
                "type": "deepgram",
                "version": "v2",
                "model": "flux-general-en",
                "eot_threshold": 1,
                "eager_eot_threshold": 0.5,
                "eot_timeout_ms": 4000,
                "keyterms": ["Harbour"],
            }
        },
        "think": [
            {
                **THINK,
                "prompt": "p",
                "context_length": "max",
                "endpoint": {"url": "https://example.test", "headers": {"a": "b"}},
                "functions": [
                    {
                        "name": "f",
                        "description": "d",
                        "parameters": {"type": "object"},
                        "endpoint": {"url": "https://example.test", "method": "post"},
                        "defer_until_eot": True,
                    }
                ],
            },
            {"provider": {"type": "anthropic", "model": "claude-haiku-4-5", "temperature": 0.3}},
            {"provider": {"type": "deepgram", "model": "think-fast", "voice_prompt_opt_out": True}},
        ],
        "speak": [
            {"provider": {"type": "deepgram", "version": "v2", "model": "flux-alexis-en", "expressivity": 1}},
            {"provider": {"type": "eleven_labs", "model_id": "x"}, "endpoint": {"url": "wss://example.test"}},
            {"provider": {"type": "cartesia", "model_id": "sonic-2", "voice": {"mode": "id", "id": "x"}}},
        ],
    },
    tags=["a"],
    experimental=False,
    mip_opt_out=True,
    flags={"history": False},
    audio={
        "input": {"encoding": "mulaw", "sample_rate": 8000},
        "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
    },
)

GOOD: list[dict[str, Any]] = [
    settings(),
    settings("0b6d9b0e-3f0a-4d0c-9a55-2f9b7c1d8e10"),
    WHOLE,
    {"type": "KeepAlive"},
    {"type": "ForceEndTurn"},
    {"type": "UpdatePrompt", "prompt": ""},
    {"type": "UpdateThink", "think": THINK},
    {"type": "UpdateThink", "think": [THINK, THINK]},
    {"type": "UpdateThink_Live", "think_live": {"provider": {"type": "deepgram", "version": "v1"}}},
    {"type": "UpdateSpeak", "speak": {"provider": {"type": "deepgram", "model": "aura-2-draco-en"}}},
    {"type": "UpdateListen", "listen": {"provider": {"type": "deepgram", "version": "v2", "model": "flux-general-en"}}},
    {"type": "InjectUserMessage", "content": "x"},
    {"type": "InjectAgentMessage", "message": "x"},
    {"type": "InjectAgentMessage", "message": "x", "behavior": "interrupt"},
    {"type": "InjectAgentMessage", "is_dynamic": True, "behavior": "queue"},
    {"type": "FunctionCallResponse", "name": "f", "content": "{}"},
    {"type": "FunctionCallResponse", "id": "i", "name": "f", "content": "{}", "thought_signature": "s"},
    {"type": "__customToThinkProvider", "content": {"anything": [1]}},
]

BAD: list[tuple[Any, str]] = [
    ({}, "type"),
    ([], ""),
    ("KeepAlive", ""),
    ({"type": "Nonsense"}, "type"),
    ({"type": 3}, "type"),
    ({"type": "keepalive"}, "type"),
    ({"type": "KeepAlive", "extra": 1}, "extra"),
    ({"type": "Settings", "audio": {}}, "agent"),
    ({"type": "Settings", "agent": {}}, "audio"),
    (settings(settings={}), "settings"),
    (settings(mip_opt_out="yes"), "mip_opt_out"),
    (settings(flags={"history": None}), "flags.history"),
    (settings({"mip_opt_out": True}), "agent.mip_opt_out"),
    (settings({"greeting": {"text": "Hi"}}), "agent.greeting"),
    (settings({"greeting": None}), "agent.greeting"),
    (settings({"think": {}}), "agent.think.provider"),
    (settings({"think": {"provider": {"type": "open_ai"}}}), "agent.think.provider.model"),
    (settings({"think": {"provider": {"model": "x"}}}), "agent.think.provider.type"),
    (settings({"think": {"provider": {"type": "x_ai", "model": "grok"}}}), "agent.think.provider.type"),
    (settings({"think": [THINK, {**THINK, "tools": []}]}), "agent.think[1].tools"),
    (settings({"think": {**THINK, "functions": [{"description": "d"}]}}), "agent.think.functions[0].name"),
    (settings({"think": {**THINK, "endpoint": {"headers": {}}}}), "agent.think.endpoint.url"),
    (
        settings({"speak": {"provider": {"type": "deepgram", "model": "aura-2-thalia-en", "language": "en"}}}),
        "agent.speak.provider.language",
    ),
    (
        settings({"speak": {"provider": {"type": "aws_polly", "voice": "Amy", "engine": "neural", "credentials": {}}}}),
        "agent.speak.provider.credentials.type",
    ),
    (settings({"listen": {"provider": {"type": "other"}}}), "agent.listen.provider.type"),
    (settings({"listen": {"provider": {"type": "deepgram", "punctuate": True}}}), "agent.listen.provider.punctuate"),
    (settings(audio={"input": {"encoding": "mulaw"}}), "audio.input.sample_rate"),
    (settings(audio={"input": {"encoding": "mp3", "sample_rate": 8000}}), "audio.input.encoding"),
    (settings(audio={"output": {"container": "mkv"}}), "audio.output.container"),
    (settings({"context": {"messages": [{"role": "user", "content": "x"}]}}), "agent.context.messages[0].type"),
    ({"type": "InjectUserMessage", "message": "x"}, "message"),
    ({"type": "InjectAgentMessage", "content": "x"}, "content"),
    ({"type": "InjectAgentMessage", "message": "x", "behavior": "shout"}, "behavior"),
    ({"type": "FunctionCallResponse", "id": "i", "output": "x"}, "output"),
    ({"type": "FunctionCallResponse", "name": "f", "content": {"a": 1}}, "content"),
    ({"type": "FunctionCallResponse", "content": ""}, "name"),
    ({"type": "UpdatePrompt"}, "prompt"),
    ({"type": "UpdateListen", "listen": {}}, "listen.provider"),
]


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_what_the_contract_allows_is_taken(message: dict[str, Any]) -> None:
    assert type(m.parse(json.dumps(message).encode())).__struct_config__.tag == message["type"]


@pytest.mark.parametrize(("message", "path"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_does_not_allow_is_refused_with_its_path(message: Any, path: str) -> None:
    with pytest.raises(m.UnparsableError) as refused:
        m.parse(json.dumps(message).encode())
    assert refused.value.path == path


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"nonsense", b"\xff\xfe", b'{"type":"UpdatePrompt","prompt":"\xff"}', b"[" * 100_000, b'{"a":' * 5000],
    ids=["empty", "cut", "words", "binary", "bad utf-8", "deep array", "deep object"],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(m.UnparsableError):
        m.parse(text)


def test_an_error_never_repeats_a_value() -> None:
    with pytest.raises(m.UnparsableError) as refused:
        m.parse(b'{"type":"FunctionCallResponse","name":"f","content":12345678}')
    assert "12345678" not in str(refused.value)


def test_the_path_names_indices_and_keys() -> None:
    functions = [{"name": "a"}, {"name": "b", "bad": 1}]
    entry = {"provider": {"type": "open_ai", "model": "x"}, "functions": functions}
    message = {"type": "Settings", "audio": {}, "agent": {"think": [{**entry, "functions": functions[:1]}, entry]}}
    with pytest.raises(m.UnparsableError) as refused:
        m.parse(json.dumps(message).encode())
    assert refused.value.path == "agent.think[1].functions[1].bad"
    entry.update(functions=[], endpoint={"url": "https://example.test", "headers": {"X-Good": "1", "X-Bad": 2}})
    with pytest.raises(m.UnparsableError) as refused:
        m.parse(json.dumps(message).encode())
    assert refused.value.path == "agent.think[1].endpoint.headers.X-Bad"
