"""The base class of every configuration part. Holds no setting of its own."""

from typing import Final

from pydantic import BaseModel, ConfigDict, field_validator

#: More than anybody means, and as much as every timer and every socket takes.
_MOST: Final = 1_000_000_000


class Part(BaseModel):
    """A frozen group of settings. Unknown keys are errors; what was given never appears in an error's text."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class Amounts(Part):
    """A group of plain numbers, none of them absurd."""

    @field_validator("*")
    @classmethod
    def _is_sane(cls, value: float) -> float:
        if value > _MOST:
            raise ValueError(f"must be at most {_MOST:,}")
        return value
