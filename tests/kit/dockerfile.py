"""Reads a Dockerfile as far as ours go: FROM, WORKDIR, ENV, COPY, RUN, USER, CMD. Refuses what it does not know."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Dockerfile:
    """One stage of instructions, in order. ``command`` is the CMD in exec form; ``steps`` are ENV, COPY and RUN."""

    base: str = ""
    user: str = "root"
    workdir: str = "/"
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, list[str]]] = field(default_factory=list)


def read(file: Path) -> Dockerfile:
    """Read the file. Raises ValueError at an instruction, or a form of one, that is not understood."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", file.read_text(encoding="utf-8")))
    it = Dockerfile()
    for line in filter(None, (line.strip() for line in text.splitlines())):
        word, _, rest = line.partition(" ")
        _instruction(it, word.upper(), rest.strip())
    return it


def _instruction(it: Dockerfile, word: str, rest: str) -> None:
    match word:
        case "FROM":
            it.base, it.steps = rest.split()[0], []
        case "WORKDIR":
            it.workdir = rest
        case "USER":
            it.user = rest
        case "ENV":
            pairs = [part.partition("=") for part in shlex.split(rest)]
            it.env |= {name: value for name, _, value in pairs}
        case "COPY":
            it.steps.append(("COPY", [part for part in shlex.split(rest) if not part.startswith("--")]))
        case "RUN":
            it.steps.append(("RUN", [re.sub(r"^(--mount=\S+\s+)+", "", rest)]))
        case "CMD":
            it.command = _exec_form(rest)
        case "EXPOSE" | "ARG" | "LABEL" | "STOPSIGNAL":
            pass
        case _:
            raise ValueError(f"the instruction {word} is not understood")


def _exec_form(rest: str) -> list[str]:
    try:
        words = json.loads(rest)
    except ValueError:
        return ["/bin/sh", "-c", rest]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("CMD is neither exec form nor a command")
    return words
