"""Cloudflare's quick tunnel: a program that needs no account and gives a new address each time. Started and ended here.

Source: Cloudflare, "TryCloudflare": testing only, no promise of uptime.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from typing import Final

from offhook.errors import SetupError
from offhook.setup.tunnel.port import Tunnel

_OPEN_S: Final = 30.0
_CLOSE_S: Final = 3.0
_URL: Final = re.compile(r"https://[a-z0-9-]+\.trycloudflare\.com")
_LINE_BYTES: Final = 1 << 20


def program() -> str | None:
    """Return the path of cloudflared, where it is installed."""
    return shutil.which("cloudflared")


class Cloudflared:
    """Runs `cloudflared tunnel --url`."""

    name = "cloudflared"

    async def open(self, port: int) -> Tunnel:
        """Open a tunnel to ``port``."""
        path = program()
        if path is None:
            raise SetupError("cloudflared is not installed", "install it, or leave --tunnel away")
        words = ("tunnel", "--no-autoupdate", "--url", f"http://127.0.0.1:{port}")
        process = await asyncio.create_subprocess_exec(
            path,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        running = _Running(process)
        try:
            async with asyncio.timeout(_OPEN_S):
                url = await running.url()
        except TimeoutError:
            url = ""
        except BaseException:
            await running.close()
            raise
        if not url:
            await running.close()
            raise SetupError("cloudflared gives no address", "run `cloudflared tunnel --url` yourself to see why")
        running.drain()
        owner = "a quick tunnel of Cloudflare, with a new address each time; it ends when offhook stops"
        return Tunnel(url, owner, running.close, running.ended)


class _Running:
    """The program: its address, its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._draining: asyncio.Task[None] | None = None

    async def url(self) -> str:
        """Read what it says until it names the address; empty where it ends first."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            found = _URL.search(line.decode("utf-8", "replace"))
            if found is not None:
                return found[0]
        return ""

    def drain(self) -> None:
        """Read on and forget, or its pipe fills up and it stops."""
        self._draining = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.read(65536):
            pass

    async def ended(self) -> str:
        """Wait until it ends by itself."""
        code = await self._process.wait()
        return f"cloudflared ended with code {code}"

    async def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._draining is not None:
            await asyncio.gather(self._draining, return_exceptions=True)
