"""Where the server listens and what the world calls it. No limits, no deadlines."""

from __future__ import annotations

from pydantic import Field, field_validator

from offhook.config.parts import Part
from offhook.config.values import is_ipv6, is_loopback, split_url

_EXAMPLE = "https://voice.example.com"


class ServerPart(Part):
    """One port for webhooks and streams."""

    host: str = Field(
        default="",
        description="Interface to listen on. Empty: all of them, or this machine only where no auth token is set.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0: any free one.")
    public_url: str | None = Field(
        default=None,
        description="How the world reaches this server, like https://voice.example.com; signatures cover it.",
    )
    stream_path: str = Field(
        default="/twilio", pattern=r"^/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$", description="Path of the stream."
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        bare = value.removeprefix("[").removesuffix("]") if ":" in value else value
        if any(letter in bare for letter in "/\"'[] ") or (":" in bare and not is_ipv6(bare)):
            raise ValueError("must be a bare interface like 127.0.0.1, 0.0.0.0 or ::, without scheme, port or path")
        return bare

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if "$" in value or "{" in value:
            raise ValueError(
                f"has the name of a variable in it that nothing has filled in; write it out, like {_EXAMPLE}"
            )
        if value.startswith(("ws://", "wss://")):
            raise ValueError(
                f"is a stream address; write the web address, like {_EXAMPLE}: the stream's is derived from it"
            )
        if "://" not in value:
            raise ValueError(f"must begin with https://, like {_EXAMPLE}")
        parts = split_url(value, ("https", "http"), _EXAMPLE)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(f"must end after the host: no path and no query, like {_EXAMPLE}")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError(f"must begin with https://, like {_EXAMPLE}: Twilio opens streams over TLS only")
        return value.rstrip("/")

    @property
    def stream_url(self) -> str | None:
        """The stream's public address (``wss://…``), where the public address is known."""
        if self.public_url is None:
            return None
        return "ws" + self.public_url.removeprefix("http") + self.stream_path
