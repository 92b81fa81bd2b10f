"""What one agent is: what it says first, what it knows, how it hears, thinks and speaks. No address, no key."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.endpoint import FunctionDefinition
from offhook.config.listen import Listen
from offhook.config.parts import Part
from offhook.config.speak import Speak
from offhook.config.think import DEEPGRAM_MODEL, Think

GREETING = "Hello! How can I help you today?"
PROMPT = (
    "You answer the telephone. Speak in one or two short sentences, in plain words without lists, symbols or emoji. "
    "Ask one question at a time. If you did not understand, say so and ask again."
)


class ContextMessage(Part):
    """One earlier sentence the agent should remember when a call begins."""

    role: Literal["user", "assistant"] = Field(description="`user` is the caller, `assistant` the agent.")
    content: str = Field(description="What was said.")


class AgentProfile(Part):
    """One agent. Everything has a default, so an empty profile answers the telephone."""

    greeting: str | None = Field(default=GREETING, description='Said when the call is answered; "" says nothing.')
    prompt: str = Field(default=PROMPT, description="Who the agent is and how it behaves. At most 25,000 characters.")
    prompt_file: str | None = Field(
        default=None,
        description="File with the prompt, beside offhook.toml. Instead of `prompt`; re-read at every start.",
    )
    listen: Listen = Field(default=Listen(), description="How it hears.")
    think: Think = Field(default=Think(), description="How it thinks.")
    speak: Speak = Field(default=Speak(), description="How it speaks.")
    context: tuple[ContextMessage, ...] = Field(default=(), description="Earlier sentences it should remember.")
    functions: tuple[FunctionDefinition, ...] = Field(default=(), description="Functions it may call.")
    tags: tuple[str, ...] = Field(default=(), description="Labels in Deepgram's usage reports.")
    mip_opt_out: bool = Field(
        default=False, description="Opt out of Deepgram's Model Improvement Program. Not with `think-fast`."
    )

    @field_validator("mip_opt_out")
    @classmethod
    def _think_fast_needs_mip(cls, value: bool, facts: ValidationInfo) -> bool:
        think = facts.data.get("think")
        if value and isinstance(think, Think):
            used = [entry for entry in think.entries if (entry.provider, entry.model) == ("deepgram", DEEPGRAM_MODEL)]
            if used:
                raise ValueError(
                    "cannot be true with think-fast, which needs the Model Improvement Program; set think.model = "
                    '"phonellm-mini-alpha-2-fp8" or another think.provider'
                )
        return value

    @field_validator("functions")
    @classmethod
    def _names_are_unique(cls, value: tuple[FunctionDefinition, ...]) -> tuple[FunctionDefinition, ...]:
        names = [function.name for function in value]
        if len(names) != len(set(names)):
            raise ValueError("has two functions of the same name; the agent could not tell them apart")
        return value
