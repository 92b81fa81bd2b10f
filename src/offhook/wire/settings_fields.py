"""Which field of our Settings the vendor's error names. Pure; keeps no other word of it: it may quote the prompt."""

from __future__ import annotations

import re
from typing import Final

_FIELD: Final = re.compile(
    r"\b(?:agent|audio|flags|settings)(?:(?:\.|\[)(?:listen|think|speak|provider|input|output|functions|context|model"
    r"|type|version|encoding|sample_rate|container|language|endpoint|url|headers|prompt|greeting|name|parameters"
    r"|temperature|[a-z]+_[a-z_]+|\d+)\]?)+"
)


def field_named(description: str) -> str:
    """Return the field that an error's ``description`` names, like ``agent.speak.provider.model``; or nothing."""
    found = _FIELD.search(description[:1000])
    return found[0] if found else ""
