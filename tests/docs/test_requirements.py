"""requirements.txt pins every direct dependency, as pyproject.toml asks for it, with hashes and without addresses.

Decided from the two files alone: nothing is resolved and no network is used. On failure: python -m tools.lock.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def direct() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def pinned() -> dict[str, tuple[Requirement, int]]:
    """Return every pin with the number of its hashes."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found = {}
    for entry in re.sub(r"#.*", "", text).replace("\\\n", " ").splitlines():
        if entry.strip():
            requirement = Requirement(entry.split("--hash")[0].strip())
            found[canonicalize_name(requirement.name)] = (requirement, entry.count("--hash=sha256:"))
    return found


PINS = pinned()


@pytest.mark.parametrize("wanted", direct(), ids=lambda wanted: wanted.name)
def test_every_direct_dependency_is_pinned_to_a_version_it_allows(wanted):
    pin, _ = PINS[canonicalize_name(wanted.name)]
    [exact] = list(pin.specifier)

    assert exact.operator == "=="
    assert wanted.specifier.contains(exact.version, prereleases=True)
    assert (wanted.marker is None) == (pin.marker is None) or not Marker("sys_platform == 'win32'").evaluate()


def test_every_pin_has_hashes():
    assert [name for name, (_, hashes) in PINS.items() if hashes == 0] == []


def test_nothing_of_the_offline_agent_or_of_development_is_in_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    others = [*project["project"]["optional-dependencies"]["offline"], *project["dependency-groups"]["dev"]]
    names = {canonicalize_name(Requirement(line).name) for line in others if isinstance(line, str)}
    direct_names = {canonicalize_name(wanted.name) for wanted in direct()}

    assert names & set(PINS) <= direct_names


def test_every_dependency_has_its_reason():
    page = (ROOT / "docs" / "topics" / "dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [line for lines in project["project"]["optional-dependencies"].values() for line in lines]
    development = [line for line in project["dependency-groups"]["dev"] if isinstance(line, str)]
    names = [Requirement(line).name for line in [*map(str, direct()), *extras, *development]]

    assert [name for name in names if name != "offhook" and f"`{name}`" not in page] == []
