"""Writes requirements.txt: what production images install, pinned with hashes, without any address. Needs uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "requirements.txt"
#: Production only: neither the development group nor the offline agent's models.
EXPORT = (
    "export", "--quiet", "--no-emit-index-url", "--no-emit-project", "--no-default-groups", "--no-header",
    "--format", "requirements-txt",
)  # fmt: skip
_HEADER = "# What production images install. Written by `python -m tools.lock` after a change of pyproject.toml.\n"


def main() -> int:
    """Export the lock. Exit code 1 where uv is missing or fails."""
    uv = shutil.which("uv")
    command = [uv] if uv else [sys.executable, "-m", "uv"]
    done = subprocess.run([*command, *EXPORT], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603
    if done.returncode:
        print(f"uv failed; install it with: python -m pip install uv\n{done.stderr}", file=sys.stderr)  # noqa: T201
        return 1
    FILE.write_text(_HEADER + done.stdout, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
