"""Is `.env` read, and kept out of git, images and uploads? Never opens it to show anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.config.files import UnreadableError, read_dotenv
from offhook.setup.doctor.checks.git import git
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "secrets"
#: Names under which Windows and web sites save what should be .env.
STRAYS: Final = (".env.txt", "env", ".env.local", "env.txt")
EXAMPLE: Final = ".env.example"
#: Every key that `.env` may hold.
NAMES: Final = (
    *("DEEPGRAM_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET"),
    *("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "NGROK_AUTHTOKEN"),
)
#: A row of letters and digits mixed; what stands there for a key (xxxx, your_key_here) has no digits or has a word.
_KEY: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])([A-Za-z0-9]{32,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")


async def run(patient: Patient) -> Sequence[Finding]:
    """Check `.env` and what ignores it."""
    env = patient.folder / ".env"
    found = _in_example(patient.folder)
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
    found += _shadowed(patient)
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


def _values(file: Path) -> dict[str, str]:
    try:
        return read_dotenv(file)[0]
    except UnreadableError:
        return {}


def _in_example(folder: Path) -> list[Finding]:
    """Find keys in the file that shows others which keys there are."""
    names = [name for name, value in _values(folder / EXAMPLE).items() if name in NAMES and _KEY.fullmatch(value)]
    if not names:
        return []
    return [
        Finding(
            NAME,
            "fail",
            f"{EXAMPLE} has what looks like a real key in it ({', '.join(names)}), and that file is made to be shared",
            "key-in-example",
            "names without values",
            f"move it to .env; where {EXAMPLE} was pushed, make a new key: the old one stays in the history",
        )
    ]


def _shadowed(patient: Patient) -> list[Finding]:
    """Find keys that are in `.env` and, differently, in the environment, which counts: whoever edits `.env` wonders."""
    values = _values(patient.folder / ".env")
    names = [name for name in NAMES if values.get(name) and patient.environ.get(name) not in (None, "", values[name])]
    if not names:
        return []
    return [
        Finding(
            NAME,
            "warn",
            f"{', '.join(names)}: set in this terminal's environment too, differently; that counts, not .env",
            "env-shadowed",
            "each key in one place",
            "remove it from the environment (Windows: Edit environment variables; then open a new terminal)",
        )
    ]


async def _in_git(folder: Path) -> list[Finding]:
    if await git(folder, "rev-parse", "--is-inside-work-tree") != 0:
        return []
    if await git(folder, "ls-files", "--error-unmatch", ".env") == 0:
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
    if await git(folder, "check-ignore", "-q", ".env") != 0:
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


def _named(ignore: Path) -> bool:
    try:
        lines = ignore.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip().strip("/") in {".env", ".env*", "**/.env", "**/.env*", ".env.*", "*"} for line in lines)
