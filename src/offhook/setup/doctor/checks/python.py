"""Is this Python new enough, and is it the one that has offhook's parts? Imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from packaging.requirements import Requirement

from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "python"
OLDEST: Final = (3, 11)


async def run(_: Patient) -> Sequence[Finding]:
    """Check the interpreter and the installed packages."""
    return [*interpreter(tuple(sys.version_info[:3])), *packages()]


def interpreter(found: tuple[int, ...]) -> list[Finding]:
    """Judge a Python version."""
    shown = ".".join(str(part) for part in found)
    if found[:2] >= OLDEST:
        return [ok(NAME, f"Python {shown}")]
    return [
        Finding(
            NAME,
            "fail",
            f"Python {shown}",
            cause="too-old",
            expected=f"Python {OLDEST[0]}.{OLDEST[1]} or newer",
            fix="install a newer Python and make the environment again with it",
        )
    ]


def packages() -> list[Finding]:
    """Judge what is installed against what this offhook asks for; extras are not asked for."""
    lacking = []
    for line in requires("offhook") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            lacking.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            lacking.append(f"{wanted.name} is {there}, wanted {wanted.specifier}")
    if not lacking:
        return []
    return [
        Finding(
            NAME,
            "fail",
            "; ".join(lacking),
            cause="packages",
            expected="the packages that requirements.txt pins",
            fix="install them again: python -m pip install -r requirements.txt",
        )
    ]
