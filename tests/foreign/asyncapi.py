"""Judges messages of the offline agent by the vendor's AsyncAPI document. Its tolerances are those of the docs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import yaml

#: Newer than the AsyncAPI document of July 2026: messages, and fields.
NEWER_MESSAGES = {"FunctionCallCancelled"}
NEWER_FIELDS = {
    "ConversationText": {"conversational_behavior", "languages", "languages_hinted"},
    "LatencyReport": {"stt_latency"},
}
#: The document names this message after its direction.
RENAMED = {"FunctionCallResponse": "ReceiveFunctionCallResponse"}


@functools.cache
def _schemas(contracts: Path) -> Any:
    text = (contracts / "deepgram-asyncapi-2026-07.yml").read_text(encoding="utf-8")
    return yaml.load(text, yaml.CSafeLoader)["components"]["schemas"]


def judge(messages: Iterable[Any], contracts: Path) -> set[str]:
    """Assert that every message is one of the document's, with no field unknown to it; return the types judged."""
    schemas, judged = _schemas(contracts), set()
    for message in messages:
        kind = message["type"]
        if kind in NEWER_MESSAGES:
            assert not any(name.endswith(kind) for name in schemas), f"{kind} is in the document now"
            continue
        name = f"AgentV1_AgentV1{RENAMED.get(kind, kind)}"
        known = schemas[name].get("properties")
        if known is not None:
            assert set(message) - set(known) <= NEWER_FIELDS.get(kind, set()), f"{kind} has unknown fields"
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema.Draft202012Validator(whole).validate(message)
        judged.add(kind)
    return judged
