"""An address that Deepgram calls on our behalf, with its headers and credentials. We never call it ourselves."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, field_validator

from offhook.config.parts import Part
from offhook.config.values import split_url

_EXAMPLE = "https://llm.example.com/v1/chat/completions"
_SECRET_WORDS = ("key", "token", "secret", "password", "authorization", "credential")


def names_a_secret(name: str) -> bool:
    """Say whether a header or option with this name usually holds a secret."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def _no_secrets(options: dict[str, Any]) -> dict[str, Any]:
    found = sorted(name for name in options if names_a_secret(name))
    if found:
        raise ValueError(
            f"must not hold `{found[0]}`: secrets go to `endpoint.headers` or `credentials`, which are masked"
        )
    reserved = sorted(set(options) & {"type", "model", "version"})
    if reserved:
        raise ValueError(f"must not hold `{reserved[0]}`: it has a key of its own")
    return options


#: Fields passed to the vendor as they are, for what has no key of its own here. Never secrets: they are not masked.
Options = Annotated[dict[str, Any], AfterValidator(_no_secrets)]
#: Values may be written ``${NAME}`` in offhook.toml, filled from the environment or .env.
Secrets = dict[str, SecretStr]


class Endpoint(Part):
    """Where Deepgram sends its requests instead of the vendor's managed address."""

    url: str = Field(description="Address that Deepgram (not offhook) calls.")
    headers: Secrets = Field(
        default={}, description="Headers of that request; secrets as `${NAME}` from the environment."
    )

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        split_url(value, ("https", "http", "wss"), _EXAMPLE)
        return value


class FunctionEndpoint(Endpoint):
    """A function that Deepgram calls itself over HTTP."""

    method: str = Field(default="post", description="HTTP method, in lower case.")


class FunctionDefinition(Part):
    """A function the agent may call, as the vendor defines it (Settings, ``agent.think.functions``)."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Name the model calls it by.")
    description: str | None = Field(default=None, description="When and why to call it; the model reads this.")
    parameters: dict[str, Any] = Field(
        default={"type": "object", "properties": {}}, description="JSON Schema of its arguments."
    )
    endpoint: FunctionEndpoint | None = Field(default=None, description="Set: Deepgram calls it. Unset: offhook does.")
    defer_until_eot: bool | None = Field(
        default=None, description="Hold the call until the turn is confirmed; true for anything that cannot be undone."
    )
