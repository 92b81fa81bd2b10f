"""ngrok's own Python library: a tunnel inside this process, no program to install. Knows the token's whereabouts.

Source: ngrok-python, `forward`. Its errors quote what they refuse, so of them only the code is ever shown.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from offhook.config.files import UnreadableError, read_dotenv
from offhook.errors import SetupError
from offhook.setup.tunnel.ngrok_codes import MEANINGS, refusal
from offhook.setup.tunnel.port import Tunnel

NAME: Final = "NGROK_AUTHTOKEN"
_OPEN_S: Final = 20.0
_CLOSE_S: Final = 3.0
_SETTLE_S: Final = 0.3
_IN_FILE: Final = re.compile(r"(?m)^\s*authtoken:\s*[\"']?([^\s\"'#]+)")


class NgrokSdk:
    """Opens a tunnel with ngrok's library."""

    name = "ngrok"

    def __init__(self, token: str, server: str = "", ca_file: Path | None = None) -> None:
        self._token, self._server, self._ca_file = token, server, ca_file

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"authtoken": self._token}
        if self._server:
            options["server_addr"] = self._server
        if self._ca_file is not None:
            try:
                options["session_ca_cert"] = bytearray(self._ca_file.read_bytes())  # it takes no bytes
            except OSError as error:
                raise SetupError(f"dev.ngrok_ca_file cannot be read ({error.strerror})", "correct its path") from None
        return options

    async def open(self, port: int) -> Tunnel:
        """Open a tunnel to ``port``."""
        if not is_installed():
            raise SetupError("ngrok's library is not installed", "install it: python -m pip install ngrok")
        if not self._token:
            raise SetupError(f"{MEANINGS[4018].said} (ERR_NGROK_4018)", MEANINGS[4018].fix)
        ngrok: Any = importlib.import_module("ngrok")
        try:
            async with asyncio.timeout(_OPEN_S):
                listener = await ngrok.forward(f"127.0.0.1:{port}", **self._options())
        except TimeoutError:
            await _settle()
            raise refusal("") from None
        except (ValueError, RuntimeError, OSError) as error:
            await _settle()
            raise refusal(" ".join(map(str, error.args))) from None
        return Tunnel(
            str(listener.url()).rstrip("/"), "a tunnel of ngrok; it ends when offhook stops", _closer(listener)
        )


def _closer(listener: Any) -> Any:
    async def close() -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await listener.close()
        except (TimeoutError, ValueError, RuntimeError, OSError):
            pass  # the process ends now, and the tunnel with it
        await _settle()

    return close


async def _settle() -> None:
    """Let the library's own threads finish: 1.4.0 brings the interpreter down where it ends right after an answer."""
    await asyncio.sleep(_SETTLE_S)


def is_installed() -> bool:
    """Say whether the vendor's package is installed. A file named ngrok.py in somebody's folder is not it."""
    try:
        distribution("ngrok")
    except PackageNotFoundError:
        return False
    return True


def token_of(environ: Mapping[str, str], folder: Path) -> str:
    """Return the authtoken from the environment, `.env`, or ngrok's own file; empty where there is none."""
    if environ.get(NAME):
        return environ[NAME]
    dotenv = folder / ".env"
    if dotenv.is_file():
        try:
            values, _ = read_dotenv(dotenv)
        except UnreadableError:
            values = {}
        if values.get(NAME):
            return values[NAME]
    file = config_file(environ)
    return _in_file(file) if file is not None else ""


def config_file(environ: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """Return where an ngrok agent keeps its settings on this system; None in an environment without a home."""
    name = "LOCALAPPDATA" if platform == "win32" else "HOME"
    if not environ.get(name):
        return None
    home = Path(environ[name])
    match platform:
        case "win32":
            folder = home
        case "darwin":
            folder = home / "Library" / "Application Support"
        case _:
            folder = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return folder / "ngrok" / "ngrok.yml"


def _in_file(file: Path) -> str:
    try:
        found = _IN_FILE.search(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""
