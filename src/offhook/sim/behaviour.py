"""How the simulated Twilio behaves on one stream: right by default, wrong where a test asks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from offhook.sim import signing
from offhook.sim.complaints import LineFault


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


def dialled_url(url: str, behaviour: Behaviour) -> tuple[str, bool]:
    """Return the stream URL that is asked for, and whether its query string was stripped. Raises `LineFault` 31920."""
    parts = urlsplit(url)
    if not parts.query or behaviour.query == "keep":
        return url, False
    if behaviour.query == "fail":
        raise LineFault(31920, "the stream URL has a query string")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), True


def signature_header(url: str, auth_token: str | None, behaviour: Behaviour) -> dict[str, str]:
    """Return the signature header of a handshake: none without a token, a wrong one where that is asked for."""
    if auth_token is None or behaviour.signature == "none":
        return {}
    if behaviour.signature == "wrong":
        auth_token = auth_token[::-1] + "x"
    return {"x-twilio-signature": signing.sign_stream(auth_token, behaviour.sign_as or url)}
