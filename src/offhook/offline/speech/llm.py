"""A free mind: any OpenAI-compatible chat endpoint, streamed sentence by sentence. Not a model and no dialogue.

A URL is used as it is; a GGUF file is served by `gguf` first. The key comes from ``OFFHOOK_LLM_API_KEY``, the model's
name from ``OFFHOOK_LLM_MODEL`` or the endpoint's own list. Functions are offered to endpoints, never to GGUF files:
models small enough to live in one invent arguments.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from offhook.errors import AgentUnavailable, ConfigError
from offhook.offline.ports import BrainAction, Called, CallFunctions, Conversation, Said, Say
from offhook.offline.speech.gguf import GgufServer

CONNECT_S: Final = 5.0
#: Between two pieces of an answer; the first one of a big model on a small machine takes longest.
PIECE_S: Final = 30.0
#: What goes to the model: older entries are left out.
HISTORY: Final = 40
MAX_ANSWER_CHARS: Final = 2000
_MAX_LINE_BYTES: Final = 1 << 20
_LONGEST_SENTENCE: Final = 240
_MAX_TOKENS: Final = 300
_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=\S)|\n+")
_CLAUSE: Final = re.compile(r"(?<=[,;:])\s+")
_UNSPOKEN: Final = re.compile(r"[*_#`]+")
_NOTHING_SAID: Final = "Sorry, could you say that again?"
_STYLE: Final = "You are on the telephone. Answer in one or two short spoken sentences, without lists, markup or emoji."


class LanguageModel:
    """An endpoint, shared by all calls."""

    def __init__(self, place: str, progress: Callable[[str], None]) -> None:
        if not _is_address(place) and not Path(place).is_file():
            raise ConfigError([f"--llm: there is no file {place}; give a .gguf file or an http(s) URL"])
        self._place = place
        self._progress = progress
        self._gguf: GgufServer | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self.model = os.environ.get("OFFHOOK_LLM_MODEL", "")

    async def start(self) -> None:
        """Start a server for a GGUF file, and ask the endpoint for its model. `ConfigError` where that fails."""
        base = self._place
        if not _is_address(base):
            self._progress("loading the language model")
            self._gguf = GgufServer(Path(base))
            base = await self._gguf.start()
        self.url = chat_url(base)
        key = os.environ.get("OFFHOOK_LLM_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=PIECE_S),
            read_bufsize=_MAX_LINE_BYTES,
        )
        self.model = self.model or await self._first_model()

    async def _first_model(self) -> str:
        assert self._session is not None
        try:
            async with asyncio.timeout(CONNECT_S + PIECE_S):
                async with self._session.get(self.url.replace("/chat/completions", "/models")) as answer:
                    if answer.status in (401, 403):
                        raise ConfigError(["--llm: the endpoint wants a key; set OFFHOOK_LLM_API_KEY"])
                    listed = await answer.json(content_type=None) if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            where = urlsplit(self.url)
            raise ConfigError(
                [f"--llm: nothing answers at {where.scheme}://{where.hostname}:{where.port or 'default port'}"]
            ) from error
        except ValueError:
            listed = {}
        models = listed.get("data") if isinstance(listed, dict) else None
        first = models[0] if isinstance(models, list) and models else {}
        return str(first.get("id", "default")) if isinstance(first, dict) else "default"

    def brain(self, settings: Mapping[str, Any]) -> LanguageBrain:
        """Make a brain for one call; of the Settings only ``temperature`` applies."""
        assert self._session is not None, "start() first"
        return LanguageBrain(
            self._session, self.url, self.model, may_call=self._gguf is None, temperature=_temperature(settings)
        )

    async def close(self) -> None:
        """Close the connection and the server, if there is one."""
        if self._session is not None:
            await self._session.close()
        if self._gguf is not None:
            await self._gguf.close()


def _is_address(place: str) -> bool:
    return re.match(r"https?://", place) is not None


def chat_url(base: str) -> str:
    """Return the chat endpoint for what people paste: the host, its ``/v1``, or the whole address."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _temperature(settings: Mapping[str, Any]) -> float | None:
    think = settings.get("think")
    first = think[0] if isinstance(think, list) and think else think
    provider = first.get("provider") if isinstance(first, Mapping) else None
    value = provider.get("temperature") if isinstance(provider, Mapping) else None
    return value if isinstance(value, int | float) else None


