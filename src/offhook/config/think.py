"""The agent's language model and what to use where it is refused. Any provider's name is allowed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.endpoint import Endpoint, Options, Secrets
from offhook.config.parts import Part

#: The model that Deepgram's own provider uses where none is named.
DEEPGRAM_MODEL = "think-fast"
#: Providers that Deepgram does not manage: it needs to be told where they are (docs, "LLM Models").
_NEED_AN_ENDPOINT = {"groq", "aws_bedrock"}


class ThinkEntry(Part):
    """One language model the agent may use."""

    provider: str = Field(
        default="deepgram", pattern=r"^[a-z][a-z0-9_]*$", description="`deepgram`, `open_ai`, `anthropic`, `google`, …"
    )
    endpoint: Endpoint | None = Field(
        default=None, description="Your own account or server, instead of Deepgram's managed one."
    )
    model: str | None = Field(
        default=None, min_length=1, description="The provider's model. With `deepgram`: `think-fast`."
    )
    version: str | None = Field(default=None, description="The provider's API version, where it has several.")
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0–2 (Anthropic: 0–1). Unset: the provider's default."
    )
    reasoning_mode: Literal["none", "minimal", "low", "medium", "high"] | None = Field(
        default=None, description="How long it may think before it speaks: `deepgram`, `open_ai`, `groq`."
    )
    voice_prompt_opt_out: bool | None = Field(
        default=None, description="`deepgram` only: do not put spoken-style instructions before your prompt."
    )
    context_length: int | Literal["max"] | None = Field(
        default=None, description='Characters of conversation kept, or "max"; only with an `endpoint`.'
    )
    credentials: Secrets = Field(
        default={}, description="`aws_bedrock` only: type, region, access_key_id, secret_access_key, …"
    )
    options: Options = Field(default={}, description="Further fields of the provider, passed as they are.")

    @field_validator("endpoint")
    @classmethod
    def _endpoint_fits(cls, value: Endpoint | None, facts: ValidationInfo) -> Endpoint | None:
        provider = facts.data.get("provider")
        if value is None and provider in _NEED_AN_ENDPOINT:
            raise ValueError(
                "is needed: Deepgram does not manage this provider; set endpoint = { url = …, headers = … }"
            )
        if value is not None and provider == "deepgram":
            raise ValueError('is not for provider deepgram; for a model of your own set provider = "open_ai" beside it')
        return value

    @field_validator("model")
    @classmethod
    def _model_is_named(cls, value: str | None, facts: ValidationInfo) -> str | None:
        if value is not None or "provider" not in facts.data or "endpoint" not in facts.data:
            return value
        if facts.data["provider"] == "deepgram":
            return DEEPGRAM_MODEL
        if facts.data["provider"] == "google" and facts.data["endpoint"] is not None:
            return None  # a Google endpoint carries the model in its address
        raise ValueError("is needed: name the provider's model")

    @field_validator("temperature", "reasoning_mode", "voice_prompt_opt_out", "context_length", "credentials")
    @classmethod
    def _fits_the_provider(cls, value: Any, facts: ValidationInfo) -> Any:
        provider = facts.data.get("provider")
        if not value or provider is None:
            return value
        if facts.field_name == "temperature" and provider == "anthropic" and isinstance(value, float) and value > 1:
            raise ValueError("goes from 0 to 1 with Anthropic")
        if facts.field_name == "reasoning_mode" and provider in ("anthropic", "google", "aws_bedrock"):
            raise ValueError("is not known to this provider; remove it")
        if facts.field_name == "voice_prompt_opt_out" and provider != "deepgram":
            raise ValueError("belongs to provider deepgram; remove it")
        if facts.field_name == "context_length" and facts.data.get("endpoint", ...) is None:
            raise ValueError("works with an endpoint of your own only; remove it")
        if facts.field_name == "credentials" and provider != "aws_bedrock":
            raise ValueError("belongs to provider aws_bedrock; others take a header of their endpoint")
        return value

    @property
    def label(self) -> str:
        """The name people know it by, like ``deepgram/think-fast``."""
        return f"{self.provider}/{self.model}" if self.model else self.provider


#: What an account without Deepgram's own language models falls to: managed, cheap, available to everybody.
EVERYBODYS = ThinkEntry(provider="open_ai", model="gpt-4o-mini")


class Think(ThinkEntry):
    """The agent's language model, with what to use when the vendor refuses it or it fails."""

    fallback: tuple[ThinkEntry, ...] | None = Field(
        default=None,
        description="Models to fall back to, in order. Unset: `open_ai/gpt-4o-mini` with `deepgram`, else none.",
    )

    @property
    def entries(self) -> tuple[ThinkEntry, ...]:
        """Every entry in order of preference, without repetition."""
        own = ThinkEntry.model_construct(**{name: getattr(self, name) for name in ThinkEntry.model_fields})
        fallback = self.fallback
        if fallback is None:
            fallback = (EVERYBODYS,) if self.provider == "deepgram" else ()
        ordered: list[ThinkEntry] = []
        for entry in (own, *fallback):
            if entry not in ordered:
                ordered.append(entry)
        return tuple(ordered)
