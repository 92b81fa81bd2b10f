"""Compares a tree from a file with types and names every difference, each with its place and what to do. Pure.

msgspec stops at the first; a person who writes a file wants all of them.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

Place = tuple[str | int, ...]

_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "null": "nothing",
}
_WHERE: Final = re.compile(r" - at `[^`]*`$")


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One problem: where, and in words what is wrong there."""

    place: Place
    words: str

    def __str__(self) -> str:
        return f"{said(self.place)}: {self.words}" if self.place else self.words


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: Any
    is_required: bool


def said(place: Place) -> str:
    """Return a place as people say it: `steps`, 2, `text` is "steps, no. 3: text"."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f" no. {step + 1}"
        else:
            text += f".{step}" if text else step
    return text


def differences(raw: Any, kind: Any, place: Place = ()) -> Iterator[Difference]:
    """Yield everything that keeps ``raw`` from being a ``kind``."""
    kind, bare = _without_notes(kind)
    if _is_table(bare):
        yield from _in_table(raw, bare, place)
        return
    members = [member for member in _members(bare) if member is not type(None)]
    tables = [member for member in members if _is_table(_without_notes(member)[1])]
    if tables and isinstance(raw, Mapping):
        yield from _in_one_of(raw, [_without_notes(table)[1] for table in tables], place)
    elif (item := _item(members)) is not None and isinstance(raw, list):
        for index, inner in enumerate(raw):
            yield from differences(inner, item, (*place, index))
        if not any(True for inner in raw for _ in differences(inner, item)):
            yield from _as_a_whole(raw, kind, place)
    elif (inner := _value(members)) is not None and isinstance(raw, Mapping):
        for name, value in raw.items():
            yield from differences(value, inner, (*place, str(name)))
    else:
        yield from _as_a_whole(raw, kind, place)


def _in_table(raw: Any, kind: Any, place: Place, *, tag: str | None = None) -> Iterator[Difference]:
    if not isinstance(raw, Mapping):
        yield Difference(place, f"must be a table, not {_what(raw)}")
        return
    known = {field.name: field for field in _fields(kind)}
    for name, value in raw.items():
        if name in known:
            yield from differences(value, known[name].kind, (*place, name))
        elif name != tag:
            yield Difference(
                (*place, name), f"is not known here; {_suggestion(name, [*known, *([tag] if tag else [])])}"
            )
    for name, field in known.items():
        if field.is_required and name not in raw:
            yield Difference(place, f"`{name}` is missing")


def _in_one_of(raw: Mapping[str, Any], tables: list[Any], place: Place) -> Iterator[Difference]:
    """Look at the table that the tag names; with one table there is no tag."""
    tag = tables[0].__struct_config__.tag_field if hasattr(tables[0], "__struct_config__") else None
    if tag is None:
        yield from _in_table(raw, tables[0], place)
        return
    by_word = {table.__struct_config__.tag: table for table in tables}
    word = raw.get(tag)
    if word is None:
        yield Difference(place, f"`{tag}` is missing: one of {', '.join(map(str, by_word))}")
    elif word not in by_word:
        yield Difference(
            (*place, tag), f"`{word}` is not known here; {_suggestion(str(word), list(map(str, by_word)))}"
        )
    else:
        yield from _in_table(raw, by_word[word], place, tag=tag)


def _as_a_whole(raw: Any, kind: Any, place: Place) -> Iterator[Difference]:
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        words = [word for member in _members(_without_notes(kind)[1]) for word in _words_of_a_choice(member)]
        if words and isinstance(raw, str):
            yield Difference(place, f"`{raw}` is not known here; {_suggestion(raw, words)}")
        else:
            yield Difference(place, _words(_WHERE.sub("", str(error))))


def _words_of_a_choice(kind: Any) -> list[str]:
    return [word for word in get_args(kind) if isinstance(word, str)] if get_origin(kind) is Literal else []


def _words(message: str) -> str:
    """Say a decoder's message for people."""
    wrong = re.fullmatch(r"Expected `(.+?)`, got `(\w+)`", message)
    if wrong:
        wanted = " or ".join(_KINDS.get(part, part) for part in wrong[1].split(" | ") if part != "null")
        return f"must be {wanted}, not {_KINDS.get(wrong[2], wrong[2])}"
    bound = re.fullmatch(r"Expected `(\w+)` (.+)", message)
    if bound:
        return f"must be {_KINDS.get(bound[1], bound[1])} {bound[2]}"
    return message[:1].lower() + message[1:]


def _what(raw: Any) -> str:
    for kind, word in ((bool, "bool"), (str, "str"), (int, "int"), (float, "float"), (list, "array")):
        if isinstance(raw, kind):
            return _KINDS[word]
    return "something else"


def _suggestion(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"


def _without_notes(kind: Any) -> tuple[Any, Any]:
    """Return a type and the same without `Annotated`."""
    bare = kind
    while get_origin(bare) is Annotated:
        bare = get_args(bare)[0]
    return kind, bare


def _members(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(inner for member in get_args(kind) for inner in _members(_without_notes(member)[1]))
    return (kind,)


def _item(members: list[Any]) -> Any | None:
    """Return what the list among the members holds, where that is worth looking into."""
    for member in members:
        if get_origin(member) is list:
            item = get_args(member)[0]
            inner = [_without_notes(one)[1] for one in _members(_without_notes(item)[1])]
            return item if any(map(_is_table, inner)) else None
    return None


def _value(members: list[Any]) -> Any | None:
    """Return what the table of any names among the members holds."""
    for member in members:
        if get_origin(member) is dict:
            inner = get_args(member)[1]
            return None if inner is Any else inner
    return None


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind))


def _fields(kind: Any) -> Iterator[_Field]:
    if issubclass(kind, msgspec.Struct):
        for known in msgspec.structs.fields(kind):
            yield _Field(known.encode_name, known.type, known.required)
        return
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        lacks = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        yield _Field(field.name, hints[field.name], lacks)
