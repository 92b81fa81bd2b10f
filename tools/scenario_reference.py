"""Writes docs/reference/scenarios.md from the format's types and from the library. Invents nothing."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from offhook.lab.judge.judge import codes
from offhook.offline.script import EarsPart, Script, ScriptedCall, Turn, VoicePart
from offhook.scenario import shape
from offhook.scenario.catalogue import library
from offhook.scenario.expect import Between, Expect
from offhook.sim.complaints import CATALOGUE, DEAD_AIR, HEADER_AUDIO, QUERY_STRING, complaint
from offhook.sim.scenario import FileStep

_INTRO = """A scenario is one TOML or JSON file: who calls, how the agent behaves, and what must come of it. How to
write and run them: [test conversations](../howto/test-conversations.md). Every key is optional. Unknown keys are errors
with a suggestion. `offhook test --schema` prints the format as a JSON Schema for editors; it is also
[here](scenario.schema.json).
"""
#: The tables of the file, in the order of the page: header, type.
_TABLES: tuple[tuple[str, Any], ...] = (
    ("At the top", shape.Scenario),
    ("`[caller]`", shape.CallerPart),
    ("`[caller.line]`", shape.LineTable),
    ("`[caller.network]`", shape.NetworkTable),
    ("`[caller.life]`", shape.LifeTable),
    ("`[caller.dial]`", shape.DialTable),
    ("`[caller.queue]`", shape.QueueTable),
    ("`[caller.pickup]`", shape.PickupTable),
    ("`[caller.detection]`", shape.DetectionTable),
    ("`[agent]`", shape.AgentPart),
    ("`[agent.script]`", Script),
    ("`[[agent.script.turn]]`, `[agent.script.otherwise]`", Turn),
    ("`calls` of a turn", ScriptedCall),
    ("`[agent.script.ears]`", EarsPart),
    ("`[agent.script.voice]`", VoicePart),
    ("`[agent.faults]`", shape.FaultTable),
    ("`[agent.manners]`", shape.MannersTable),
    ("`[expect]`", Expect),
    ("Bounds", Between),
)
_NAMES = {
    shape.CallerPart: "table",
    shape.AgentPart: "table",
    Expect: "table",
    Between: "bounds",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "",
}


def scenarios_page() -> str:
    """Write the page."""
    lines = ["# Scenarios", "", "<!-- Written by `python -m tools.reference`. Do not edit by hand. -->", "", _INTRO]
    for header, kind in _TABLES:
        lines += [f"## {header}", "", _meaning(kind), "", *_rows(kind), ""]
        if header == "`[caller]`":
            lines += list(_choices("`[[caller.steps]]`: what `do` may be", get_args(FileStep)))
        if header == "`[agent.faults]`":
            lines += list(_choices("`[[agent.at]]`: what `do` may be", get_args(shape.Moment)))
    lines += [*_findings(), *_library()]
    return "\n".join(lines).rstrip() + "\n"


def _choices(header: str, kinds: tuple[Any, ...]) -> Iterator[str]:
    yield from (f"### {header}", "")
    for kind in kinds:
        yield from (f"**`{kind.__struct_config__.tag}`** - {_meaning(kind)}", "")
        rows = list(_rows(kind))
        yield from (*rows, "") if rows else ()


def _meaning(kind: Any) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").replace("|", "\\|").split())


def _rows(kind: Any) -> Iterator[str]:
    fields = msgspec.structs.fields(kind)
    if not fields:
        return
    told = [(field, _note(field.type)) for field in fields]
    has_notes = any(note for _, note in told)
    yield "| key | type | default | meaning |" if has_notes else "| key | type | default |"
    yield "| --- | --- | --- | --- |" if has_notes else "| --- | --- | --- |"
    for field, note in told:
        cells = [f"`{field.encode_name}`", _kind(field.type), _default(field)]
        yield f"| {' | '.join([*cells, _cell(note)] if has_notes else cells)} |"


def _note(kind: Any) -> str:
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, msgspec.Meta)]
    return next((note.description for note in notes if note.description), "")


def _kind(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _kind(get_args(kind)[0])
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _NAMES:
        return _NAMES[kind]
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (Union, types.UnionType):
        if all(hasattr(member, "__struct_config__") and member.__struct_config__.tag for member in inner):
            return "tables with `do`"
        return " or ".join(filter(None, dict.fromkeys(map(_kind, inner))))
    if origin in (list, frozenset, tuple):
        return f"list of {_kind(inner[0])}"
    if origin is not None or kind is dict:
        return "table"
    return "table" if isinstance(kind, type) else str(kind)


def _default(field: Any) -> str:
    if field.required:
        return "needed"
    if field.default_factory is not msgspec.NODEFAULT or isinstance(field.default, msgspec.Struct):
        return ""
    value = field.default
    if value is None or value in ("", (), frozenset()) or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return f"`{value}`" if isinstance(value, str) else ""


def _findings() -> Iterator[str]:
    yield from ("### `findings`: what the judge may find", "", "| code | meaning |", "| --- | --- |")
    yield from (f"| `{code}` | {_cell(meaning)} |" for code, meaning in codes().items())
    yield from ("", "### `complaints`: what Twilio may say", "")
    yield "The same codes as Twilio's console; those below zero are offhook's own. Details: [dial](../howto/dial.md)."
    yield from ("", "| code | name |", "| --- | --- |")
    known = [complaint(code) for code in (*sorted(CATALOGUE), HEADER_AUDIO, QUERY_STRING, DEAD_AIR)]
    yield from (f"| `{one.code}` | {_cell(one.name)} |" for one in known)
    yield ""


def _library() -> Iterator[str]:
    found = library()
    yield from (f"## The library: {len(found)} scenarios", "")
    yield "`offhook test NAME` performs one, `offhook test` all, `offhook dial URL --scenario NAME` only its caller."
    yield "The ids are those of the [behaviour page](../topics/behaviour.md). What no file can say is tested elsewhere:"
    yield "bytes below the WebSocket protocol (C1, C11, C20), two streams of one call (C21), ten thousand calls (C22),"
    yield "and an outage of a thousand dials (A25)."
    yield from ("", "| name | what happens | why | source | ids |", "| --- | --- | --- | --- | --- |")
    for named in found:
        one = named.scenario
        cells = (one.title, one.why or "", one.source or "", " ".join(one.stands_for))
        yield f"| `{named.name}` | {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Return a text as a cell of a table: outside code a `<` would begin HTML."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))
