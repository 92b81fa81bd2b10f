"""A GGUF file behind an OpenAI-compatible endpoint on loopback, in a process of its own; see `llm`. No dialogue.

Run as ``python -m offhook.offline.speech.gguf FILE``: prints the address, serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from offhook.errors import ConfigError

#: A few gigabytes from a cold disk.
LOAD_S: Final = 300.0
_STOP_S: Final = 3.0
_CONTEXT_TOKENS: Final = 4096
_MISSING_EXTRA: Final = 3


def main(path: str) -> None:
    """Serve until stdin ends."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        import xllamacpp  # pyright: ignore[reportMissingImports] # the `llm` extra
    except ImportError:
        sys.exit(_MISSING_EXTRA)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = _CONTEXT_TOKENS
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    server = xllamacpp.Server(params)
    ours.write(f"{server.listening_address}\n")
    ours.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # the native server would wait for its open streams


class GgufServer:
    """The process, and the address it serves at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Load the model and return the endpoint's address. `ConfigError` says what is missing."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook.offline.speech.gguf", str(self._path.resolve()),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            start_new_session=sys.platform != "win32",
        )  # fmt: skip
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(LOAD_S):
                address = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            address = ""
        if not address:
            await self.close()
            if self._process.returncode == _MISSING_EXTRA:
                raise ConfigError(['--llm with a .gguf file needs an extra; run: pip install "offhook[llm]"'])
            raise ConfigError([f"--llm: {self._path.name} could not be loaded; is it a complete GGUF model?"])
        return address

    async def close(self) -> None:
        """End the process."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
