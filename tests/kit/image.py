"""A Dockerfile's steps done without Docker: a fresh virtual environment instead of the base image. Not a builder.

Knows FROM, ENV, WORKDIR, COPY (with .dockerignore), RUN, USER and an exec-form CMD: what our Dockerfiles use. Anything
else fails, so that a Dockerfile that needs more is noticed. USER is noted, not done.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_RUN_S = 900.0
_ROOT = PurePosixPath("/")
#: What pip needs of this machine to find packages.
_KEPT = ("HOME", "SYSTEMROOT", "TEMP", "TMP", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "USERPROFILE", "APPDATA")


@dataclass(slots=True)
class Image:
    """What the steps left: a folder that stands for the image's file system, an environment, a command."""

    root: Path
    python: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: PurePosixPath = _ROOT
    user: str = ""
    cmd: list[str] = field(default_factory=list)

    @property
    def here(self) -> Path:
        """The working directory."""
        return self.root / str(self.workdir).lstrip("/")

    def command(self) -> list[str]:
        """Return CMD with the environment's own Python as its program."""
        assert self.cmd[0] in ("python", "python3"), self.cmd
        return [str(self.python), *self.cmd[1:]]

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment a container of this image starts with."""
        path = os.pathsep.join((str(self.python.parent), os.environ.get("PATH", "")))
        return {"PATH": path, **{name: os.environ[name] for name in _KEPT if name in os.environ}, **self.env, **more}


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their arguments."""
    joined = dockerfile.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines()]
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.partition(" ") for line in lines if line and not line.startswith("#"))
    ]


async def build(context: Path, into: Path) -> Image:
    """Do the steps of ``context``'s Dockerfile. Network is used by pip alone."""
    image: Image | None = None
    for word, rest in steps((context / "Dockerfile").read_text(encoding="utf-8")):
        if word == "FROM":
            assert image is None, "one stage only"
            image = Image(into / "image", await _environment(into / "venv", rest))
            image.root.mkdir(parents=True)
            continue
        assert image is not None
        await _step(image, context, word, rest)
    assert image is not None
    return image


async def _step(image: Image, context: Path, word: str, rest: str) -> None:
    match word:
        case "ENV":
            image.env |= dict(part.split("=", 1) for part in shlex.split(rest))
        case "WORKDIR":
            image.workdir = image.workdir / rest
            image.here.mkdir(parents=True, exist_ok=True)
        case "COPY":
            *sources, target = [part for part in shlex.split(rest) if not part.startswith("--chown=")]
            for source in sources:
                _copy(context, source, image.here / target, into_folder=target.endswith("/") or len(sources) > 1)
        case "RUN":
            await _run(rest, image.here, image.environ({}))
        case "USER":
            image.user = rest
        case "CMD":
            image.cmd = json.loads(rest)
        case "EXPOSE" | "STOPSIGNAL":
            pass
        case _:
            raise AssertionError(f"{word} is not known to this replay")


def _copy(context: Path, source: str, target: Path, *, into_folder: bool) -> None:
    kept_out = ignored(context)
    origin = context / source
    assert origin.exists(), f"COPY {source}: not in the context"
    if origin.is_file():
        assert not kept_out(PurePosixPath(source)), f"COPY {source}: excluded by .dockerignore"
        where = target / origin.name if into_folder else target
        where.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, where)
        return
    for file in sorted(origin.rglob("*")):
        inside = PurePosixPath(file.relative_to(context).as_posix())
        if file.is_file() and not kept_out(inside):
            where = target / file.relative_to(origin)
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, where)


def ignored(context: Path):
    """Return what says whether a path is kept out of the context (.dockerignore: the last line that fits counts)."""
    file = context / ".dockerignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def fits(path: PurePosixPath, pattern: str) -> bool:
        bare = pattern.strip("/")
        anywhere = bare.removeprefix("**/")
        for part in (path, *path.parents):
            if fnmatch.fnmatchcase(str(part), bare) and str(part).count("/") == bare.count("/"):
                return True
            if bare.startswith("**/") and fnmatch.fnmatchcase(part.name, anywhere):
                return True
        return False

    def kept_out(path: PurePosixPath) -> bool:
        out = False
        for pattern in patterns:
            if fits(path, pattern.removeprefix("!")):
                out = not pattern.startswith("!")
        return out

    return kept_out


async def _environment(folder: Path, base: str) -> Path:
    """Make a fresh environment, of the base image's Python where this machine has one, else of ours."""
    await _exec([_interpreter(base), "-m", "venv", str(folder)], Path.cwd(), dict(os.environ))
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _interpreter(base: str) -> str:
    found = re.match(r"python:(\d+\.\d+)", base)
    assert found, f"FROM {base}: not a Python image"
    many = sorted((Path.home() / ".pyenv/versions").glob(f"{found[1]}.*/bin/python"))
    for candidate in (*map(str, reversed(many)), shutil.which(f"python{found[1]}")):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return sys.executable


async def _exec(command: list[str], cwd: Path, env: Mapping[str, str]) -> None:
    done = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    await _finished(done, " ".join(command))


async def _run(command: str, cwd: Path, env: Mapping[str, str]) -> None:
    # pip's own settings are this machine's, not the image's: they say where packages come from.
    known = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    done = await asyncio.create_subprocess_shell(
        command,
        cwd=cwd,
        env={**known, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await _finished(done, command)


async def _finished(done: asyncio.subprocess.Process, what: str) -> None:
    async with asyncio.timeout(_RUN_S):
        said, _ = await done.communicate()
    assert done.returncode == 0, f"{what}\n{said.decode('utf-8', 'replace')}"
