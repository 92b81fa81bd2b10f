"""Values of Settings that parse: what is refused, with which code, naming which field; what is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.offline.test_messages import WHOLE, settings

from offhook.offline import messages as m
from offhook.offline import rules

PROJECT = rules.Project()


def judge(message: dict[str, Any], project: rules.Project = PROJECT) -> None:
    parsed = m.parse(json.dumps(message).encode())
    assert isinstance(parsed, m.Settings)
    assert isinstance(parsed.agent, m.Agent)
    rules.check_settings(parsed, parsed.agent, project)


def listen(**provider: Any) -> dict[str, Any]:
    return settings({"listen": {"provider": {"type": "deepgram", **provider}}})


def think(provider: dict[str, Any], **entry: Any) -> dict[str, Any]:
    return settings({"think": {"provider": provider, **entry}})


def speak(**provider: Any) -> dict[str, Any]:
    return settings({"speak": {"provider": {"type": "deepgram", **provider}}})


def audio(**parts: Any) -> dict[str, Any]:
    return settings(audio=parts)


OPEN_AI = {"type": "open_ai", "model": "gpt-4o-mini"}
V2 = {"version": "v2", "model": "flux-general-en"}

AURA = {"version": "v1", "model": "aura-2-thalia-en"}
FLUX = {"version": "v2", "model": "flux-alexis-en"}


def said(voice: dict[str, Any], **output: Any) -> dict[str, Any]:
    return settings({"speak": {"provider": {"type": "deepgram", **voice}}}, audio={"output": output})


def voiced(url: str | None, **provider: Any) -> dict[str, Any]:
    return settings({"speak": {"provider": provider, **({"endpoint": {"url": url}} if url else {})}})


ELEVEN = {"type": "eleven_labs", "model_id": "eleven_turbo_v2_5"}
OPEN_AI_VOICE = {"type": "open_ai", "model": "tts-1", "voice": "nova"}
IAM = {"type": "iam", "region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b"}
POLLY = {"type": "aws_polly", "voice": "Amy", "engine": "neural", "credentials": IAM}
ANYWHERE = {"url": "https://example.test", "headers": {}}
CARTESIA = {"type": "cartesia", "model_id": "sonic-2", "voice": {"mode": "id", "id": "x"}}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (audio(input={"encoding": "opus", "sample_rate": 48000}), "INVALID_SETTINGS", "audio.input"),
    (audio(input={"encoding": "linear16", "sample_rate": 11025}), "INVALID_SETTINGS", "audio.input"),
    (audio(output={"encoding": "mp3"}), "INVALID_SETTINGS", "audio.output"),
    (audio(output={"encoding": "mulaw", "sample_rate": 24000}), "INVALID_SETTINGS", "audio.output"),
    (audio(output={"encoding": "mulaw", "container": "wav"}), "INVALID_SETTINGS", "audio.output.container"),
    (audio(output={"bitrate": 48000}), "INVALID_SETTINGS", "audio.output.bitrate"),
    (said(AURA, encoding="mp3"), "INVALID_SETTINGS", "cannot be made here"),
    (said(AURA, encoding="opus", container="none"), "INVALID_SETTINGS", "cannot be made here"),
    (said(AURA, encoding="mulaw", container="ogg"), "INVALID_SETTINGS", "container"),
    (said(AURA, encoding="linear16", sample_rate=44100), "INVALID_SETTINGS", "audio.output"),
    (said(FLUX, encoding="mulaw", sample_rate=8000, container="wav"), "INVALID_SETTINGS", "container"),
    (said(FLUX, encoding="aac"), "INVALID_SETTINGS", "encoding"),
    (listen(**V2, eot_threshold=0.4), "INVALID_SETTINGS", "eot_threshold"),
    (listen(**V2, eager_eot_threshold=0.95), "INVALID_SETTINGS", "eager_eot_threshold"),
    (listen(**V2, eot_timeout_ms=100), "INVALID_SETTINGS", "eot_timeout_ms"),
    (listen(**V2, language_hints=["en"]), "INVALID_SETTINGS", "language_hints"),
    (listen(**V2, language="en"), "UNPARSABLE_CLIENT_MESSAGE", "listen.provider.language"),
    (listen(version="v2"), "UNPARSABLE_CLIENT_MESSAGE", "listen.provider.model"),
    (listen(model="nova-3", eot_threshold=0.7), "UNPARSABLE_CLIENT_MESSAGE", "eot_threshold"),
    (listen(model="flux-general-en"), "FAILED_TO_START_LISTENING", "model"),
    (listen(version="v2", model="nova-3"), "FAILED_TO_START_LISTENING", "model"),
    (listen(model="nova3"), "FAILED_TO_START_LISTENING", "model"),
    (listen(model="nova-4"), "FAILED_TO_START_LISTENING", "model"),
    (listen(version="v2", model="flux-generel-en"), "FAILED_TO_START_LISTENING", "model"),
    (listen(model="nova-3", keyterms=["word"] * 246), "FAILED_TO_START_LISTENING", "keyterms"),
    (think({**OPEN_AI, "temperature": 2.5}), "INVALID_SETTINGS", "temperature"),
    (think({"type": "anthropic", "model": "x", "temperature": 1.5}), "INVALID_SETTINGS", "temperature"),
    (think({"type": "groq", "model": "openai/gpt-oss-20b"}), "INVALID_SETTINGS", "endpoint"),
    (think({"type": "google"}), "UNPARSABLE_CLIENT_MESSAGE", "model"),
    (think(OPEN_AI, context_length=1000), "INVALID_SETTINGS", "context_length"),
    (think(OPEN_AI, functions=[{"name": "f", "agent_filler_max_count": 1}]), "INVALID_SETTINGS", "filler"),
    (settings({"think": []}), "INVALID_SETTINGS", "agent.think"),
    (settings({"speak": []}), "INVALID_SETTINGS", "agent.speak"),
    (speak(model="aura-2"), "INVALID_SETTINGS", "model"),
    (speak(model="flux-alexis-en"), "INVALID_SETTINGS", "model"),
    (speak(model="aura-2-thalia-en", version="v2"), "INVALID_SETTINGS", "model"),
    (speak(model="aura-2-thalla-en"), "INVALID_SETTINGS", "model"),
    (speak(model="flux-renee-en", version="v2"), "INVALID_SETTINGS", "model"),
    (voiced("https://x.test/stream?output_format=ulaw", **ELEVEN), "INVALID_SETTINGS", "output_format"),
    (voiced("ftp://x.test/", **ELEVEN), "INVALID_SETTINGS", "endpoint.url"),
    (voiced("http://x.test/", type="open_ai", model="tts-1", voice="nova"), "INVALID_SETTINGS", "https"),
    (voiced("https://[x.test/", type="open_ai", model="tts-1", voice="nova"), "INVALID_SETTINGS", "no URL"),
    (voiced(None, **CARTESIA, volume=3), "INVALID_SETTINGS", "volume"),
    (voiced(None, **POLLY, language="en-US"), "INVALID_SETTINGS", "agent.speak.endpoint"),
    (voiced("https://x.test/", **POLLY), "UNPARSABLE_CLIENT_MESSAGE", "agent.speak.provider.language"),
    (
        voiced("https://x.test/", **{**POLLY, "language": "en-US", "credentials": {**IAM, "type": "sts"}}),
        "INVALID_SETTINGS",
        "session_token",
    ),
    (
        think({"type": "aws_bedrock", "model": "x", "credentials": {**IAM, "type": "sts"}}, endpoint=ANYWHERE),
        "INVALID_SETTINGS",
        "agent.think.provider.credentials.session_token",
    ),
    (
        settings({"think": [{"provider": OPEN_AI}, {"provider": {**OPEN_AI, "temperature": 3}}]}),
        "INVALID_SETTINGS",
        "agent.think[1].provider.temperature",
    ),
    (
        think(OPEN_AI, functions=[{"name": "f"}, {"name": "g", "initial_agent_filler": True}]),
        "INVALID_SETTINGS",
        "agent.think.functions[1]",
    ),
    (
        settings({"speak": [{"provider": {"type": "deepgram", **AURA}}, {"provider": OPEN_AI_VOICE}]}),
        "INVALID_SETTINGS",
        "agent.speak[1].endpoint",
    ),
    (listen(model="nova-2", keyterms=["word"]), "FAILED_TO_START_LISTENING", "keyterms"),
    (speak(model="aura-2-thalia-en", expressivity=1), "INVALID_SETTINGS", "expressivity"),
    (
        settings({"speak": {"provider": {"type": "open_ai", "model": "tts-1", "voice": "nova"}}}),
        "INVALID_SETTINGS",
        "endpoint",
    ),
    (
        settings({"think": {"provider": {"type": "deepgram", "model": "think-fast"}}}, mip_opt_out=True),
        "INVALID_SETTINGS",
        "think-fast",
    ),
    (
        settings({"think_live": {"provider": {"type": "deepgram", "version": "v1"}}}),
        "UNPARSABLE_CLIENT_MESSAGE",
        "think_live",
    ),
    (settings({"context": {"messages": [{"type": "History", "role": "user"}]}}), "UNPARSABLE_CLIENT_MESSAGE", "[0]"),
    (
        settings(
            {"context": {"messages": [{"type": "History", "role": "user", "content": "x", "function_calls": []}]}}
        ),
        "UNPARSABLE_CLIENT_MESSAGE",
        "[0]",
    ),
]


@pytest.mark.parametrize(("message", "code", "named"), REFUSED)
def test_values_that_are_refused(message: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(rules.RefusedError) as refused:
        judge(message)
    assert refused.value.code == code
    assert named in refused.value.description


@pytest.mark.parametrize(
    "message",
    [
        WHOLE | {"mip_opt_out": False},
        settings(),
        audio(input={"encoding": "linear16", "sample_rate": 16000}, output={"encoding": "linear16"}),
        audio(input={"encoding": "alaw", "sample_rate": 8000}, output={"encoding": "alaw", "sample_rate": 8000}),
        listen(model="nova-3", language="multi", keyterms=["word"] * 245, smart_format=True),
        listen(version="v2", model="flux-general-multi", language_hints=["en"], eot_threshold=1.0),
        audio(
            input={"encoding": "linear16", "sample_rate": 44100}, output={"encoding": "linear16", "sample_rate": 44100}
        ),
        audio(input={"encoding": "linear32", "sample_rate": 16000}, output={"encoding": "mulaw", "sample_rate": 16000}),
        said(AURA, encoding="mulaw", sample_rate=8000, container="wav"),
        said(AURA, encoding="mp3", container="none"),
        voiced("wss://x.test/multi-stream-input", **ELEVEN),
        voiced("http://127.0.0.1:9/", type="open_ai", model="tts-1", voice="nova"),
        voiced(None, **CARTESIA, volume=0.5),
        speak(model="flux-amelie-fr", version="v2"),
        speak(model="aura-2-agathe-fr"),
        speak(model="aura-asteria-en"),
        speak(model="flux-kit-en", version="v2", speed=0.5, expressivity=-2),
        think({"type": "groq", "model": "openai/gpt-oss-20b"}, endpoint={"url": "https://example.test"}),
        think({"type": "deepgram", "model": "think-fast"}),
    ],
)
def test_values_that_are_taken(message: dict[str, Any]) -> None:
    judge(message)


def test_a_project_without_the_deepgram_model_refuses_it_as_unparsable() -> None:
    message = think({"type": "deepgram", "model": "think-fast"})
    for project in (rules.Project(deepgram_think=False), rules.Project(think_providers=frozenset({"open_ai"}))):
        with pytest.raises(rules.RefusedError) as refused:
            judge(message, project)
        assert refused.value.code == "UNPARSABLE_CLIENT_MESSAGE"
        assert "agent.think.provider.type" in refused.value.description


def test_think_live_is_taken_where_the_project_has_it() -> None:
    live = {"provider": {"type": "deepgram", "version": "v1"}}
    functions = [{"name": "f", "agent_filler_max_count": 1, "agent_filler_interval_ms": 2000}]
    judge(
        settings({"think_live": live, "think": {"provider": OPEN_AI, "functions": functions}}),
        rules.Project(think_live=True),
    )
    functions[0]["agent_filler_interval_ms"] = 10
    with pytest.raises(rules.RefusedError):
        judge(
            settings({"think_live": live, "think": {"provider": OPEN_AI, "functions": functions}}),
            rules.Project(think_live=True),
        )


@pytest.mark.parametrize(
    ("voice", "output", "why"),
    [
        ({**AURA, "speed": 1.23}, None, ""),
        ({**AURA, "speed": 2}, None, "range"),
        ({**AURA, "speed": 0.6}, None, "range"),
        ({**FLUX, "speed": 0.55}, None, ""),
        ({**FLUX, "speed": 1.03}, None, "0.05"),
        ({**FLUX, "speed": 1.6}, None, "range"),
        (AURA, {"encoding": "mp3", "container": "none"}, "UNSUPPORTED_AUDIO_FORMAT"),
        (AURA, {"encoding": "mulaw", "container": "none"}, ""),
    ],
)
def test_what_passes_the_settings_and_fails_when_something_is_to_be_said(voice: Any, output: Any, why: str) -> None:
    message = settings(
        {"speak": {"provider": {"type": "deepgram", **voice}}}, audio={} if output is None else {"output": output}
    )
    judge(message)
    parsed = m.parse(json.dumps(message).encode())
    assert isinstance(parsed, m.Settings)
    assert isinstance(parsed.agent, m.Agent)
    assert isinstance(parsed.agent.speak, m.Speak)
    asked = parsed.audio.output or None
    said_why = rules.why_it_cannot_speak(parsed.agent.speak.provider, asked)
    assert why in said_why
    assert bool(said_why) is bool(why)


def test_models_and_voices_that_are_not_known_can_be_taken_or_not() -> None:
    entry = m.Think(provider=m.OpenAiThink(model="gpt-4o-mni"))
    assert rules.why_it_cannot_think(entry, rules.Project()) == ""
    strict = rules.Project(any_model=False)
    assert "no such model" in rules.why_it_cannot_think(entry, strict)
    for fine in (
        m.Think(provider=m.OpenAiThink(model="gpt-4o-mini")),
        m.Think(provider=m.OpenAiThink(model="mine"), endpoint=m.Endpoint(url="https://example.test")),
        m.Think(provider=m.GroqThink(model="anything")),
    ):
        assert rules.why_it_cannot_think(fine, strict) == ""
    judge(speak(model="aura-2-brandnew-en"), rules.Project(any_voice=True))
    with pytest.raises(rules.RefusedError):
        judge(speak(model="aura-2-brandnew-en", version="v2"), rules.Project(any_voice=True))


@pytest.mark.parametrize("head", [b"RIFF\x00\x00", b"OggS", b"fLaC", b"ID3\x04"])
def test_a_file_is_no_raw_audio(head: bytes) -> None:
    with pytest.raises(rules.RefusedError) as refused:
        rules.check_first_audio(head + bytes(100))
    assert refused.value.code == "USER_AUDIO_FORMAT"
    rules.check_first_audio(b"\xff" * 160)
