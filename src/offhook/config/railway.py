"""Access to Railway, for `offhook setup` and `offhook doctor`. The server itself needs none of this."""

from __future__ import annotations

from pydantic import Field, field_validator

from offhook.config.credentials import RailwayToken
from offhook.config.parts import Part
from offhook.config.values import is_loopback, split_url

API_URL = "https://backboard.railway.com/graphql/v2"


class RailwayAccess(Part):
    """Which project there is ours, and the token that may look at it (Railway, "Public API")."""

    token: RailwayToken | None = Field(
        default=None, description="A project token: one environment of one project. For `setup` and `doctor` only."
    )
    api_token: RailwayToken | None = Field(
        default=None, description="An account or workspace token: needed to create a project. Keep only one of the two."
    )
    api_url: str = Field(default=API_URL, description="Railway's GraphQL API.")
    project: str | None = Field(default=None, description="The project's name or id; a project token knows its own.")
    environment: str | None = Field(default=None, description="The environment's name; otherwise `production`.")
    service: str | None = Field(default=None, description="The service's name; otherwise `offhook`, or the only one.")

    look_s: float | None = Field(
        default=None, gt=0, description="Between two looks at a deployment; otherwise as the API's allowance bears."
    )
    deployment: str | None = Field(
        default=None, description="A deployment whose log you are reading: the doctor says whether it still counts."
    )

    @field_validator("api_url")
    @classmethod
    def _is_private(cls, value: str) -> str:
        parts = split_url(value, ("https", "http"), API_URL)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("is http:// to another machine: the token would travel unencrypted; use https://")
        return value
