"""The base class of every configuration part. Holds no setting of its own."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen group of settings. Unknown keys are errors; what was given never appears in an error's text."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
