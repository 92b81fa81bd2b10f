"""Build the benchmark's two C programs with the system's C compiler. Not a build system: plain `cc -O2`, libc only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE / "build"
PROGRAMS = ("relay", "load")
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")
COMPILE_S = 120


class NoCompiler(Exception):
    """No C compiler, or not Linux (the programs use epoll)."""


def build(folder: Path = BUILD) -> dict[str, Path]:
    """Compile what is older than its sources and return the programs by name. Raises `NoCompiler`."""
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None or not sys.platform.startswith("linux"):
        raise NoCompiler("the benchmark's C programs need Linux and a C compiler (Debian: apt install gcc libc6-dev)")
    folder.mkdir(parents=True, exist_ok=True)
    newest = max(source.stat().st_mtime for source in HERE.glob("*.[ch]"))
    built = {}
    for name in PROGRAMS:
        program = folder / name
        if not program.exists() or program.stat().st_mtime < newest:
            command = [compiler, *FLAGS, "-o", str(program), str(HERE / f"{name}.c")]
            subprocess.run(command, check=True, timeout=COMPILE_S)
        built[name] = program
    return built


if __name__ == "__main__":
    try:
        for name, program in build().items():
            print(f"{name}: {program.relative_to(HERE.parent)}")
    except NoCompiler as missing:
        sys.exit(str(missing))
