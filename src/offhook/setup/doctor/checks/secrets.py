"""Is `.env` read, and kept out of git, images and uploads? Never opens it to show anything."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "secrets"
#: Names under which Windows and web sites save what should be .env.
STRAYS: Final = (".env.txt", "env", ".env.local", "env.txt")
_GIT_S: Final = 5.0


async def run(patient: Patient) -> Sequence[Finding]:
    """Check `.env` and what ignores it."""
    env = patient.folder / ".env"
    found: list[Finding] = []
    if not env.is_file():
        stray = [name for name in STRAYS if (patient.folder / name).is_file()]
        if stray:
            found.append(
                Finding(
                    NAME,
                    "fail",
                    f"{stray[0]} is there, but only a file named .env is read",
                    "env-not-loaded",
                    "a file named .env, without another ending",
                    f"rename {stray[0]} to .env (Windows hides endings: show them first)",
                )
            )
        return found or [ok(NAME, "no .env here: secrets come from the environment")]
    if patient.loaded is not None and patient.loaded.dotenv is None:
        found.append(
            Finding(
                NAME,
                "fail",
                ".env is here but not read: the settings file lies elsewhere",
                "env-not-loaded",
                ".env beside the offhook.toml that is used",
                "move .env beside it, or unset OFFHOOK_CONFIG",
            )
        )
    found += await _in_git(patient.folder)
    if (patient.folder / "Dockerfile").is_file() and not _named(patient.folder / ".dockerignore"):
        found.append(
            Finding(
                NAME,
                "warn",
                ".env would be copied into the image",
                "env-in-image",
                ".env named in .dockerignore",
                "add a line `.env*` to .dockerignore",
            )
        )
    return found or [ok(NAME, ".env is read, and git ignores it")]


async def _in_git(folder: Path) -> list[Finding]:
    if shutil.which("git") is None or await _git(folder, "rev-parse", "--is-inside-work-tree") != 0:
        return []
    if await _git(folder, "ls-files", "--error-unmatch", ".env") == 0:
        return [
            Finding(
                NAME,
                "fail",
                ".env is in git, so whoever reads the repository has the keys",
                "env-committed",
                ".env ignored by git",
                "git rm --cached .env, add .env to .gitignore, commit, and make new keys: the old ones stay in the "
                "history",
            )
        ]
    if await _git(folder, "check-ignore", "-q", ".env") != 0:
        return [
            Finding(
                NAME,
                "warn",
                ".env is not ignored by git, so the next `git add .` takes it",
                "env-not-ignored",
                ".env named in .gitignore",
                "add a line `.env` to .gitignore",
            )
        ]
    return []


async def _git(folder: Path, *words: str) -> int:
    nowhere = asyncio.subprocess.DEVNULL
    try:
        git = await asyncio.create_subprocess_exec("git", "-C", str(folder), *words, stdout=nowhere, stderr=nowhere)
    except OSError:
        return -1
    try:
        async with asyncio.timeout(_GIT_S):
            return await git.wait()
    except TimeoutError:
        git.kill()
        await git.wait()
        return -1


def _named(ignore: Path) -> bool:
    try:
        lines = ignore.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip().strip("/") in {".env", ".env*", "**/.env", "**/.env*", ".env.*", "*"} for line in lines)
