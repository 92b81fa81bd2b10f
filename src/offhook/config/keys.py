"""Every setting as a list: its key, its environment name, its type and meaning. Read from the parts themselves."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from offhook.config.settings import Settings

PREFIX = "OFFHOOK_"
#: Names that platforms and vendors already use, honoured as they are.
PLATFORM_NAMES: Mapping[str, str] = {
    "DEEPGRAM_API_KEY": "deepgram.api_key",
    "DEEPGRAM_AGENT_URL": "deepgram.agent_url",
    "TWILIO_ACCOUNT_SID": "twilio.account_sid",
    "TWILIO_AUTH_TOKEN": "twilio.auth_token",
    "TWILIO_PREVIOUS_AUTH_TOKEN": "twilio.previous_auth_token",
    "TWILIO_API_KEY": "twilio.api_key",
    "TWILIO_API_SECRET": "twilio.api_secret",
    "TWILIO_API_URL": "twilio.api_url",
    "PORT": "server.port",
    "RAILWAY_TOKEN": "railway.token",
    "RAILWAY_API_TOKEN": "railway.api_token",
    "OFFHOOK_PUBLIC_URL": "server.public_url",
}
#: Names of ours that are no setting: where the file is, what the offline agent and the tests read.
OTHER_NAMES = frozenset(
    {
        "OFFHOOK_ALL_PROMPTS",
        "OFFHOOK_CACHE",
        "OFFHOOK_CONFIG",
        "OFFHOOK_EXAMPLES",
        "OFFHOOK_LLM_API_KEY",
        "OFFHOOK_LLM_MODEL",
        "OFFHOOK_PIPECAT_PYTHON",
        "OFFHOOK_SETUP_MARK",
        "OFFHOOK_SETUP_POSTGRES",
        "OFFHOOK_SETUP_REDIS",
        "OFFHOOK_VENDOR_CONTRACTS",
    }
)

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. ``path`` has ``NAME`` or ``NUMBER`` where a table has names of its own."""

    path: Path
    field: FieldInfo

    @property
    def dotted(self) -> str:
        """The key as it is written, like ``agent.listen.model``."""
        return ".".join(self.path)

    @property
    def env(self) -> str:
        """The environment variable of ours that sets it."""
        return PREFIX + "__".join(self.path).upper()

    @property
    def names(self) -> tuple[str, ...]:
        """Every environment variable that sets it; the platform's own first."""
        platform = tuple(name for name, dotted in PLATFORM_NAMES.items() if dotted == self.dotted)
        return (*platform, self.env)

    @property
    def is_secret(self) -> bool:
        """Whether the value is never shown."""
        return _holds(self.field.annotation, SecretStr)


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types an annotation allows, through unions, Annotated and None."""
    if get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    elif hasattr(annotation, "__metadata__"):
        yield from _members(get_args(annotation)[0])
    elif annotation is not type(None):
        yield annotation


def _holds(annotation: Any, wanted: type) -> bool:
    return any(
        member is wanted or (get_origin(member) is dict and _holds(get_args(member)[1], wanted))
        for member in _members(annotation)
    )


def part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the part an annotation stands for, where it is one."""
    for member in _members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def table_of(annotation: Any) -> Any | None:
    """Return the type of a table's values, where the annotation is a table with names of its own."""
    for member in _members(annotation):
        if get_origin(member) is dict:
            return get_args(member)[1]
    return None


def item_of(annotation: Any) -> Any | None:
    """Return the type of a list's items, where the annotation is a list."""
    for member in _members(annotation):
        if get_origin(member) in (tuple, list):
            return get_args(member)[0]
    return None


def is_text(annotation: Any) -> bool:
    """Say whether a value from the environment is taken as it is, rather than read as JSON."""
    return all(get_origin(member) in (None, Literal) and part_of(member) is None for member in _members(annotation))


def annotation_at(path: tuple[str | int, ...], annotation: Any = Settings) -> Any | None:
    """Return the type at a path such as ``("agents", "sales", "greeting")``; None where there is no such setting."""
    for step in path:
        part, values = part_of(annotation), table_of(annotation)
        if isinstance(step, int):
            annotation = item_of(annotation)
        elif part is not None:
            annotation = part.model_fields[step].annotation if step in part.model_fields else None
        else:
            annotation = values
        if annotation is None:
            return None
    return annotation


def names_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the keys a table may have; empty where its names are free."""
    part = part_of(annotation_at(path))
    return tuple(part.model_fields) if part is not None else ()


@cache
def every_key() -> tuple[Key, ...]:
    """Return every setting that has a value of its own, in the order of the file."""
    return tuple(_keys_of(Settings, ()))


def _keys_of(part: type[BaseModel], under: Path) -> Iterator[Key]:
    for name, field in part.model_fields.items():
        inner, values = part_of(field.annotation), table_of(field.annotation)
        named = part_of(values) if values is not None else None
        if inner is not None and field.annotation is not None and not _is_optional(field.annotation):
            yield from _keys_of(inner, (*under, name))
        elif named is not None and not under:
            yield from _keys_of(named, (name, "NUMBER" if name == "numbers" else "NAME"))
        else:
            yield Key((*under, name), field)


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)
