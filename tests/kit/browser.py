"""Debian's Chromium without a window, driven over its own debugging socket. For tests that look at a page."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*"),
)


class Page:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        #: What the browser told by itself: log entries, requests.
        self.events: list[dict[str, Any]] = []

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json(timeout=30)
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])
            self.events.append(told)

    async def run(self, script: str) -> Any:
        """Evaluate JavaScript and return its value."""
        result = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str, within_s: float = 60.0) -> Any:
        """Wait until JavaScript is true; return its value."""
        async with asyncio.timeout(within_s):
            asked = f"(() => {{ try {{ return {script} }} catch {{ return null }} }})()"
            while not (value := await self.run(asked)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # the page tells nobody
        return value

    async def picture(self, width: int, height: int, file: Path, *, dark: bool = False) -> None:
        """Take a picture at this size."""
        await self.sized(width, height, dark=dark)
        shot = await self.ask("Page.captureScreenshot", format="png")
        _write(file, base64.b64decode(shot["data"]))

    async def sized(self, width: int, height: int, *, dark: bool = False) -> None:
        """Make the window this large, light or dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    """Open a page; skips the test where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        quiet = asyncio.subprocess.DEVNULL
        browser = await asyncio.create_subprocess_exec(
            chromium, *FLAGS, f"--user-data-dir={folder}", "about:blank", stdout=quiet, stderr=quiet
        )
        try:
            port = await _port(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = json.loads(await answer.text())
                target = next(one for one in pages if one["type"] == "page")["webSocketDebuggerUrl"]
                async with session.ws_connect(target, max_msg_size=0) as socket:
                    page = Page(socket)
                    for domain in ("Page", "Runtime", "Log", "Network"):
                        await page.ask(f"{domain}.enable")
                    await page.ask("Page.navigate", url=url)
                    yield page
        finally:
            browser.kill()
            await browser.wait()


def _write(file: Path, picture: bytes) -> None:
    file.write_bytes(picture)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


async def _port(file: Path) -> int:
    async with asyncio.timeout(60):
        while True:
            try:
                return int(_lines(file)[0])
            except (OSError, IndexError):
                await asyncio.sleep(0.1)
