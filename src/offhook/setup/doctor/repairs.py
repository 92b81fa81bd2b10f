"""What `offhook doctor --fix` can mend by itself: small and certain things. Asks nobody; whoever calls it has asked.

A repair first says what it would do (`plan`), then does it. At Twilio it only points numbers at the server whose
address is known here, remembers what answered them, and never takes a trunk or an application away. The rest the doctor
only names: keys, contracts, other files and whole platforms are for their owners to change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.carrier.attach import attach, wiring_for
from offhook.carrier.client import Carrier
from offhook.carrier.number import Number, Wiring
from offhook.carrier.saved import SavedWirings
from offhook.errors import SetupError
from offhook.setup.doctor.checks import files, image, number, secrets, twilio
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding
from offhook.setup.project.write import write_project


@dataclass(frozen=True, slots=True)
class Repair:
    """``plan`` says in one line each what would be changed (nothing: it cannot be mended here); ``mend`` does it."""

    plan: Callable[[Patient], Awaitable[Sequence[str]]]
    mend: Callable[[Patient], Awaitable[None]]


def repairs_for(findings: Iterable[Finding]) -> list[Repair]:
    """Return the repairs of what was found, each once, in the order of the findings."""
    found: dict[int, Repair] = {}
    for finding in findings:
        repair = _REPAIRS.get((finding.check, finding.cause))
        if repair is not None and finding.verdict in ("warn", "fail"):
            found.setdefault(id(repair), repair)
    return list(found.values())


def causes() -> set[tuple[str, str]]:
    """Return every check and case that can be mended."""
    return set(_REPAIRS)


# -- files of the folder -------------------------------------------------------------------------------------------


def _local(says: Callable[[Path], str], does: Callable[[Path], None]) -> Repair:
    async def plan(patient: Patient) -> Sequence[str]:
        said = says(patient.folder)
        return [said] if said else []

    async def mend(patient: Patient) -> None:
        try:
            does(patient.folder)
        except OSError as error:
            raise SetupError(f"{Path(error.filename or '').name} cannot be changed ({error.strerror})") from None

    return Repair(plan, mend)


def _ignoring(name: str, line: str) -> Repair:
    def does(folder: Path) -> None:
        file = folder / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        gap = "" if not text or text.endswith("\n") else "\n"
        file.write_text(f"{text}{gap}{line}\n", encoding="utf-8", newline="\n")

    return _local(lambda _: f"add a line {line} to {name}", does)


def _stray(folder: Path) -> Path | None:
    """Return the one file that is meant to be .env; None where there are several, or .env is there."""
    strays = [folder / name for name in secrets.STRAYS if (folder / name).is_file()]
    return strays[0] if len(strays) == 1 and not (folder / ".env").exists() else None


def _rename_stray(folder: Path) -> None:
    stray = _stray(folder)
    if stray is not None:
        stray.rename(folder / ".env")


def _says_stray(folder: Path) -> str:
    stray = _stray(folder)
    return f"rename {stray.name} to .env" if stray is not None else ""


def _ended(folder: Path) -> list[str]:
    return [name for name in files.ENDED if files.is_ended(folder, name)]


def _says_ended(folder: Path) -> str:
    return ", ".join(f"rename {name}.txt to {name}" for name in _ended(folder))


def _end(folder: Path) -> None:
    for name in _ended(folder):
        (folder / f"{name}.txt").rename(folder / name)


def _misspelt(folder: Path) -> Path | None:
    found = [file for file in folder.glob("*") if file.name.lower() == "dockerfile" and file.name != "Dockerfile"]
    return found[0] if len(found) == 1 else None


def _spell(folder: Path) -> None:
    file = _misspelt(folder)
    if file is not None:
        between = file.rename(folder / "Dockerfile.renaming")  # Windows does not tell the two names apart
        between.rename(folder / "Dockerfile")


def _says_spelling(folder: Path) -> str:
    file = _misspelt(folder)
    return f"rename {file.name} to Dockerfile" if file is not None else ""


def _says_init(_: Path) -> str:
    return "write the project's missing files, as `offhook init` does"


def _init(folder: Path) -> None:
    write_project(folder)


# -- the number ----------------------------------------------------------------------------------------------------


async def _plan_wiring(patient: Patient) -> Sequence[str]:
    async with _numbers(patient) as (_, found):
        return [
            f"at Twilio, of the number ending in {each.e164[-2:]}: {change}"
            for each, wanted in found
            for change in each.wiring.changes_to(wanted)
        ]


async def _wire(patient: Patient) -> None:
    assert patient.loaded is not None
    saved = SavedWirings(patient.loaded.folder)
    async with _numbers(patient) as (carrier, found):
        for each, wanted in found:
            await attach(carrier.numbers, saved, each, wanted)


@asynccontextmanager
async def _numbers(patient: Patient) -> AsyncIterator[tuple[Carrier, list[tuple[Number, Wiring]]]]:
    """Yield the numbers that this server is to answer and does not, with what their wiring should be."""
    assert patient.settings is not None
    root, url = patient.settings.server.stream_path, patient.public_url
    async with twilio.carrier_of(patient) as carrier:
        _, chosen = number.choose(patient, await carrier.numbers.all())
        able = [each for each in chosen if each.can_voice and not each.wiring.overridden_by]
        wanted = [] if url is None else [(each, wiring_for(url, each.wiring, root=root)) for each in able]
        yield carrier, [(each, wiring) for each, wiring in wanted if each.wiring.changes_to(wiring)]


_WIRING: Final = Repair(_plan_wiring, _wire)
_REPAIRS: Final[dict[tuple[str, str], Repair]] = {
    (secrets.NAME, "env-not-ignored"): _ignoring(".gitignore", ".env"),
    (secrets.NAME, "env-in-image"): _ignoring(".dockerignore", ".env*"),
    (secrets.NAME, "env-not-loaded"): _local(_says_stray, _rename_stray),
    (files.NAME, "hidden-ending"): _local(_says_ended, _end),
    (files.NAME, "dockerfile-spelling"): _local(_says_spelling, _spell),
    (image.NAME, "no-dockerfile"): _local(_says_init, _init),
    **{
        (number.WIRING, cause): _WIRING
        for cause in ("not-wired", "wrong-path", "plain-http", "get", "wired-elsewhere", "no-status-callback")
    },
}


async def planned(patient: Patient, repairs: Sequence[Repair]) -> list[tuple[Repair, Sequence[str]]]:
    """Return the repairs that have something to do, with what that is. Raises `CarrierError`."""
    asked = [(repair, await repair.plan(patient)) for repair in repairs]
    return [(repair, lines) for repair, lines in asked if lines]
