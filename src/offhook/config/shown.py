"""The settings as they may be shown to anybody: every key with its value, secrets masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from offhook.config.load import Loaded


def masked(secret: SecretStr) -> str:
    """Return a word for a secret that tells whether it is set and how long it is, and nothing else."""
    return f"set ({len(secret.get_secret_value())} chars)"


def shown(value: Any) -> Any:
    """Return any setting as plain JSON-ready values, secrets masked."""
    if isinstance(value, SecretStr):
        return masked(value)
    if isinstance(value, BaseModel):
        return {name: shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: shown(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [shown(inner) for inner in value]
    return value


def rows(loaded: Loaded) -> Iterator[tuple[str, Any, str]]:
    """Yield key, shown value and origin of every setting that has a value of its own."""
    yield from _rows(loaded, loaded.settings, "")


def _rows(loaded: Loaded, value: Any, key: str) -> Iterator[tuple[str, Any, str]]:
    inner: dict[str, Any] | None = None
    if isinstance(value, BaseModel):
        inner = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, dict) and any(isinstance(entry, BaseModel) for entry in value.values()):
        inner = value
    if inner is None:
        yield key, shown(value), loaded.origin(key)
        return
    for name, entry in inner.items():
        yield from _rows(loaded, entry, f"{key}.{name}" if key else name)
