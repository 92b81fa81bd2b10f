"""What a tunnel is, and who can open one, as values and a Protocol. Opens nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from offhook.config.values import is_loopback


async def nothing_to_close() -> None:
    """Close a tunnel that is somebody else's: leave it as it is."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open tunnel. ``url`` has no slash at its end; ``owner`` says whose it is and what becomes of it when we stop.

    ``ended`` waits until it ends by itself and returns why; None where nobody can tell.
    """

    url: str
    owner: str
    close: Callable[[], Awaitable[None]] = nothing_to_close
    ended: Callable[[], Awaitable[str]] | None = None

    def says(self, port: int) -> str:
        """Say in one line what this is."""
        return f"{self.url} leads to port {port} of this computer ({self.owner}); offhook itself runs here"


class Opener(Protocol):
    """A way to get a tunnel."""

    name: str

    async def open(self, port: int) -> Tunnel:
        """Open a tunnel to ``port`` of this computer. Raises SetupError with the fix."""
        ...


def is_usable(url: str) -> bool:
    """Say whether Twilio can use a public address: https, or one of this computer (a tunnel's stand-in)."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition(":")[0] or rest.partition("/")[0]
    return scheme == "https" or (scheme == "http" and is_loopback(host))
