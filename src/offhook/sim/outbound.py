"""A call that Twilio places: whether somebody picks up, what is detected, what is dialled after. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

#: Twilio rings up to this much longer than it is told.
BUFFER_S: Final = 5.0

PickupResult = Literal["answered", "busy", "no-answer", "failed", "never"]


@dataclass(frozen=True, slots=True)
class Pickup:
    """What the called telephone does: after ``rings_s`` the result. ``never`` rings until the call gives up."""

    result: PickupResult = "answered"
    rings_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Detection:
    """Answering machine detection, with Twilio's own parameters and defaults (all times in ms).

    ``blocks``: the TwiML waits for the verdict (``AsyncAmd=false``). ``callback_url`` is told it otherwise.
    """

    mode: Literal["Enable", "DetectMessageEnd"] = "Enable"
    blocks: bool = False
    callback_url: str | None = None
    callback_method: str = "POST"
    timeout_ms: float = 30_000
    speech_threshold_ms: float = 2400
    speech_end_threshold_ms: float = 1200
    silence_timeout_ms: float = 5000


@dataclass(frozen=True, slots=True)
class Outbound:
    """How a call is placed (``Direction=outbound-api``). ``rings_s_most`` is the API's Timeout."""

    pickup: Pickup = field(default_factory=Pickup)
    detection: Detection | None = None
    send_digits: str = ""
    rings_s_most: float = 60.0
