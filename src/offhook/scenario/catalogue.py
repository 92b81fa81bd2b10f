"""The scenarios that come with offhook: their names, and where they are. Performs nothing."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from offhook.scenario.reading import Named, ScenarioError, load, load_all


def folder() -> Path:
    """Return the folder of the library."""
    return Path(str(files("offhook"))) / "scenario" / "library"


@functools.cache
def names() -> tuple[str, ...]:
    """Return every name, in order."""
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def library() -> list[Named]:
    """Return every scenario of the library."""
    return sorted(load_all([folder()], is_ours=True), key=lambda named: named.name)


def find(wanted: str) -> list[Named]:
    """Return the scenarios of a file, a folder, or a name of the library. Raises `ScenarioError`."""
    path = Path(wanted)
    if path.is_dir() or path.is_file():
        return load_all([path])
    if wanted in names():
        return [load(folder() / f"{wanted}.toml", is_ours=True)]
    near = difflib.get_close_matches(wanted, names(), 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`offhook test --list` shows the names of the library"
    raise ScenarioError([f"{wanted}: no such file or folder, and no scenario of this name; {hint}"])


def find_all(wanted: Sequence[str]) -> list[Named]:
    """Return what `find` finds of each, problems of all at once; without any, the library."""
    if not wanted:
        return library()
    found: list[Named] = []
    problems: list[str] = []
    for one in wanted:
        try:
            found += find(one)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return found
