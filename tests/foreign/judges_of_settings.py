"""Two judges of what we send that nobody here wrote: deepgram-sdk's types and the vendor's AsyncAPI document."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from deepgram.agent.v1.types import AgentV1Settings
from pydantic import BaseModel, TypeAdapter

# What the vendor takes today (its docs; deepgram-sdk 7.17) and its AsyncAPI document of July 2026 does not know.
# The same list, in words: docs/topics/vendor-contracts.md.
#: Think providers that came later.
NEWER_PROVIDERS = frozenset({"deepgram"})
#: Fields that came later, by the schema they belong to.
NEWER_FIELDS = {
    "ThinkSettingsV1FunctionsItems": {"defer_until_eot": {"type": "boolean"}},
    "SpeakSettingsV1Provider1": {"speed": {"type": "number"}, "expressivity": {"type": "integer"}},
}
#: Lists of values that have grown: every list of models, and Google's API versions.
GROWN_LISTS = ("Model", "ModelId", "GoogleThinkProviderVersion")


def unknown_to_the_sdk(message: dict[str, Any]) -> list[str]:
    """Validate with the SDK's types, strictly; return the path of every field they do not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's own deprecations
        parsed = TypeAdapter(AgentV1Settings).validate_python(message)
    return list(_extras(parsed, ""))


def _extras(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _extras(item, f"{path}[{index}]")


@cache
def _document(folder: Path) -> dict[str, Any]:
    return yaml.load((folder / "deepgram-asyncapi-2026-07.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)


@cache
def settings_judge(folder: Path) -> jsonschema.protocols.Validator:
    """Return a validator of the document's Settings message in which unknown fields are errors, as at the vendor."""
    document = _document(folder)
    schemas = {name: _amended(name, schema) for name, schema in document["components"]["schemas"].items()}
    return jsonschema.Draft202012Validator(
        {"$ref": _settings_reference(document), "components": {"schemas": _strict(schemas)}}
    )


def _amended(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name.endswith(GROWN_LISTS):
        return {word: value for word, value in schema.items() if word != "enum"}
    if name in NEWER_FIELDS:
        return schema | {"properties": schema["properties"] | NEWER_FIELDS[name]}
    return schema


def _settings_reference(document: dict[str, Any]) -> str:
    for name, message in document["components"]["messages"].items():
        if name.lower().endswith("agentv1settings"):
            return str(message["payload"]["$ref"])
    raise LookupError("the document has no Settings message")


def _strict(node: Any) -> Any:
    """Close every object that lists its properties and is not joined with another."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _strict(value) for name, value in node.items()}
    if closed.get("type") == "object" and closed.get("properties") and "allOf" not in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def without_the_newer(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message without think entries whose provider is newer than the document."""
    think = message["agent"]["think"]
    entries = think if isinstance(think, list) else [think]
    kept = [entry for entry in entries if entry["provider"]["type"] not in NEWER_PROVIDERS]
    agent = {name: value for name, value in message["agent"].items() if name != "think"}
    if kept:
        agent["think"] = kept if isinstance(think, list) else kept[0]
    return message | {"agent": agent}
