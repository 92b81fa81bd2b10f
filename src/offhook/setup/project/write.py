"""Writes the project's files into a folder and leaves alone what is there. Asks nothing; prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from offhook import __version__
from offhook.config.load import load
from offhook.errors import ConfigError, SetupError
from offhook.setup.project.wheel import build_wheel, pins, wheel_name

VENDOR: Final = "vendor"
#: Beside the wheel, not at the root: there it could be the owner's own list.
REQUIREMENTS: Final = f"{VENDOR}/requirements.txt"
#: The file in the project, the file of ours it comes from, and what it is. In the order they are told.
TEMPLATES: Final = (
    ("offhook.toml", "offhook.toml", "what the agent is and how calls are treated"),
    ("prompt.md", "prompt.md", "what the agent is told"),
    ("tools.py", "tools.py", "a place for functions of the agent; not read by this version"),
    (".env.example", "env.example", "the secrets to fill in; copy it to .env"),
    (".gitignore", "gitignore", "keeps .env out of git"),
    (".dockerignore", "dockerignore", "keeps .env out of the image"),
    ("Dockerfile", "Dockerfile", "how a platform builds and starts it"),
    ("README.md", "README.md", "how to go on"),
)

_LEFT: Final = "was here before and is left as it is"


@dataclass(frozen=True, slots=True)
class Step:
    """One file: its name in the project, what was done with it, and what it is (or why it was left)."""

    name: str
    did: str
    said: str


@dataclass(frozen=True, slots=True)
class Project:
    """What was written. ``problems`` are those of the settings that the folder now has."""

    folder: Path
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def made(self) -> list[str]:
        """The names of the files that are new or replaced."""
        return [step.name for step in self.steps if step.did != "kept"]


def write_project(folder: Path, *, upgrade: bool = False) -> Project:
    """Write what is missing in ``folder``. ``upgrade`` replaces offhook's wheel and pins by this version's.

    Raises SetupError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / VENDOR).mkdir(exist_ok=True)
        steps = [_step(folder, name, said, upgrade=False, write=_template(source)) for name, source, said in TEMPLATES]
        steps += _vendored(folder, upgrade=upgrade)
    except OSError as error:
        where = Path(error.filename).name if error.filename else folder.name
        raise SetupError(
            f"{where} cannot be written ({error.strerror})", "name a folder that is yours: offhook init DIR"
        ) from None
    notes = [*_open_secrets(folder), *_other_image(folder), *_older_offhook(folder)]
    return Project(folder, tuple(steps), tuple(notes), _problems(folder))


def _vendored(folder: Path, *, upgrade: bool) -> list[Step]:
    """Write what is ours, not the owner's: the wheel and the pins that go with it. Never one without the other."""
    steps = [
        _step(
            folder,
            REQUIREMENTS,
            "every package offhook needs, pinned with hashes",
            upgrade=upgrade,
            write=lambda file: _put(file, pins()),
        )
    ]
    others = _other_wheels(folder)
    if others and not upgrade:
        return [*steps, *(Step(f"{VENDOR}/{other.name}", "kept", _LEFT) for other in others)]
    name = f"{VENDOR}/{wheel_name()}"
    steps.append(_step(folder, name, "offhook itself", upgrade=upgrade, write=lambda file: _pack(file, others)))
    return steps


def _other_wheels(folder: Path) -> list[Path]:
    return [wheel for wheel in sorted((folder / VENDOR).glob("offhook-*.whl")) if wheel.name != wheel_name()]


def _step(folder: Path, name: str, said: str, *, upgrade: bool, write: Callable[[Path], None]) -> Step:
    file = folder / name
    if file.exists() and not upgrade:
        return Step(name, "kept", _LEFT)
    did = "new" if not file.exists() else "replaced"
    write(file)
    return Step(name, did, said)


def _template(source: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        text = (files("offhook.setup.project") / "files" / source).read_text(encoding="utf-8")
        _put(file, text.replace("@VERSION@", __version__).encode())

    return write


def _put(file: Path, content: bytes) -> None:
    """Write all or nothing: a half-written file would be left alone the next time."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    part.replace(file)


def _pack(file: Path, others: list[Path]) -> None:
    build_wheel(file.parent)
    for old in others:
        old.unlink()


def _other_image(folder: Path) -> list[str]:
    if "offhook" in "".join(_lines(folder / "Dockerfile")):
        return []
    return ["Dockerfile is your own and does not start offhook; delete it and run `offhook init` again to get ours"]


def _older_offhook(folder: Path) -> list[str]:
    return [
        f"{VENDOR} has {wheel.name}; `offhook init --upgrade` replaces it by {wheel_name()}"
        for wheel in _other_wheels(folder)
    ]


def _open_secrets(folder: Path) -> list[str]:
    """Return what to do where ignore files of the owner's own would let `.env` out."""
    notes = []
    for name, where in ((".gitignore", "git"), (".dockerignore", "the image")):
        lines = {line.strip().lstrip("/") for line in _lines(folder / name)}
        if not lines & {".env", ".env*", "**/.env", "*"}:
            notes.append(f"{name} does not name .env, so your keys would go into {where}: add a line .env")
    return notes


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _problems(folder: Path) -> tuple[str, ...]:
    """Check the settings file that is there now, without this machine's environment."""
    try:
        load(None, {}, None, folder)
    except ConfigError as error:
        return error.problems
    return ()
