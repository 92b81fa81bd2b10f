"""The behaviour tables of an agent file: manners and faults, from TOML or JSON to values. Reads; acts nowhere.

::

    [manners]                       # what the vendor leaves open: every field of `Manners`
    refusal = "warning"
    variety = 7
    [manners.timers]
    idle_s = 60.0
    [manners.project]
    think_live = true

    [[faults]]                      # what goes wrong: every field of `Faults`
    calls = [2]                     # on the second connection; without it on every one
    refuse = 503

    [[faults]]
    gap_s = 1.5
    [[faults.at]]                   # at a moment: the fields of `At`, what to do, and its fields
    moment = "AgentStartedSpeaking"
    nth = 2
    audio_ms = 300
    do = "die"                      # fail, warn, send, stall, stop_reading, vanish, gap, flood, storm, lose, wind
    how = "reset"

Unknown keys are errors. Of several tables that hold for a connection the later one wins, field by field;
moments add up.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from offhook.errors import ConfigError
from offhook.offline.faults import Action, At, Faults
from offhook.offline.manners import Manners

TABLES: Final = ("manners", "faults")
_T = TypeVar("_T")


def word(action: type) -> str:
    """Return what an action is called in a file: StopReading → stop_reading."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action.__name__).lower()


ACTIONS: Final[Mapping[str, type]] = {word(action): action for action in get_args(Action)}


class WrongTableError(ValueError):
    """A table that cannot be taken; the text names the place."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a server behaves: its manners, and the faults of its n-th connection (from 0)."""

    manners: Manners = field(default_factory=Manners)
    faults: Callable[[int], Faults] = lambda _: Faults()


def load_behaviour(path: Path) -> Behaviour:
    """Read a file of behaviour tables only. Raises `ConfigError` that names the file and the place."""
    try:
        tree = read_tree(path)
        strangers = set(tree) - set(TABLES)
        if strangers:
            raise WrongTableError(f"`{min(strangers)}` is no table of behaviour; there are {', '.join(TABLES)}")
        return behaviour(tree)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path.name}: {reason(error)}"]) from None


def reason(error: OSError | ValueError) -> str:
    """Return why a file could not be read, without its path: who asked has named it."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def read_tree(path: Path) -> dict[str, Any]:
    """Read TOML, or JSON by its suffix. Raises `OSError` and `ValueError`."""
    text = path.read_text(encoding="utf-8-sig")
    tree = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    if not isinstance(tree, dict):
        raise WrongTableError("the file must hold an object")
    return tree


def behaviour(tree: Mapping[str, Any]) -> Behaviour:
    """Return what the tables say. Raises `WrongTableError`."""
    manners = _made(Manners, tree.get("manners", {}), "manners")
    listed = tree.get("faults", [])
    if not isinstance(listed, list):
        raise WrongTableError("faults must be a list of tables: [[faults]]")
    parts = [_part(table, f"faults[{index}]") for index, table in enumerate(listed)]
    return Behaviour(manners, lambda connection: _faults(parts, connection))


_Part = tuple[frozenset[int] | None, dict[str, Any], tuple[tuple[At, Action], ...]]


def _part(table: Any, place: str) -> _Part:
    if not isinstance(table, dict):
        raise WrongTableError(f"{place} must be a table")
    given = dict(table)
    calls, moments = given.pop("calls", None), given.pop("at", [])
    if calls is not None and not (isinstance(calls, list) and all(isinstance(n, int) and n >= 1 for n in calls)):
        raise WrongTableError(f"{place}.calls must be a list of numbers from 1")
    if not isinstance(moments, list):
        raise WrongTableError(f"{place}.at must be a list of tables: [[faults.at]]")
    made = _made(Faults, given, place)
    chosen = {name: getattr(made, name) for name in given}
    at = tuple(_moment(moment, f"{place}.at[{index}]") for index, moment in enumerate(moments))
    return None if calls is None else frozenset(calls), chosen, at


def _moment(table: Any, place: str) -> tuple[At, Action]:
    if not isinstance(table, dict):
        raise WrongTableError(f"{place} must be a table")
    given = dict(table)
    do = given.pop("do", None)
    if do not in ACTIONS:
        raise WrongTableError(f"{place}.do must be one of {', '.join(ACTIONS)}")
    when = {one.name: given.pop(one.name) for one in dataclasses.fields(At) if one.name in given}
    action: Action = _made(ACTIONS[do], given, place)
    return _made(At, when, place), action


def _faults(parts: Sequence[_Part], connection: int) -> Faults:
    chosen: dict[str, Any] = {}
    at: tuple[tuple[At, Action], ...] = ()
    for calls, fields, moments in parts:
        if calls is None or connection + 1 in calls:
            chosen |= fields
            at += moments
    return Faults(**chosen, at=at)


def _made(kind: type[_T], table: Any, place: str) -> _T:
    """Return a dataclass made of a table, strictly. Raises `WrongTableError`."""
    if not isinstance(table, dict):
        raise WrongTableError(f"{place} must be a table")
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for name, value in table.items():
        if name not in hints:
            raise WrongTableError(f"{place}.{name}: there is no such field; there are {', '.join(hints)}")
        if dataclasses.is_dataclass(hints[name]) and isinstance(hints[name], type):
            values[name] = _made(hints[name], value, f"{place}.{name}")
            continue
        try:
            values[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise WrongTableError(f"{place}.{name}: {error}{_choices(hints[name], value)}") from None
    return kind(**values)


def _choices(hint: Any, value: Any) -> str:
    """Return the words that come nearest to a wrong one; all of them where none does."""
    words = sorted(_words(hint))
    wrong = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    near = [word for one in wrong for word in difflib.get_close_matches(one, words, 2)]
    return f"; there are {', '.join(near or words)}" if words and wrong else ""


def _words(hint: Any) -> set[str]:
    inside = get_args(hint)
    if get_origin(hint) is Literal:
        return {one for one in inside if isinstance(one, str)}
    return {word for one in inside for word in _words(one)}
