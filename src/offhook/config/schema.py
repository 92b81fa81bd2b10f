"""The JSON Schema of offhook.toml, for editors. Secrets are not in it: they do not belong in the file."""

from __future__ import annotations

import json
from typing import Any

from offhook.config.keys import every_key
from offhook.config.settings import Settings


def schema() -> dict[str, Any]:
    """Return the schema as a dictionary (draft 2020-12)."""
    built = Settings.model_json_schema()
    for key in every_key():
        if key.is_secret and len(key.path) == 2:
            part = built["properties"][key.path[0]]
            definition = built["$defs"][part["$ref"].rpartition("/")[2]]
            definition["properties"].pop(key.path[1])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "offhook.toml"} | {
        name: value for name, value in built.items() if name != "title"
    }


def schema_text() -> str:
    """Return the schema as the text that is committed and printed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
