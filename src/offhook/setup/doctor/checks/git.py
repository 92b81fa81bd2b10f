"""Asks git about one folder, for the checks. Changes nothing; where there is no git, nothing is so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

_GIT_S: Final = 5.0


async def git(folder: Path, *words: str) -> int:
    """Return the exit code of a command; -1 where git is not there or does not answer."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        git = await asyncio.create_subprocess_exec("git", "-C", str(folder), *words, stdout=nowhere, stderr=nowhere)
    except OSError:
        return -1
    try:
        async with asyncio.timeout(_GIT_S):
            return await git.wait()
    except TimeoutError:
        return -1
    finally:
        if git.returncode is None:  # it is late, or nobody waits for it any more
            git.kill()
            await git.wait()
