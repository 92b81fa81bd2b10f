"""The JSON Schema of a scenario file, for editors: made from the types that read it."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from offhook.scenario.shape import Scenario

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema as a dictionary (draft 2020-12)."""
    built = msgspec.json.schema(Scenario)
    for definition in built["$defs"].values():
        if definition.get("type") == "object" and "properties" in definition:
            definition["additionalProperties"] = False
        for value in definition.get("properties", {}).values():
            if value.get("uniqueItems") and "default" in value:  # a set has no order of its own
                value["default"] = sorted(value["default"])
        if "description" in definition:  # one sentence is what an editor shows
            definition["description"] = " ".join(definition["description"].split("\n\n")[0].split())
    return {"$schema": DRAFT, "title": "offhook scenario", **built}


def schema_text() -> str:
    """Return the schema as the text that is committed and printed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
