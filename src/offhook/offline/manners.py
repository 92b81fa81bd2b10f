"""How one offline server behaves where the vendor's documents leave it open: timers, pace, project. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from offhook.offline import rules
from offhook.offline.segments import Pace


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds until this server loses patience. The vendor publishes only the last two."""

    settings_s: float = 10.0
    idle_s: float = 10.0
    warn_s: float = 6900.0
    end_s: float = 7200.0
    idle_needs_audio: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """What the vendor's documents leave open, chosen for one server.

    ``early_audio``: binary before Settings ends the session or is dropped. ``refusal``: a refused injection is
    answered with `InjectionRefused` or with a `Warning`. ``greeting``: spoken when the Settings give none.
    """

    timers: Timers = field(default_factory=Timers)
    project: rules.Project = field(default_factory=rules.Project)
    pace: Pace = field(default_factory=Pace)
    early_audio: Literal["error", "drop"] = "error"
    refusal: Literal["message", "warning"] = "message"
    greeting: str = ""
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
