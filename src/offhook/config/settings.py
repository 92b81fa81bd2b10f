"""All settings of one offhook, in parts. Values only; where they come from is ``load.py``'s business."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from offhook.config.agent import AgentProfile
from offhook.config.call import CallPolicy
from offhook.config.deepgram import DeepgramAccess
from offhook.config.dev import DevPart
from offhook.config.limits import Limits
from offhook.config.log import LogPart
from offhook.config.parts import Part
from offhook.config.railway import RailwayAccess
from offhook.config.server import ServerPart
from offhook.config.timeouts import Timeouts
from offhook.config.twilio import TwilioAccount
from offhook.config.values import E164

AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class NumberRoute(Part):
    """What answers one of our numbers."""

    agent: str = Field(description="Name of the agent: the NAME of an `[agents.NAME]` table.")


class Settings(Part):
    """Everything offhook can be told."""

    agent: AgentProfile = Field(
        default=AgentProfile(), description="The agent that answers where no number says otherwise."
    )
    agents: dict[AgentName, AgentProfile] = Field(default={}, description="Further agents, by name.")
    numbers: dict[E164, NumberRoute] = Field(default={}, description="Which agent answers which of our numbers.")
    call: CallPolicy = Field(default=CallPolicy(), description="Rules of every call.")
    limits: Limits = Field(default=Limits(), description="Bounds of everything.")
    timeouts: Timeouts = Field(default=Timeouts(), description="Deadlines of everything, in seconds.")
    twilio: TwilioAccount = Field(default=TwilioAccount(), description="The Twilio account.")
    deepgram: DeepgramAccess = Field(default=DeepgramAccess(), description="Access to Deepgram.")
    railway: RailwayAccess = Field(default=RailwayAccess(), description="Access to Railway, for setup and doctor.")
    server: ServerPart = Field(default=ServerPart(), description="Where the server listens.")
    log: LogPart = Field(default=LogPart(), description="The log.")
    dev: DevPart = Field(default=DevPart(), description="`offhook dev`, on a laptop.")

    @field_validator("numbers")
    @classmethod
    def _agents_exist(cls, value: dict[str, NumberRoute], facts: ValidationInfo) -> dict[str, NumberRoute]:
        agents = facts.data.get("agents")
        if agents is not None:
            unknown = sorted({route.agent for route in value.values()} - set(agents))
            if unknown:
                known = ", ".join(f"`{name}`" for name in sorted(agents)) or "none yet"
                raise ValueError(
                    f"names the agent `{unknown[0]}`, which does not exist; add a table [agents.{unknown[0]}] "
                    f"or name one of: {known}"
                )
        return value

    @property
    def calls(self) -> int:
        """How many calls this process takes at once: ``limits.calls``, never above the agent's concurrency."""
        return min(self.limits.calls, self.deepgram.concurrency or self.limits.calls)