@dataclass(slots=True)
class _Wanted:
    """A tool call as it grows, piece by piece."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class LanguageBrain:
    """Answers one caller; see `offhook.offline.ports.Brain`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        model: str,
        *,
        may_call: bool,
        temperature: float | None = None,
    ) -> None:
        self._session = session
        self._url = url
        self._model = model
        self._may_call = may_call
        self._temperature = temperature

    async def reply(self, conversation: Conversation) -> AsyncIterator[BrainAction]:
        """Yield each sentence as soon as it is complete, then the calls. `AgentUnavailable` where the model fails."""
        wanted: dict[int, _Wanted] = {}
        text, length = "", 0
        try:
            async with await self._asked(self._request(conversation)) as answer:
                if answer.status != 200:
                    raise AgentUnavailable(endpoint="llm", status=answer.status)
                async for piece in _pieces(answer):
                    _collect(piece, wanted)
                    text += piece.get("content") or ""
                    *complete, text = split(text)
                    for sentence in complete:
                        yield Say(sentence)
                        length += len(sentence)
                    if length > MAX_ANSWER_CHARS:
                        return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AgentUnavailable(endpoint="llm", kind=type(error).__name__) from error
        if rest := clean(text):
            yield Say(rest)
        calls = tuple(
            Called(w.id or f"call_{n}", w.name, "".join(w.arguments) or "{}", None) for n, w in wanted.items() if w.name
        )
        if calls and self._may_call:
            yield CallFunctions(calls)
        elif not (length or rest):  # a caller who hears nothing thinks the line is dead
            yield Say(_NOTHING_SAID)

    async def close(self) -> None:
        """Nothing is held: the connection belongs to the language model."""

    async def _asked(self, body: dict[str, Any]) -> aiohttp.ClientResponse:
        """Send the request; once more where the endpoint had just closed the connection that was kept."""
        try:
            return await self._session.post(self._url, json=body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            return await self._session.post(self._url, json=body)

    def _request(self, conversation: Conversation) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages_from(conversation),
            "stream": True,
            "max_tokens": _MAX_TOKENS,
        }
        if self._temperature is not None:
            body["temperature"] = self._temperature
        if self._may_call and conversation.functions:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": f.name,
                        "description": f.description,
                        "parameters": f.parameters or {"type": "object", "properties": {}},
                    },
                }
                for f in conversation.functions
            ]
        return body


def messages_from(conversation: Conversation) -> list[dict[str, Any]]:
    """Write the conversation as chat messages: the system's first, then the last `HISTORY` entries."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": f"{conversation.prompt}\n\n{_STYLE}".strip()}]
    if conversation.greeting:
        messages.append({"role": "assistant", "content": conversation.greeting})
    for entry in conversation.history[-HISTORY:]:
        match entry:
            case Said(role, content, interrupted):
                messages.append(
                    {"role": role, "content": f"{content} (the caller interrupted)" if interrupted else content}
                )
            case Called(id, name, arguments, response):
                call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
                messages.append({"role": "tool", "tool_call_id": id, "content": response or ""})
    return messages


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the ``delta`` of each server-sent event; what is not one is passed over."""
    async for line in answer.content:
        field_name, _, value = line.decode("utf-8", "replace").strip().partition(":")
        if field_name != "data":
            continue
        if value.strip() == "[DONE]":
            return
        try:
            choices = json.loads(value).get("choices") or [{}]
            delta = choices[0].get("delta")
        except (ValueError, AttributeError, IndexError, TypeError):
            continue
        if isinstance(delta, dict):
            yield delta


def _collect(piece: Mapping[str, Any], wanted: dict[int, _Wanted]) -> None:
    for call in piece.get("tool_calls") or ():
        one = wanted.setdefault(call.get("index", 0), _Wanted())
        one.id = call.get("id") or one.id
        function = call.get("function") or {}
        one.name = one.name or function.get("name") or ""
        one.arguments.append(function.get("arguments") or "")


def split(text: str) -> list[str]:
    """Return the complete sentences of ``text``, ready to speak, and last what is not complete yet, as it is."""
    *complete, rest = _SENTENCE.split(text)
    if len(rest) > _LONGEST_SENTENCE:
        *clauses, rest = _CLAUSE.split(rest)
        complete.extend([" ".join(clauses)] if clauses else [])
    return [*filter(None, map(clean, complete)), rest]


def clean(text: str) -> str:
    """Take out what nobody speaks: markup, bullets, doubled spaces."""
    return re.sub(r"\s+", " ", _UNSPOKEN.sub("", re.sub(r"^\s*[-•]\s+", "", text))).strip()
