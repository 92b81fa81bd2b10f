"""`offhook doctor --fix`: what it says it can mend is mended, once it was agreed to, and nothing else is touched."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.kit.patients.all import SEEDS
from tests.kit.patients.seed import Seed, keys

from offhook.setup.doctor import repairs
from offhook.setup.doctor.catalogue import CHECKS
from offhook.setup.doctor.check import Check, run_checks
from offhook.setup.doctor.patient import Patient, examine

MENDED = [seed for seed in SEEDS if (seed.check, seed.cause) in repairs.causes()]


@asynccontextmanager
async def patient_of(folder: Path, environ: Mapping[str, str], url: str | None) -> AsyncIterator[Patient]:
    try:
        async with aiohttp.ClientSession() as session:
            yield examine(folder, environ, url=url, session=session)
    finally:
        await asyncio.get_running_loop().shutdown_default_executor()  # names were looked up in its threads


def checks_of(seed: Seed) -> list[Check]:
    """The check that names the seed; the numbers' wiring is told by the check of the number."""
    wanted = {"twilio-wiring": "twilio-number"}.get(seed.check, seed.check)
    return [check for check in CHECKS if check.name == wanted]


def test_every_repair_has_a_patient() -> None:
    assert {(seed.check, seed.cause) for seed in MENDED} == repairs.causes()


@pytest.mark.parametrize("seed", MENDED, ids=lambda seed: seed.name)
async def test_what_can_be_mended_is(seed: Seed, tmp_path: Path) -> None:
    async with seed.arrange(tmp_path) as arranged:
        async with patient_of(tmp_path, arranged.environ, arranged.url) as patient:
            before = await run_checks(checks_of(seed), patient)
            assert (seed.check, seed.cause) in {(f.check, f.cause) for f in before}
            found = await repairs.planned(patient, repairs.repairs_for(before))
            if not found:  # which of two numbers is meant only the owner knows
                assert seed.words == "none of two numbers leads here"
                return
            for repair, _ in found:
                await repair.mend(patient)
        async with patient_of(tmp_path, arranged.environ, arranged.url) as patient:
            after = await run_checks(checks_of(seed), patient)
            assert (seed.check, seed.cause) not in {(f.check, f.cause) for f in after}, after
            assert await repairs.planned(patient, repairs.repairs_for(after)) == []


def run(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "offhook", "doctor", str(folder), "--no-network", *words]
    environ = {**os.environ, **keys(), "NO_COLOR": "1"}
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, env=environ, encoding="utf-8", check=False
    )


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    """A folder whose name has spaces and letters of elsewhere, and two things that can be mended."""
    folder = tmp_path / "Zahnärztin Müller"
    folder.mkdir()
    (folder / "offhook.toml").write_text("[agent]\ngreeting = 'Hello.'\n", encoding="utf-8")
    (folder / ".env.txt").write_text("# keys\n", encoding="utf-8")
    (folder / "dockerfile").write_text('ENV PYTHONUNBUFFERED=1\nCMD ["python", "-m", "offhook", "serve"]\n')
    return folder


def test_it_lists_what_it_would_do_and_changes_nothing_unasked(sick: Path) -> None:
    done = run(sick, "--fix")

    assert done.returncode == 2
    assert "rename .env.txt to .env" in done.stdout
    assert "rename dockerfile to Dockerfile" in done.stdout
    assert "add --yes" in done.stderr
    assert sorted(file.name for file in sick.iterdir()) == [".env.txt", "dockerfile", "offhook.toml"]


def test_with_yes_it_mends_and_looks_again(sick: Path) -> None:
    done = run(sick, "--fix", "--yes")

    assert {".env", "Dockerfile"} <= {file.name for file in sick.iterdir()}
    assert (sick / ".env").read_text(encoding="utf-8") == "# keys\n"
    now = done.stdout.partition("now:")[2]
    assert "env-not-loaded" not in now
    assert "not spelled" not in now
    assert "Traceback" not in done.stderr
    again = run(sick, "--fix", "--yes")
    assert "would be copied into the image" not in again.stdout.partition("now:")[2]


def test_without_anything_to_mend_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "--fix", "--yes")
    assert "nothing here can be mended" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_fix_and_json_are_two_things(tmp_path: Path) -> None:
    assert run(tmp_path, "--fix", "--json").returncode == 2
