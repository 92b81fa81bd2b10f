"""Where settings come from, one layer per source, and how layers are laid over each other. Does not judge values."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from offhook.config.endpoint import names_a_secret
from offhook.config.files import filled
from offhook.config.keys import (
    OTHER_NAMES,
    PLATFORM_NAMES,
    PREFIX,
    Path,
    annotation_at,
    every_key,
    is_text,
    names_at,
)

TOML = "offhook.toml"
COMMAND_LINE = "command line"


@dataclass(slots=True)
class Layer:
    """What one source says: a tree of values, and for each value where exactly it stands."""

    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, path: Path, value: Any, origin: str) -> None:
        """Set one value (or table) and remember where it came from."""
        table = self.tree
        for step in path[:-1]:
            inner = table.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = table[step] = {}
            table = inner
        old = table.get(path[-1])
        table[path[-1]] = laid_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        for leaf in _leaves(value, path):
            self.origins[leaf] = origin


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):  # an empty table says nothing
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)))
    else:
        yield path


def laid_over(lower: Any, upper: Any) -> Any:
    """Return ``lower`` with ``upper`` on top: tables are joined, everything else is replaced."""
    if not (isinstance(lower, dict) and isinstance(upper, dict)):
        return upper
    joined = dict(lower)
    # A prompt replaces a prompt file of a lower layer and the other way round: they are two ways to say one thing.
    for one, other in (("prompt", "prompt_file"), ("prompt_file", "prompt")):
        if one in upper:
            joined.pop(other, None)
    for name, value in upper.items():
        joined[name] = laid_over(joined.get(name), value)
    return joined


def from_environment(named: Mapping[str, tuple[str, str]]) -> Layer:
    """Read the layer of the environment: name → (value, origin). Unknown ``OFFHOOK_`` names are problems."""
    layer = Layer()
    seen: dict[str, tuple[str, str]] = {}
    for name in sorted(named, key=lambda name: (name.count("__"), name)):
        value, origin = named[name]
        dotted = _key_named(name)
        if dotted is None or value == "":
            if dotted is None and name.startswith(PREFIX) and name not in OTHER_NAMES:
                layer.problems.append(
                    f"{name} ({origin.removesuffix(' ' + name)}): is not a setting.{_suggest_name(name)}"
                )
            continue
        if dotted in seen and seen[dotted][0] != value:
            layer.problems.append(
                f"{dotted} ({origin}): is also set, differently, by {seen[dotted][1]}; remove one of the two"
            )
            continue
        seen[dotted] = (value, origin)
        path = tuple(dotted.split("."))
        try:
            layer.put(path, _read(path, value), origin)
        except ValueError as error:
            layer.problems.append(f"{dotted} ({origin}): {error}")
    return layer


def _key_named(name: str) -> str | None:
    if name in PLATFORM_NAMES:
        return PLATFORM_NAMES[name]
    if not name.startswith(PREFIX) or name in OTHER_NAMES:
        return None
    path = tuple(name.removeprefix(PREFIX).lower().split("__"))
    return ".".join(path) if annotation_at(path) is not None else None


def _read(path: Path, value: str) -> Any:
    """Turn the environment's text into what the setting takes: text as it is, tables and lists from JSON."""
    if is_text(annotation_at(path)):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('is a list or a table; in the environment it is written as JSON, like ["a", "b"]') from None


def _suggest_name(name: str) -> str:
    known = [candidate for key in every_key() for candidate in key.names]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else " `offhook config show` lists every setting."


#: What people call the same things, too far away for a misspelling.
_MISCALLED: Mapping[str, str] = {
    **dict.fromkeys(("DEEPGRAM_KEY", "DEEPGRAM_TOKEN", "DEEPGRAM_SECRET", "DG_API_KEY"), "DEEPGRAM_API_KEY"),
    **dict.fromkeys(("TWILIO_SID", "TWILIO_ACCOUNT", "TWILIO_ACCOUNT_ID", "ACCOUNT_SID"), "TWILIO_ACCOUNT_SID"),
    **dict.fromkeys(("TWILIO_TOKEN", "TWILIO_SECRET", "TWILIO_AUTH", "AUTH_TOKEN"), "TWILIO_AUTH_TOKEN"),
}


def near_miss(name: str) -> str | None:
    """Return the platform name that ``name`` is probably a misspelling of."""
    if name in _MISCALLED:
        return _MISCALLED[name]
    near = difflib.get_close_matches(name, list(PLATFORM_NAMES), n=1, cutoff=0.88)
    return near[0] if near and near[0] != name else None


def from_toml(tree: dict[str, Any], names: Mapping[str, str], file: str) -> Layer:
    """Make the layer of the file. Secrets in it are problems; ``${NAME}`` in headers and credentials is filled."""
    layer = Layer()
    filled_tree = _fill(tree, (), names, layer.problems, file)
    secrets = [key for key in every_key() if key.is_secret and len(key.path) == 2]
    for key in secrets:
        table = filled_tree.get(key.path[0])
        if isinstance(table, dict) and key.path[1] in table:
            del table[key.path[1]]
            layer.problems.append(
                f"{key.dotted} ({file}): secrets do not belong in the file; "
                f"put it in the environment or in .env as {key.names[0]}"
            )
    layer.tree = filled_tree
    layer.origins = dict.fromkeys(_leaves(filled_tree, ()), file)
    return layer


def _fill(value: Any, path: tuple[str | int, ...], names: Mapping[str, str], problems: list[str], file: str) -> Any:
    if isinstance(value, dict):
        return {name: _fill(inner, (*path, name), names, problems, file) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, (*path, index), names, problems, file) for index, inner in enumerate(value)]
    if not isinstance(value, str) or len(path) < 2 or path[-2] not in ("headers", "credentials"):
        return value
    key, name = ".".join(map(str, path)), str(path[-1])
    text, missing = filled(value, names)
    problems += [f"{key} ({file}): ${{{absent}}} is not set in the environment or .env" for absent in missing]
    if text == value and names_a_secret(name):
        problems.append(f'{key} ({file}): secrets do not belong in the file; write "${{NAME}}" and set NAME in .env')
    return text


def from_overrides(overrides: Mapping[str, Any]) -> Layer:
    """Make the layer of the command line: dotted keys; None means not given."""
    layer = Layer()
    for dotted, value in overrides.items():
        if value is not None:
            layer.put(tuple(dotted.split(".")), value, COMMAND_LINE)
    return layer


def suggestion(path: tuple[str | int, ...]) -> str:
    """Return a hint for a key that does not exist."""
    siblings = names_at(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), siblings, n=1, cutoff=0.5)
    if near:
        return f"did you mean `{near[0]}`?"
    elsewhere = [key.dotted for key in every_key() if key.path[-1] == path[-1]]
    if elsewhere:
        return f"did you mean `{elsewhere[0]}`?"
    return f"known here: {', '.join(f'`{name}`' for name in siblings)}" if siblings else "remove it"
