"""The agent's voice. Knows the two Deepgram families; other vendors' fields pass through ``options``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.endpoint import Endpoint, Options, Secrets
from offhook.config.listen import is_flux
from offhook.config.parts import Part

#: Deepgram's Aura-2 voice used where none is named.
DEEPGRAM_VOICE = "aura-2-thalia-en"


class SpeakEntry(Part):
    """One voice the agent may use."""

    provider: str = Field(
        default="deepgram",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="`deepgram`, `eleven_labs`, `cartesia`, `open_ai`, `aws_polly`.",
    )
    endpoint: Endpoint | None = Field(default=None, description="Your own account with the vendor; not for `deepgram`.")
    model: str | None = Field(
        default=None,
        min_length=1,
        description="Voice or model. With `deepgram`: `aura-2-thalia-en` (Aura) or `flux-…` (Flux TTS).",
    )
    speed: float | None = Field(
        default=None, ge=0.5, le=1.5, description="`deepgram` only: Aura 0.7–1.5; Flux 0.5–1.5 in steps of 0.05."
    )
    expressivity: int | None = Field(default=None, ge=-2, le=2, description="Flux TTS only: −2 calm … 2 animated.")
    credentials: Secrets = Field(
        default={}, description="`aws_polly` only: type, region, access_key_id, secret_access_key, …"
    )
    options: Options = Field(
        default={},
        description="Further fields of the vendor, passed as they are: `voice`, `language`, `engine`, `volume`.",
    )

    @field_validator("endpoint")
    @classmethod
    def _endpoint_fits(cls, value: Endpoint | None, facts: ValidationInfo) -> Endpoint | None:
        provider = facts.data.get("provider")
        if value is not None and provider == "deepgram":
            raise ValueError("is not for provider deepgram; remove it")
        if value is None and provider in ("eleven_labs", "open_ai"):
            raise ValueError("is needed: Deepgram does not manage this vendor; set endpoint = { url = …, headers = … }")
        return value

    @field_validator("model")
    @classmethod
    def _model_is_named(cls, value: str | None, facts: ValidationInfo) -> str | None:
        provider = facts.data.get("provider")
        if value is None and provider == "deepgram":
            return DEEPGRAM_VOICE
        if value is None and provider in ("eleven_labs", "cartesia", "open_ai"):
            raise ValueError("is needed: name the vendor's model")
        return value

    @field_validator("speed", "expressivity")
    @classmethod
    def _fits_the_voice(cls, value: Any, facts: ValidationInfo) -> Any:
        provider, model = facts.data.get("provider"), facts.data.get("model")
        if value is None or provider is None or (provider == "deepgram" and model is None):
            return value
        flux = provider == "deepgram" and is_flux(model or "")
        if facts.field_name == "expressivity" and not flux:
            raise ValueError("belongs to the Flux voices (flux-…); remove it")
        if provider != "deepgram":
            raise ValueError("belongs to the Deepgram voices; write the vendor's own field in options")
        if facts.field_name == "speed" and not flux and value < 0.7:
            raise ValueError("goes from 0.7 to 1.5 with an Aura voice")
        if facts.field_name == "speed" and flux and abs(value * 20 - round(value * 20)) > 1e-6:
            raise ValueError("goes in steps of 0.05 with a Flux voice")
        return value

    @field_validator("credentials")
    @classmethod
    def _credentials_fit(cls, value: Secrets, facts: ValidationInfo) -> Secrets:
        if value and facts.data.get("provider") not in (None, "aws_polly"):
            raise ValueError("belongs to provider aws_polly; others take a header of their endpoint")
        return value

    @property
    def version(self) -> Literal["v1", "v2"] | None:
        """The version of Deepgram's speak API this voice belongs to; None with another vendor."""
        if self.provider != "deepgram":
            return None
        return "v2" if is_flux(self.model or "") else "v1"

    @property
    def label(self) -> str:
        """The name people know it by, like ``deepgram/aura-2-thalia-en``."""
        return f"{self.provider}/{self.model}" if self.model else self.provider


class Speak(SpeakEntry):
    """The agent's voice, with what to use when it fails."""

    fallback: tuple[SpeakEntry, ...] = Field(default=(), description="Voices to fall back to, in order.")

    @property
    def entries(self) -> tuple[SpeakEntry, ...]:
        """Every voice in order of preference."""
        own = SpeakEntry.model_construct(**{name: getattr(self, name) for name in SpeakEntry.model_fields})
        return (own, *self.fallback)
