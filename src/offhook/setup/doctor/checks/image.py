"""Would a platform build and start this folder as meant? Reads its files; builds nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.setup.doctor.checks.git import git
from offhook.setup.doctor.checks.python import OLDEST
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "image"
_COMMAND: Final = re.compile(r"(?im)^\s*(CMD|ENTRYPOINT)\s+(.+)$")
_FROM: Final = re.compile(r"(?im)^\s*FROM\s+(?:--\S+\s+)?(?:\S+/)?python:(\d+)\.(\d+)")
_COPY: Final = re.compile(r"(?im)^\s*COPY\s+(.+\S)\s*$")
#: What is built on beside the wheel.
_PUSHED: Final = ("Dockerfile", "offhook.toml", "prompt.md", "tools.py", "requirements.txt", "vendor/requirements.txt")
_WRAPPERS: Final = ("uv", "npm", "npx", "poetry", "pipenv")


async def run(patient: Patient) -> Sequence[Finding]:
    """Check the Dockerfile and what would be used without one."""
    folder = patient.folder
    found: list[Finding] = []
    dockerfile = folder / "Dockerfile"
    if dockerfile.is_file():
        found += _dockerfile(dockerfile)
    elif (folder / "offhook.toml").is_file():
        found.append(
            Finding(
                NAME,
                "warn",
                "there is no Dockerfile, so a platform has to guess how to build this",
                "no-dockerfile",
                "a Dockerfile beside offhook.toml",
                "run `offhook init` here: it adds what is missing and overwrites nothing",
            )
        )
    for name in ("railway.json", "railway.toml"):
        if (folder / name).is_file():
            found.append(
                Finding(
                    NAME,
                    "warn",
                    f"{name} is there; Railway does not read it for new services, and for no service after 2026-12-01",
                    "railway-json",
                    "settings on the service itself",
                    "run `offhook setup`, which sets them there and reads them back; then delete the file",
                )
            )
    found += await _not_in_git(folder)
    return found or [
        ok(NAME, "the Dockerfile starts one Python process" if dockerfile.is_file() else "no project here")
    ]


def _needed(folder: Path) -> list[str]:
    """Return what a platform needs of a project; nothing where this is none."""
    if not (folder / "offhook.toml").is_file():
        return []
    wheels = [wheel.relative_to(folder).as_posix() for wheel in folder.glob("vendor/offhook-*.whl")]
    return [name for name in (*_PUSHED, *wheels) if (folder / name).is_file()]


async def _not_in_git(folder: Path) -> list[Finding]:
    """Find files that a platform needs and that a repository with a home elsewhere does not hold."""
    names = _needed(folder)
    if not names or await git(folder, "remote", "get-url", "origin") != 0:
        return []
    missing = [name for name in names if await git(folder, "ls-files", "--error-unmatch", "--", name) == 1]
    if not missing:
        return []
    return [
        Finding(
            NAME,
            "warn",
            f"not in git: {', '.join(missing)}; a platform that builds from the repository does not get that",
            "not-in-git",
            "every file that the Dockerfile needs, in the repository",
            f"git add -f {' '.join(missing)}, then git commit and git push",
        )
    ]


def _dockerfile(file: Path) -> list[Finding]:
    text = file.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    found: list[Finding] = []
    commands = _COMMAND.findall(text)
    if not commands:
        found.append(
            _bad("no-command", "names no command to start", 'end it with CMD ["python", "-m", "offhook", "serve"]')
        )
    for _, words in commands:
        found += _command(words.strip())
    if commands and (file.parent / "offhook.toml").is_file() and "offhook" not in commands[-1][1]:
        said = "starts something else than offhook"
        found.append(_bad("other-command", said, _EXEC, "warn"))
    found += [*_base(text), *_copies(file.parent, text)]
    if "PYTHONUNBUFFERED" not in text:
        found.append(
            _bad(
                "buffered",
                "leaves PYTHONUNBUFFERED out, so a stopped container loses its last lines",
                "add ENV PYTHONUNBUFFERED=1",
                "warn",
            )
        )
    return found


def _base(text: str) -> list[Finding]:
    """Judge the Python of the last stage, where it is one of the official images."""
    bases = _FROM.findall(text)
    if not bases or (int(bases[-1][0]), int(bases[-1][1])) >= OLDEST:
        return []
    major, minor = OLDEST
    said = f"builds on Python {bases[-1][0]}.{bases[-1][1]}, and offhook needs {major}.{minor} or newer"
    return [_bad("python-old", said, "write FROM python:3.13-slim")]


def _copies(folder: Path, text: str) -> list[Finding]:
    """Find what is copied into the image and is not here: the build would end there."""
    missing = []
    for words in _COPY.findall(text):
        *sources, _ = words.split()
        plain = [each for each in sources if not each.startswith(("--", "[")) and not set("*?[$<") & set(each)]
        is_elsewhere = "--from" in words or words.startswith(("[", "<<"))
        missing += [each for each in plain if not is_elsewhere and not (folder / each.lstrip("/")).exists()]
    if not missing:
        return []
    said = f"copies {', '.join(dict.fromkeys(missing))}, which is not here, so the build ends there"
    return [_bad("copy-missing", said, "`offhook init` writes what is missing of a project; else take the line out")]


def _command(words: str) -> list[Finding]:
    try:
        parts = json.loads(words)
    except ValueError:
        parts = None
    if not isinstance(parts, list):
        first = words.split(maxsplit=1)[0] if words.split() else ""
        if ";" in words or "|" in words or first in _WRAPPERS:
            return [_signals(words.split(maxsplit=1)[0])]
        if first != "exec":
            return [_bad("shell-form", "starts through a shell, which does not pass on SIGTERM", _EXEC, "warn")]
        return []
    if any("$" in str(part) for part in parts) and str(parts[0]) not in ("sh", "/bin/sh", "bash", "/bin/bash"):
        return [
            _bad(
                "literal-port",
                "has $PORT in an exec-form command, where nothing replaces it",
                "leave the port away: offhook reads PORT itself",
            )
        ]
    return [_signals(str(parts[0]))] if parts and str(parts[0]) in _WRAPPERS else []


_EXEC: Final = 'write CMD ["python", "-m", "offhook", "serve"]'


def _signals(wrapper: str) -> Finding:
    return _bad("wrapper", f"starts through {wrapper}, which may swallow SIGTERM, so deploys cut calls", _EXEC, "warn")


def _bad(cause: str, found: str, fix: str, verdict: str = "fail") -> Finding:
    return Finding(
        NAME,
        "warn" if verdict == "warn" else "fail",
        f"Dockerfile {found}",
        cause,
        "exec form, Python as the first process, output at once",
        fix,
    )
