"""The wizard's terminal: asks a person or an answers file, and shows what happens. Decides nothing."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from offhook.errors import SetupError

#: What a line of a list begins with; what is wrapped stands under its text.
_BEGINS = re.compile(r"\s*(?:- |\d\. )?")
_MARKS = {"ok": "ok", "note": "note", "do": "..", "": ""}


def width() -> int:
    """Return how wide a line may be; 0 where nobody says, as in a file."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return max(30, min(shutil.get_terminal_size().columns, 100))
    return 0


def wrapped(text: str, first: str = "", rest: str = "", spare: int = 0) -> str:
    """Return text for this terminal: ``first`` begins its first line, ``rest`` the others; ``spare`` stays free."""
    columns = width() and width() - spare
    if not columns:
        return first + text
    lines = textwrap.wrap(
        text, columns, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def place_in(of: int, question: str, first: str = "", note: str = "") -> int:
    """Ask for a place in a list of ``of`` things, from 1, until it is one."""
    asked = wrapped(f"{question} (1 to {of})", first, " " * len(first), spare=2)
    while True:
        typed = typer.prompt(asked, default="", show_default=False).strip().rstrip(".")
        if typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= of:
            return int(typed)
        typer.echo(wrapped(f"type one of the numbers 1 to {of}, then press Enter", note, " " * len(note)))


def program() -> str:
    """Return how whoever sits here can call offhook again: its name, or the path by which it was called."""
    if shutil.which("offhook") is not None:
        return "offhook"
    called = Path(sys.argv[0])
    if called.stem != "offhook":
        return f"{Path(sys.executable).stem} -m offhook"
    if called.is_relative_to(Path.cwd()):
        called = called.relative_to(Path.cwd())
    if " " not in str(called):
        return str(called)
    return f'& "{called}"' if sys.platform == "win32" else f'"{called}"'  # PowerShell takes a text in quotes for text


class Terminal:
    """Shows steps and lines on standard output."""

    def step(self, number: int, of: int, title: str, why: str) -> None:
        """Begin a step."""
        typer.echo(f"\n{number}/{of} {title}" if number > 1 else f"{number}/{of} {title}")
        typer.echo(wrapped(why, "    ", "    "))

    def line(self, kind: str, text: str) -> None:
        """Tell one thing."""
        begins = _BEGINS.match(text)
        assert begins is not None  # it matches nothing, too
        typer.echo(wrapped(text, f"    {_MARKS[kind]:<5}", " " * (9 + begins.end())))


class Questions:
    """Answers from the file first; then a person, where one sits there. An answer of the file is given once."""

    def __init__(self, answers: Mapping[str, Any], *, is_person: bool) -> None:
        self._answers, self._given = answers, set[str]()
        self.is_person = is_person

    def known(self, key: str) -> Any | None:
        """Return the file's answer."""
        return self._answers.get(key)

    def text(self, key: str, question: str, default: str = "", *, is_secret: bool = False) -> str:
        """Ask for text."""
        if key in self._answers and key not in self._given:
            self._given.add(key)
            return str(self._answers[key])
        self._must_be_person(key)
        asked = wrapped(question, "    ?    ", " " * 9, spare=2)
        while not (answer := typer.prompt(asked, default=default, show_default=bool(default), hide_input=is_secret)):
            how = "paste (Ctrl-V, or the right mouse button), then press Enter" if is_secret else "type it, then Enter"
            typer.echo(wrapped(f"nothing arrived: {how}", "    note ", " " * 9))
        return str(answer)

    def choose(self, key: str, question: str, options: Sequence[tuple[str, str]]) -> str:
        """Let one be chosen by its place in the list."""
        self._must_be_person(key)
        for place, (_, shown) in enumerate(options, 1):
            typer.echo(wrapped(shown, f"    {place:>3}  ", " " * 9))
        return options[place_in(len(options), question, "    ?    ", "    note ") - 1][0]

    def agree(self, question: str) -> bool:
        """Ask for consent."""
        return typer.confirm(wrapped(question, "    ?    ", " " * 9, spare=len(" [y/N]: ")))

    def _must_be_person(self, key: str) -> None:
        if not self.is_person:
            raise SetupError(
                f"{key} is not known, and nobody is here to ask",
                f"answer it in a file: offhook setup --answers FILE, with a line {key} = …; or run it in a terminal",
            )
