"""A tunnel that is the user's own affair: they name its address, we take their word and check it later."""

from __future__ import annotations

from pydantic import ValidationError

from offhook.config.server import ServerPart
from offhook.errors import SetupError
from offhook.setup.tunnel.port import Tunnel


class OwnTunnel:
    """Takes the address it is given."""

    name = "own"

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self, port: int) -> Tunnel:
        """Return the tunnel; raises SetupError where the address cannot be one."""
        try:
            known = ServerPart(public_url=self._url).public_url
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise SetupError(f"--url {said}", f"name the address that leads to port {port} of this computer") from None
        assert known is not None
        return Tunnel(known, "your own tunnel; it stays when offhook stops")
