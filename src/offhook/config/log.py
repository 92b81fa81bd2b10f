"""How much is logged, and in what form. Nothing about what is logged: never speech, digits or keys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from offhook.config.parts import Part


class LogPart(Part):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least that is logged.")
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`json` lines for machines, `text` for people; `auto`: text on a terminal."
    )
