"""Builds the vendor's strict ``Settings`` from a profile. Pure. Sends only what is set: never null, nothing unknown.

Source: docs, "Configure the Voice Agent" and its pages for listen, think and speak; deepgram-sdk 7.17 types.
The result holds secrets of the endpoints in clear: it goes to the socket and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import SecretStr

from offhook.agent.providers import ThinkChoice
from offhook.config.agent import AgentProfile
from offhook.config.endpoint import Endpoint, FunctionDefinition, FunctionEndpoint
from offhook.config.listen import Listen
from offhook.config.speak import SpeakEntry
from offhook.config.think import ThinkEntry

#: Both vendors speak 8 kHz µ-law; a container would be heard as a click.
_AUDIO: Mapping[str, Mapping[str, Any]] = {
    "input": {"encoding": "mulaw", "sample_rate": 8000},
    "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
}
#: Vendors that call their model ``model_id``.
_MODEL_ID = frozenset({"eleven_labs", "cartesia"})


def settings_message(
    profile: AgentProfile,
    choice: ThinkChoice,
    *,
    context_messages: Iterable[Mapping[str, Any]] = (),
    greeting: bool = True,
) -> dict[str, Any]:
    """Return the ``Settings`` message for one call.

    ``context_messages`` are History items of the call so far, for an agent that takes over; they follow the profile's
    own. ``greeting=False`` leaves the greeting out: an agent that takes over must not greet again.
    """
    agent: dict[str, Any] = {}
    messages = [_context(message.role, message.content) for message in profile.context]
    messages += [dict(message) for message in context_messages]
    if messages:
        agent["context"] = {"messages": messages}
    agent["listen"] = {"provider": _listen(profile.listen)}
    agent["think"] = _one_or_many([_think(entry, profile) for entry in choice.entries])
    agent["speak"] = _one_or_many([_speak(entry) for entry in profile.speak.entries])
    if greeting and profile.greeting:
        agent["greeting"] = profile.greeting
    message: dict[str, Any] = {"type": "Settings"}
    if profile.tags:
        message["tags"] = list(profile.tags)
    if profile.mip_opt_out:
        message["mip_opt_out"] = True
    return message | {"audio": {side: dict(form) for side, form in _AUDIO.items()}, "agent": agent}


def _context(role: str, content: str) -> dict[str, Any]:
    return {"type": "History", "role": role, "content": content}


def _one_or_many(entries: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    return entries[0] if len(entries) == 1 else entries


def _set(**fields: Any) -> dict[str, Any]:
    """Return the fields that are set: neither None nor empty."""
    return {name: value for name, value in fields.items() if value is not None and value not in ((), [], {}, "")}


def _shown(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in secrets.items()}


def _listen(listen: Listen) -> dict[str, Any]:
    return {"type": "deepgram", "version": listen.version} | _set(
        model=listen.model,
        language=listen.language,
        smart_format=listen.smart_format,
        language_hints=list(listen.language_hints),
        eot_threshold=listen.eot_threshold,
        eager_eot_threshold=listen.eager_eot_threshold,
        eot_timeout_ms=listen.eot_timeout_ms,
        keyterms=list(listen.keyterms),
    )


def _think(entry: ThinkEntry, profile: AgentProfile) -> dict[str, Any]:
    """Build one entry. Prompt and functions are repeated in each: whether later ones inherit them is not documented."""
    provider = {"type": entry.provider} | _set(
        version=entry.version,
        model=entry.model,
        temperature=entry.temperature,
        reasoning_mode=entry.reasoning_mode,
        voice_prompt_opt_out=entry.voice_prompt_opt_out,
        credentials=_shown(entry.credentials),
    )
    return {"provider": provider | entry.options} | _set(
        endpoint=_endpoint(entry.endpoint),
        prompt=profile.prompt,
        functions=[_function(function) for function in profile.functions],
        context_length=entry.context_length,
    )


def _speak(entry: SpeakEntry) -> dict[str, Any]:
    model = {"model_id" if entry.provider in _MODEL_ID else "model": entry.model}
    provider = {"type": entry.provider} | _set(
        version=entry.version,
        **model,
        speed=entry.speed,
        expressivity=entry.expressivity,
        credentials=_shown(entry.credentials),
    )
    return {"provider": provider | entry.options} | _set(endpoint=_endpoint(entry.endpoint))


def _endpoint(endpoint: Endpoint | None) -> dict[str, Any] | None:
    """Build an endpoint. Headers are sent even where there are none: the schema's text calls them mandatory."""
    if endpoint is None:
        return None
    built: dict[str, Any] = {"url": endpoint.url}
    if isinstance(endpoint, FunctionEndpoint):
        built["method"] = endpoint.method
    return built | {"headers": _shown(endpoint.headers)}


def _function(function: FunctionDefinition) -> dict[str, Any]:
    return {"name": function.name, "parameters": function.parameters} | _set(
        description=function.description,
        endpoint=_endpoint(function.endpoint),
        defer_until_eot=function.defer_until_eot,
    )
