"""The free mind against a small real HTTP server that speaks the streaming chat format."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from offhook.errors import AgentUnavailable, ConfigError
from offhook.offline.ports import Called, CallFunctions, Conversation, FunctionSpec, Said, Say
from offhook.offline.speech.llm import LanguageModel, chat_url, clean, messages_from, split
from offhook.offline.speech.mind import SpeakingMind

DEADLINE_S = 20.0


class Endpoint:
    """Answers every chat request with ``deltas``, and keeps what it was asked."""

    def __init__(self, deltas: list[dict[str, Any]], status: int = 200) -> None:
        self.deltas = deltas
        self.status = status
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        if self.status != 200:
            return web.Response(status=self.status)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": a comment\n\ndata: not json\n\ndata: []\n\n")
        for delta in self.deltas:
            await answer.write(b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n")
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "tiny"}]})


@asynccontextmanager
async def serving(endpoint: Endpoint) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.chat)
    app.router.add_get("/v1/models", endpoint.models)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def model_at(url: str) -> AsyncIterator[LanguageModel]:
    model = LanguageModel(url, lambda _: None)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await model.start()
            yield model
    finally:
        await model.close()


async def test_sentences_leave_as_they_are_complete() -> None:
    endpoint = Endpoint(
        [
            {"role": "assistant"},
            {"content": "We open at **ni"},
            {"content": "ne**. And"},
            {"content": " close at five!"},
        ]
    )
    async with serving(endpoint) as url, model_at(url) as model:
        talk = Conversation(
            "You run a shop.", "Hello!", [Said("assistant", "Hm.", interrupted=True), Said("user", "Hours?")]
        )
        actions = [a async for a in model.brain({"think": {"provider": {"temperature": 0.2}}}).reply(talk)]
    assert actions == [Say("We open at nine."), Say("And close at five!")]
    (asked,) = endpoint.asked
    assert (asked["model"], asked["stream"], asked["temperature"]) == ("tiny", True, 0.2)
    assert [m["role"] for m in asked["messages"]] == ["system", "assistant", "assistant", "user"]
    assert asked["messages"][0]["content"].startswith("You run a shop.")
    assert asked["messages"][2]["content"] == "Hm. (the caller interrupted)"
    assert "tools" not in asked


async def test_tool_calls_become_function_calls() -> None:
    endpoint = Endpoint(
        [
            {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "find", "arguments": '{"da'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": 'te": "x"}'}}]},
            {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "hang_up", "arguments": ""}}]},
        ]
    )
    functions = [FunctionSpec("find", "Find it", {"type": "object"}), FunctionSpec("hang_up")]
    async with serving(endpoint) as url, model_at(f"{url}/v1/") as model:
        talk = Conversation(history=[Said("user", "Find it")], functions=functions)
        actions = [a async for a in model.brain({}).reply(talk)]
    assert actions == [
        CallFunctions((Called("c1", "find", '{"date": "x"}', None), Called("c2", "hang_up", "{}", None)))
    ]
    assert [tool["function"]["name"] for tool in endpoint.asked[0]["tools"]] == ["find", "hang_up"]


async def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_LLM_API_KEY", "k")
    monkeypatch.setenv("OFFHOOK_LLM_MODEL", "mine")
    endpoint = Endpoint([{"content": "Yes"}])
    async with serving(endpoint) as url, model_at(f"{url}/v1/chat/completions") as model:
        assert [a async for a in model.brain({}).reply(Conversation())] == [Say("Yes")]
    assert endpoint.keys == ["Bearer k"]
    assert endpoint.asked[0]["model"] == "mine"


async def test_an_answer_that_is_discarded_closes_its_request() -> None:
    endpoint = Endpoint([{"content": "One. "}, {"content": "Two. "}] * 50)
    async with serving(endpoint) as url, model_at(url) as model:
        answer = model.brain({}).reply(Conversation(history=[Said("user", "Count")]))
        assert await anext(answer) == Say("One.")
        await answer.aclose()  # type: ignore[attr-defined]


async def test_a_model_that_says_nothing_does_not_leave_the_caller_in_silence() -> None:
    async with serving(Endpoint([{"role": "assistant"}, {"content": " "}])) as url, model_at(url) as model:
        actions = [a async for a in model.brain({}).reply(Conversation(history=[Said("user", "Hm")]))]
    assert actions == [Say("Sorry, could you say that again?")]


async def test_an_endpoint_that_fails_is_unavailable() -> None:
    endpoint = Endpoint([], status=500)
    async with serving(endpoint) as url, model_at(url) as model:
        with pytest.raises(AgentUnavailable):
            [a async for a in model.brain({}).reply(Conversation())]


async def test_nobody_there_is_a_configuration_error_without_the_path() -> None:
    model = LanguageModel("http://127.0.0.1:9/secret/v1", lambda _: None)
    with pytest.raises(ConfigError) as refused:
        await model.start()
    await model.close()
    assert "nothing answers at http://127.0.0.1:9" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_file_that_is_not_there_is_named() -> None:
    told: list[str] = []
    mind = SpeakingMind("nowhere/model.gguf", told.append)
    with pytest.raises(ConfigError, match=r"no file nowhere.model\.gguf"):
        await mind.start()
    await mind.close()
    assert told == []  # before anything was loaded


def test_the_history_is_bounded_and_holds_function_results() -> None:
    history: list[Said | Called] = [Said("user", str(n)) for n in range(100)]
    history.append(Called("c1", "find", "{}", "found"))
    messages = messages_from(Conversation("p", history=history))
    assert len(messages) == 1 + 39 + 2
    assert messages[-1] == {"role": "tool", "tool_call_id": "c1", "content": "found"}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
        ("https://h/api/chat/completions?v=2", "https://h/api/chat/completions?v=2"),
    ],
)
def test_addresses_as_people_paste_them(base: str, url: str) -> None:
    assert chat_url(base) == url


def test_a_sentence_without_end_is_cut_at_a_clause() -> None:
    endless = "and so on, " * 30
    *complete, rest = split(endless)
    assert complete
    assert (" ".join(complete) + " " + rest).split() == endless.split()


def test_nobody_speaks_markup() -> None:
    assert clean("- **Bold**  and `code`") == "Bold and code"
