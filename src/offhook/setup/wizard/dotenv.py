"""Puts secrets into `.env`, line by line, and leaves everything else in it as it is. Shows none of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from offhook.config.files import UnreadableError, read_dotenv, text_of
from offhook.errors import SetupError
from offhook.setup.wizard.files import write_private

FILE: Final = ".env"
_NAME: Final = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")
_BARE: Final = re.compile(r"[\w.:/+@~-]*")


def read(folder: Path) -> dict[str, str]:
    """Return the names and their values; nothing where there is no file or it cannot be read."""
    try:
        return read_dotenv(folder / FILE)[0]
    except UnreadableError:
        return {}


def put(folder: Path, values: Mapping[str, str]) -> None:
    """Set these names; a name that is there already keeps its place."""
    lines, left = [], dict(values)
    for line in _lines(folder):
        name = _named(line)
        if name not in values:
            lines.append(line)
        elif name in left:
            lines.append(_line(name, left.pop(name)))
    _write(folder, [*lines, *(_line(name, value) for name, value in left.items())])


def drop(folder: Path, names: Collection[str]) -> None:
    """Take these names out."""
    _write(folder, [line for line in _lines(folder) if _named(line) not in names])


def _lines(folder: Path) -> list[str]:
    file = folder / FILE
    if not file.exists():
        return []
    try:
        return text_of(file).splitlines()
    except UnreadableError as error:
        raise SetupError(f".env {error}", "write it again as NAME=value lines, or delete it and run setup") from None


def _named(line: str) -> str:
    found = _NAME.match(line)
    return found[1] if found else ""


def _line(name: str, value: str) -> str:
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'"


def _write(folder: Path, lines: list[str]) -> None:
    write_private(folder / FILE, "".join(f"{line}\n" for line in lines))
