"""Are the project's files what they seem? Finds saved web pages, elisions, merge conflicts. Judges no code."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "files"
#: What a person writes or copies into a project. Others are none of our business.
_WATCHED: Final = (
    *("*.py", "requirements*.txt", "offhook.toml", "pyproject.toml", "prompt*.md", ".env", ".env.example"),
    *("Dockerfile", "Procfile", "railway.json", "railpack.json", ".python-version", ".gitignore", ".dockerignore"),
)
#: Names that Windows hides an ending of: a text editor has saved them as .txt.
ENDED: Final = (
    "Dockerfile",
    "offhook.toml",
    "prompt.md",
    "tools.py",
    "requirements.txt",
    ".dockerignore",
    ".gitignore",
)
#: Files of ours, which are read in whatever encoding PowerShell or an editor has saved them.
_ANY_ENCODING: Final = ("offhook.toml", ".env", "prompt*.md")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Larger files are not written by hand.
_LARGEST_BYTES: Final = 512 * 1024
_WEB_PAGE: Final = re.compile(r"(?i)\A﻿?\s*(<!doctype\s+html|<html[\s>]|<\?xml[^>]*>\s*<html)")
_CONFLICT: Final = re.compile(r"(?m)^(<{7} |>{7} )")
#: A line of dots alone, or a comment that stands for lines left out. In Python `...` is code inside a block, so only
#: a bare one at the margin counts there.
_DOTS: Final = re.compile(r"(?m)^(\.\.\.|…)\s*$")
_LEFT_OUT: Final = re.compile(
    r"(?im)^\s*(#|//)\s*(\.\.\.|…)|^\s*(#|//)\s*.{0,40}(rest of (the|your) (code|file)|existing code|same as before)"
    r".{0,20}$"
)


async def run(patient: Patient) -> Sequence[Finding]:
    """Look through the files of the folder."""
    seen = sorted({file for pattern in _WATCHED for file in patient.folder.glob(pattern) if file.is_file()})
    found = [finding for file in seen for finding in look(file)]
    found += [_ended(name) for name in ENDED if is_ended(patient.folder, name)]
    spelled = [file.name for file in patient.folder.glob("*") if file.name.lower() == "dockerfile"]
    if spelled and "Dockerfile" not in spelled:
        found.append(
            Finding(
                NAME,
                "fail",
                f"{spelled[0]} is not spelled Dockerfile",
                cause="dockerfile-spelling",
                expected="a file named Dockerfile, with a capital D: other spellings are not seen by the builder",
                fix=f"git mv {spelled[0]} Dockerfile.new && git mv Dockerfile.new Dockerfile",
            )
        )
    return found or [ok(NAME, f"{len(seen)} files look like what their names say")]


def is_ended(folder: Path, name: str) -> bool:
    """Say whether a file is there under its name and .txt, but not under its name."""
    return (folder / f"{name}.txt").is_file() and not (folder / name).exists()


def _ended(name: str) -> Finding:
    said = f"{name}.txt is there, but only {name} is read"
    fix = f"rename {name}.txt to {name} (Windows hides endings: show them first)"
    return Finding(NAME, "fail", said, "hidden-ending", f"a file named {name}", fix)


def look(file: Path) -> list[Finding]:
    """Judge one file."""
    try:
        if file.stat().st_size > _LARGEST_BYTES:
            return []
        raw = file.read_bytes()
    except OSError as error:
        return [_finding(file, "unreadable", f"cannot be read ({error.strerror})", "make it readable for you")]
    if raw.startswith(_UTF16) and not any(file.match(pattern) for pattern in _ANY_ENCODING):
        return [
            _finding(
                file,
                "encoding",
                "is saved as UTF-16, as Windows PowerShell does with >; builders, git and Python cannot read that",
                "save it again as UTF-8 (in Notepad: Save as, Encoding UTF-8)",
            )
        ]
    text = raw.decode("utf-16" if raw.startswith(_UTF16) else "utf-8", "replace")
    if _WEB_PAGE.match(text):
        return [
            _finding(
                file,
                "web-page",
                "is a saved web page, not the file itself",
                "delete it and write it again: `offhook init` makes every file it needs",
            )
        ]
    if found := _CONFLICT.search(text):
        return [
            _finding(
                file,
                "merge-conflict",
                f"line {_line(text, found.start())} is a merge conflict that nobody resolved",
                "keep one side, delete the lines of <<<<<<<, ======= and >>>>>>>, and commit",
            )
        ]
    found = _LEFT_OUT.search(text) or (_DOTS.search(text) if _is_no_prose(file) else None)
    if found:
        return [
            _finding(
                file,
                "elision",
                f"line {_line(text, found.start())} stands for lines that were left out (…)",
                "the file is a shortened copy: get the whole one, or let `offhook init` write it",
            )
        ]
    return _syntax(file, text) if file.suffix == ".py" else []


def _syntax(file: Path, text: str) -> list[Finding]:
    try:
        compile(text, file.name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        return [
            _finding(
                file,
                "syntax",
                f"is not Python{f' at line {line}' if line else ''}",
                "look for a stray letter or a half-copied line there; `python -m py_compile` says more",
            )
        ]
    return []


def _finding(file: Path, cause: str, found: str, fix: str) -> Finding:
    return Finding(NAME, "fail", f"{file.name} {found}", cause, "a whole file, as its name says", fix)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _is_no_prose(file: Path) -> bool:
    return file.suffix != ".md"
