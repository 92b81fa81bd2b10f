"""What people paste, without what came along: quotes, a name before it, a path behind it. Pure; judges nothing."""

from __future__ import annotations

import re
from typing import Final

_QUOTES: Final = "\"'`“”‘’"
_COMMAND: Final = re.compile(r"(?i)(?:\S*[\\/])?ngrok(?:\.exe)?\s+(?:config\s+add-authtoken|authtoken)\s+")
_AROUND: Final = " \t\r\n\ufeff\u200b\u00a0"


def credential(text: str, name: str) -> str:
    """Return a key alone, where it was pasted with its variable's name, in quotes, or with a comma behind it.

    ngrok's pages show its token inside a command, which is what gets copied.
    """
    bare = text.strip(_AROUND)
    named = re.match(rf"(?i)(?:export\s+|set\s+|\$env:)?{re.escape(name)}\s*[=:]\s*", bare) or _COMMAND.match(bare)
    if named is not None:
        bare = bare[named.end() :]
    return bare.strip(_AROUND + _QUOTES + ",;")


def address(text: str) -> str:
    """Return a web address with its scheme, which people leave away."""
    bare = text.strip(_AROUND + _QUOTES).rstrip("/")
    return bare if not bare or "://" in bare else f"https://{bare}"
