"""What may happen to one phone call: how long, and what the caller hears when the agent cannot. No deadlines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.parts import Part
from offhook.config.timeouts import Timeouts
from offhook.config.values import E164, split_url

#: Twilio's limit for the text of one <Say>.
_SAY = 4096


class AgentFailure(Part):
    """What the caller gets when the agent fails: a sentence, then a person or the end of the call."""

    say: str = Field(
        default="Sorry, I have a problem. Please call again later.", max_length=_SAY, description="Said to the caller."
    )
    dial: E164 | None = Field(default=None, description="Number to connect the caller to afterwards. Unset: hang up.")


class BusyPolicy(Part):
    """What a caller gets whom we do not admit: at capacity, draining, too many starts."""

    do: Literal["say", "reject", "redirect"] = Field(
        default="say",
        description="`say` a sentence and hang up; `reject` with the busy tone, unbilled; `redirect` to other TwiML.",
    )
    say: str = Field(
        default="All our lines are busy. Please call again in a moment.", max_length=_SAY, description="For `say`."
    )
    redirect: str | None = Field(
        default=None, description="For `redirect`: the https address of the TwiML to go on with."
    )

    @field_validator("redirect")
    @classmethod
    def _goes_with_do(cls, value: str | None, facts: ValidationInfo) -> str | None:
        if value is None and facts.data.get("do") == "redirect":
            raise ValueError('is needed when do = "redirect"')
        if value is not None:
            split_url(value, ("https", "http"), "https://example.com/busy.xml")
        return value


class CallPolicy(Part):
    """Rules of every call."""

    max_minutes: float | None = Field(
        default=None,
        gt=0,
        le=119,
        description="Longest call. Unset: `timeouts.call_s`. Deepgram ends a session at 120 minutes.",
    )
    preconnect: bool = Field(
        default=True, description="Dial the agent while Twilio still sets up the stream: the greeting comes sooner."
    )
    when_agent_fails: AgentFailure = Field(
        default=AgentFailure(), description="What the caller gets when the agent fails."
    )
    when_busy: BusyPolicy = Field(default=BusyPolicy(), description="What a caller gets who is not admitted.")

    def longest_s(self, timeouts: Timeouts) -> float:
        """Return the longest a call may last, in seconds."""
        return timeouts.call_s if self.max_minutes is None else self.max_minutes * 60
