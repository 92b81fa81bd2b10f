"""Reads offhook.toml, .env and prompt files as people really save them. Does not judge any setting."""

from __future__ import annotations

import codecs
import io
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

#: No configuration file of ours is near this; a larger one is something else.
LARGEST_BYTES = 1_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_LINE = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")


class UnreadableError(ValueError):
    """A file that cannot be used; the text says why and what to do. `load` turns it into a ConfigError."""


def text_of(file: Path) -> str:
    """Return a file's text, or raise UnreadableError. PowerShell's UTF-16 and byte order marks are welcome."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("does not exist") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror or type(error).__name__})") from None
    if len(raw) > LARGEST_BYTES:
        raise UnreadableError("is larger than 1 MB; this is not the file meant")
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableError("is not UTF-8 text; save it again as UTF-8") from None
    if re.match(r"(?i)\s*(<!doctype html|<html)", text):
        raise UnreadableError("is a saved web page, not the file itself; write it again with a text editor")
    return text


def read_toml(file: Path) -> dict[str, Any]:
    """Return a TOML file's tables, or raise UnreadableError with the line."""
    text = text_of(file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = f"line {found[1]}" if found and found[1] else "the end"
        line = text.splitlines()[int(found[1]) - 1].strip() if found and found[1] else ""
        raise UnreadableError(f"is not valid TOML at {where}: {_why(line)}") from None


def _why(line: str) -> str:
    """Explain the mistakes people make. The parser's own words may quote the file, which may hold a secret."""
    if line in ("...", "…") or line.startswith(("# ...", "...")):
        return "that line is a placeholder for something left out; write the whole file"
    if re.match(r"\[numbers\.\s*\+", line):
        return 'a number in the name of a table goes in quotes: [numbers."+441632960001"]'
    if re.match(r"^[\w.-]+\s*=\s*[A-Za-z+/]", line) and not re.match(r".*=\s*(true|false|inf|nan)\b", line):
        return 'text goes in double quotes: key = "value"'
    if re.match(r'[^"]*"[^"]*\\', line):
        return r"in double quotes a \ counts as the beginning of something; write / instead, or single quotes: 'C:\…'"
    if "=" not in line and not line.startswith("["):
        return "a line is key = value or [table]; text goes in double quotes"
    return 'check quotes and brackets, and that no key or table appears twice; text is "…", a list is […]'


def read_dotenv(file: Path) -> tuple[dict[str, str], list[int]]:
    """Return the names and values of a .env file and the numbers of the lines that cannot be read."""
    values: dict[str, str] = {}
    bad: list[int] = []
    for binding in parse_stream(io.StringIO(text_of(file))):
        if binding.error or not _NAME.fullmatch(binding.key or "_"):
            bad.append(binding.original.line)
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values, bad


def filled(text: str, names: Mapping[str, str]) -> tuple[str, list[str]]:
    """Fill ``${NAME}`` from ``names``; return the text and the names that are not set."""
    missing: list[str] = []

    def fill(match: re.Match[str]) -> str:
        value = names.get(match[1], "")
        if not value:
            missing.append(match[1])
        return value

    return re.sub(r"\$\{(\w+)\}", fill, text), missing
