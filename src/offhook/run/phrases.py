"""Loads our own spoken phrases from the package. Not a synthesiser: they were recorded once, as 8 kHz µ-law."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from offhook.call.ports import Phrases


@cache
def load_phrases() -> Phrases:
    """Return the phrases, read once per process."""
    folder = files("offhook") / "assets" / "phrases"
    return Phrases(*((folder / f"{name}.ulaw").read_bytes() for name in ("hold", "apology", "limit")))
