"""`offhook serve` as a process of its own: started, read line by line, signalled, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

#: How long a fact may take to come true on a crowded machine. Nobody waits that long unless a test fails.
_WAIT_S = 60.0
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "HOME", "LANG")


class Process:
    """A running command; ``lines`` are what it wrote so far to either stream."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._changed = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.append(line.decode("utf-8", "replace").rstrip())
            self._changed.set()
        await self._process.wait()  # or whoever waits for a line looks once more, too early to see that it is over
        self._changed.set()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def text(self) -> str:
        """Everything it wrote."""
        return "\n".join(self.lines)

    async def says(self, pattern: str, within_s: float = _WAIT_S) -> re.Match[str]:
        """Wait for a line that matches."""
        seen = re.compile(pattern)
        async with asyncio.timeout(within_s):
            while True:
                found = next((m for line in self.lines if (m := seen.search(line))), None)
                if found is not None:
                    return found
                if self._process.returncode is not None:
                    raise AssertionError(f"it ended without saying {pattern!r}: {self.text}")
                self._changed.clear()
                await self._changed.wait()

    async def port(self) -> int:
        """Wait until it listens; return the port."""
        return int((await self.says(r"listens on http://[^:]+:(\d+)"))[1])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._process.returncode is not None

    async def ends(self, within_s: float = _WAIT_S) -> int:
        """Wait for its end; return the exit code."""
        async with asyncio.timeout(within_s):
            code = await self._process.wait()
            await asyncio.gather(*self._reading)
        return code

    async def kill(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._reading)


@asynccontextmanager
async def running(folder: Path, *command: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """Run a command of offhook in ``folder`` with nothing in its environment but ``environ``."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env = {**kept, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1", **(environ or {})}
    async with started([sys.executable, "-m", "offhook", *command], folder, env) as process:
        yield process


@asynccontextmanager
async def started(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run any command in ``folder`` with exactly this environment."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    it = Process(process)
    assert process.stdout is not None
    assert process.stderr is not None
    it._reading = [asyncio.create_task(it._read(stream)) for stream in (process.stdout, process.stderr)]
    try:
        yield it
    finally:
        await it.kill()
        process._transport.close()  # type: ignore[attr-defined] # or its pipes outlive the loop
