"""What `offhook dev` does on a laptop: which tunnel, which number. Means nothing to a server elsewhere."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from offhook.config.parts import Part
from offhook.config.values import E164, is_loopback, split_url

_EXAMPLE = "http://127.0.0.1:4040"


class DevPart(Part):
    """Answering a number from a laptop."""

    tunnel: Literal["auto", "ngrok", "agent", "cloudflared"] = Field(
        default="auto",
        description="`ngrok`: its Python library; `agent`: an ngrok that runs already; `cloudflared`; "
        "`auto`: the first that works.",
    )
    number: E164 | None = Field(
        default=None, description="The number to answer from here. Unset: the account's only one."
    )
    ngrok_api: str = Field(
        default="",
        description="Where a running ngrok has its local API (its `web_addr`). Empty: 127.0.0.1, ports 4040 to 4043.",
    )
    ngrok_server: str = Field(
        default="",
        pattern=r"^$|^[A-Za-z0-9.-]+:\d{1,5}$",
        description="Where ngrok's library connects, HOST:PORT. Empty: ngrok's own.",
    )

    ngrok_ca_file: str | None = Field(
        default=None,
        description="Certificates (PEM) to check ngrok's server against, where a proxy opens TLS on the way.",
    )

    @field_validator("ngrok_api")
    @classmethod
    def _is_here(cls, value: str) -> str:
        if not value:
            return value
        parts = split_url(value, ("http",), _EXAMPLE)
        if not is_loopback(parts.hostname or ""):
            raise ValueError(f"must be on this computer, like {_EXAMPLE}: the API has no password")
        return value.rstrip("/")
