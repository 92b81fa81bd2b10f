"""Speech recognition of the agent: model, language, turn taking. Knows which family takes which setting."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from offhook.config.parts import Part

_FLUX_ONLY = ("eot_threshold", "eager_eot_threshold", "eot_timeout_ms", "language_hints")
_NOVA_ONLY = ("language", "smart_format")


def is_flux(model: str) -> bool:
    """Say whether a Deepgram model is of the Flux family, which is version v2 of either API."""
    return model.startswith("flux-")


class Listen(Part):
    """How the agent hears. The API version follows from the model: ``flux-*`` is v2, everything else v1."""

    model: str = Field(
        default="flux-general-en", min_length=1, description="`flux-general-en`, `flux-general-multi` or `nova-3`."
    )
    language: str | None = Field(default=None, description="Nova only: BCP-47 tag or `multi`.")
    smart_format: bool | None = Field(default=None, description="Nova only: numbers, dates and addresses as written.")
    keyterms: tuple[str, ...] = Field(
        default=(), description="Names and words to expect; about 500 tokens in all. Flux and Nova-3."
    )
    language_hints: tuple[str, ...] = Field(
        default=(), description="`flux-general-multi` only: languages to expect (BCP-47)."
    )
    eot_threshold: float | None = Field(
        default=None,
        ge=0.5,
        le=1.0,
        description="Flux only: confidence that ends a turn (0.5–1; the vendor's default is 0.7).",
    )
    eager_eot_threshold: float | None = Field(
        default=None, ge=0.3, le=0.9, description="Flux only: confidence at which a reply is prepared early (0.3–0.9)."
    )
    eot_timeout_ms: int | None = Field(
        default=None, ge=500, le=60000, description="Flux only: silence that ends a turn whatever the confidence."
    )

    @property
    def version(self) -> Literal["v1", "v2"]:
        """The version of the listen API this model belongs to."""
        return "v2" if is_flux(self.model) else "v1"

    @field_validator(*_FLUX_ONLY, *_NOVA_ONLY, "keyterms")
    @classmethod
    def _fits_the_model(cls, value: Any, facts: ValidationInfo) -> Any:
        model = facts.data.get("model")
        if value in (None, ()) or not isinstance(model, str):
            return value
        if facts.field_name in _FLUX_ONLY and not is_flux(model):
            raise ValueError(
                "belongs to the Flux models (flux-general-en, flux-general-multi); remove it or change listen.model"
            )
        if facts.field_name in _NOVA_ONLY and is_flux(model):
            raise ValueError("belongs to the Nova models; remove it or set listen.model to nova-3")
        if facts.field_name == "language_hints" and model != "flux-general-multi":
            raise ValueError("works with listen.model flux-general-multi only; remove it or change the model")
        if facts.field_name == "keyterms" and not is_flux(model) and not model.startswith("nova-3"):
            raise ValueError("works with the Flux models and Nova-3 only; remove it or change listen.model")
        return value
