"""Makes tables of a file format out of the dataclasses that do the work, so that neither can lag behind. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import Any, get_type_hints

import msgspec


def table_of(
    name: str,
    *kinds: type,
    tag: str | None = None,
    leave_out: Collection[str] = (),
    instead: dict[str, Any] | None = None,
) -> Any:
    """Return a strict msgspec struct with the fields of dataclasses, their types and their defaults.

    ``tag`` is the value of ``do`` that means this table. ``instead`` gives a field another type. A field whose type no
    file can hold (a callable, say) is left out.
    """
    fields = [
        (field, (instead or {}).get(field, kind), default)
        for field, kind, default in _fields(kinds)
        if field not in leave_out and (field in (instead or {}) or _fits_a_file(kind))
    ]
    doc = "\n".join(filter(None, (kind.__doc__ for kind in kinds[-1:])))
    return msgspec.defstruct(
        name,
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag_field="do" if tag else None,
        tag=tag,
        namespace={"__doc__": doc},
    )


def snake(name: str) -> str:
    """Return a class name as a word of a file: StopReading → stop_reading."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def given(table: Any) -> dict[str, Any]:
    """Return the fields of a table as arguments for the dataclass it was made of."""
    return msgspec.structs.asdict(table)


def _fields(kinds: tuple[type, ...]) -> Iterator[tuple[str, Any, Any]]:
    for kind in kinds:
        hints = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            if field.default is not dataclasses.MISSING:
                yield field.name, hints[field.name], field.default
            elif field.default_factory is not dataclasses.MISSING:
                yield field.name, hints[field.name], msgspec.field(default_factory=field.default_factory)


def _fits_a_file(kind: Any) -> bool:
    try:
        msgspec.json.schema(kind)
    except TypeError:
        return False
    return True
