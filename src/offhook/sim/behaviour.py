"""How the simulated Twilio behaves on one stream: right by default, wrong where a test asks. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Choose the faults of one stream. Everything not listed is done by hand with `StreamClient`'s methods."""

    send_connected: bool = True
    media_before_start: int = 0
    second_start: Literal["no", "same", "other"] = "no"
    start_account_sid: str | None = None
    signature: Literal["right", "wrong", "none"] = "right"
    #: The URL to sign where the server's public name differs from the one dialled.
    sign_as: str | None = None
    #: Twilio has been seen to strip the query string of a stream URL; its pages say the handshake may fail.
    query: Literal["strip", "keep", "fail"] = "strip"
    marks: Literal["played", "never", "twice"] = "played"
    send_stop: bool = True
    ending: Literal["close", "reset", "vanish"] = "close"
    #: Caller frames per 20 ms, and how fast the caller hears.
    pace: float = 1.0
    playback_speed: float = 1.0
    jitter_ms: float = 3.0
    #: Frames gathered and sent at once.
    bunch: int = 1
    seed: int = 0
