"""Access to Deepgram's Voice Agent: key, address, quota. What the agent *is* stands in ``agent.py``."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.credentials import DeepgramKey
from offhook.config.parts import Part
from offhook.config.values import is_loopback, split_url

AGENT_URL = "wss://agent.deepgram.com/v1/agent/converse"
_PATH = "/v1/agent/converse"


class DeepgramAccess(Part):
    """How the agent is reached. Regions: https://developers.deepgram.com/docs/regional-endpoints."""

    api_key: DeepgramKey | None = Field(default=None, description="The key the agent leg authenticates with.")
    allow_plain: bool = Field(
        default=False,
        description="Permit `ws://` to another machine (self-hosted, private network): the key travels unencrypted.",
    )
    agent_url: str = Field(
        default=AGENT_URL,
        description="The agent's socket. EU: wss://api.eu.deepgram.com/v1/agent/converse; self-hosted: your own.",
    )
    concurrency: int | None = Field(
        default=None, ge=1, description="Concurrent agent sessions your Deepgram plan allows; caps `limits.calls`."
    )

    @field_validator("agent_url")
    @classmethod
    def _is_an_agent_socket(cls, value: str, facts: ValidationInfo) -> str:
        if value.startswith(("https://", "http://")):
            raise ValueError(f"is a web address; the agent is a WebSocket: begin with wss://, like {AGENT_URL}")
        parts = split_url(value, ("wss", "ws"), AGENT_URL)
        host = parts.hostname or ""
        if parts.query or parts.fragment:
            raise ValueError("must not have a query string; the agent takes none")
        if parts.path in ("", "/"):
            raise ValueError(f"has no path; the agent's path is {_PATH}")
        if host == "api.deepgram.com":
            raise ValueError(f"api.deepgram.com does not serve the agent; use {AGENT_URL}")
        if host.startswith("agent.") and host.endswith(".deepgram.com") and host != "agent.deepgram.com":
            raise ValueError("regional hosts are called api.REGION.deepgram.com, not agent.REGION")
        if parts.scheme == "ws" and not is_loopback(host) and facts.data.get("allow_plain") is False:
            raise ValueError(
                "is ws:// to another machine: key and speech would travel unencrypted; use wss://, "
                "or set deepgram.allow_plain = true on a private network"
            )
        return value
