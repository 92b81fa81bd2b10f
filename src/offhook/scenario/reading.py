"""Reads scenario files, TOML or JSON, and says everything that is wrong with them at once. Performs nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from offhook.lab.judge.judge import codes
from offhook.scenario.checking import Difference, differences
from offhook.scenario.shape import Scenario
from offhook.sim.complaints import CATALOGUE, DEAD_AIR, HEADER_AUDIO, QUERY_STRING
from offhook.sim.scenario import InterruptStep, SayStep

FILE_BYTES: Final = 1024 * 1024
SUFFIXES: Final = (".toml", ".json")
#: Scenarios of one run; a folder with more is a mistake.
FILES: Final = 2000
_COMPLAINTS: Final = frozenset((*CATALOGUE, DEAD_AIR, HEADER_AUDIO, QUERY_STRING))
_SHORT: Final = ("from", "to", "parameters", "steps")


class ScenarioError(ValueError):
    """A file is no scenario. ``problems`` has every reason, each with its file and place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario and where it is from. ``name`` is the file's without suffix; recordings are looked for in ``folder``.

    ``is_ours``: it comes with offhook, and so does not depend on anybody's settings.
    """

    name: str
    scenario: Scenario
    folder: Path
    is_ours: bool = False


def load(path: Path, *, is_ours: bool = False) -> Named:
    """Read one file. Raises `ScenarioError`, or `OSError` for a file that cannot be read."""
    if path.stat().st_size > FILE_BYTES:
        raise ScenarioError([f"{path.name}: a scenario has at most {FILE_BYTES >> 20} MiB"])
    raw = _tree(path)
    problems = [f"{path.name}: {problem}" for problem in _problems(raw)]
    if problems:
        raise ScenarioError(problems)
    return Named(path.stem, msgspec.convert(raw, Scenario), path.parent, is_ours)


def load_all(paths: Sequence[Path], *, is_ours: bool = False) -> list[Named]:
    """Read files and all scenario files under folders. Raises `ScenarioError` with the problems of all of them."""
    found: list[Named] = []
    problems: list[str] = []
    for path in _files(paths):
        try:
            found.append(load(path, is_ours=is_ours))
        except ScenarioError as error:
            problems += error.problems
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror})")
    if problems:
        raise ScenarioError(problems)
    return found


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if _is_scenario(file))
            if not inside:
                raise ScenarioError([f"{path}: no scenario in this folder (they end in .toml or .json)"])
            if len(inside) > FILES:
                raise ScenarioError([f"{path}: more than {FILES} files; name a smaller folder"])
            yield from inside
        else:
            yield path


def _is_scenario(file: Path) -> bool:
    """Whether a file of a folder is taken: settings, schemas, and what begins with `_` (scripts, parts) are not."""
    if file.suffix.lower() not in SUFFIXES or file.name.startswith("_"):
        return False
    return file.name != "offhook.toml" and not file.name.endswith(".schema.json")


def _tree(path: Path) -> Any:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
        return msgspec.json.decode(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except UnicodeDecodeError:
        raise ScenarioError([f"{path.name}: is not UTF-8 text"]) from None
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise ScenarioError([f"{path.name}: is not valid {kind}: {error}"]) from None


def _problems(raw: Any) -> list[Difference]:
    found = list(differences(raw, Scenario))
    if found:
        return found
    scenario = msgspec.convert(raw, Scenario)
    return [*_twice(raw), *_steps(scenario), *_agent(scenario), *_codes(scenario)]


def _twice(raw: dict[str, Any]) -> Iterator[Difference]:
    caller = raw.get("caller", {})
    for name in _SHORT:
        if name in raw and name in caller:
            yield Difference((name,), "is set here and in [caller]; keep one of the two")


def _steps(scenario: Scenario) -> Iterator[Difference]:
    place = ("steps",) if scenario.steps is not None else ("caller", "steps")
    for index, step in enumerate(scenario.who.steps or ()):
        if isinstance(step, SayStep | InterruptStep) and (step.text is None) == (step.audio is None):
            yield Difference((*place, index), "needs either `text` or `audio`")


def _agent(scenario: Scenario) -> Iterator[Difference]:
    part = scenario.agent
    if part.script is not None and part.script_file is not None:
        yield Difference(("agent", "script_file"), "is set beside [agent.script]; keep one of the two")
    if part.mind == "speaking" and (part.script is not None or part.script_file is not None):
        yield Difference(("agent", "mind"), "a speaking mind follows no script; take out the script or the mind")


def _codes(scenario: Scenario) -> Iterator[Difference]:
    from difflib import get_close_matches

    known = codes()
    for field in ("findings", "may_find"):
        for index, code in enumerate(getattr(scenario.expect, field)):
            if code not in known:
                near = get_close_matches(code, known, 1, 0.4)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                yield Difference(("expect", field, index), f"`{code}` is no finding of the judge{hint}")
    for field in ("complaints", "may_complain"):
        for index, number in enumerate(getattr(scenario.expect, field)):
            if number not in _COMPLAINTS:
                yield Difference(("expect", field, index), f"the simulated Twilio has no complaint {number}")
