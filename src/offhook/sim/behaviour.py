"""How the simulated Twilio behaves on one call: right by default, wrong where a test asks. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from offhook.sim import signing
from offhook.sim.complaints import LineFault


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Choose the faults of one call. Everything not listed is done by hand with `StreamClient`'s methods.

    What Twilio's pages leave open is a choice here, with the likelier answer as the default.
    """

    # -- signatures
    #: ``slash`` signs the stream URL with a trailing slash, ``port`` with ``:443``: live handshakes showed both.
    signature: Literal["right", "wrong", "none", "slash", "port"] = "right"
    #: The URL to sign where the server's public name differs from the one dialled.
    sign_as: str | None = None
    #: Sign that text as it is, scheme and all, which Twilio never does.
    sign_exactly: bool = False
    #: Calls processed in another region may be signed with that region's token.
    region_token: str | None = None
    #: Sign webhooks with a shared key (HMAC-SHA256) under this id instead of the token; streams keep the token.
    shared_key: tuple[str, str] | None = None

    # -- webhooks and callbacks
    #: Ask every document twice under one idempotency token, and go on with the first or the last answer.
    webhook_twice: Literal["no", "first", "last"] = "no"
    #: ``ordered``: one after the other. ``shuffled``: each delayed by chance, so that a later one may come first.
    callbacks: Literal["ordered", "shuffled", "twice"] = "ordered"

    # -- the stream's beginning
    send_connected: bool = True
    media_before_start: int = 0
    second_start: Literal["no", "same", "other"] = "no"
    start_account_sid: str | None = None
    #: Twilio has been seen to strip the query string of a stream URL; its pages say the handshake may fail.
    query: Literal["strip", "keep", "fail"] = "strip"
    #: Nothing is sent for this long after `start`.
    first_media_ms: float = 0.0

    # -- media and marks
    marks: Literal["played", "never", "twice"] = "played"
    #: A mark goes back this long after it was reached.
    mark_delay_ms: float = 0.0
    #: Caller frames per 20 ms, and how fast the caller hears.
    pace: float = 1.0
    playback_speed: float = 1.0
    jitter_ms: float = 3.0
    #: Frames gathered and sent at once; with ``bunch_most`` a number between the two by chance, anew each time.
    bunch: int = 1
    bunch_most: int = 0

    # -- the stream's end
    send_stop: bool = True
    #: ``vanish`` leaves the socket half open for ``half_open_s``: nothing is read or written any more.
    ending: Literal["close", "reset", "vanish"] = "close"
    half_open_s: float = 3.0
    #: Report a server's close with 1000 as 31921 too: the page of 31921 lists it, the overview does not.
    close_is_error: bool = False
    #: After a failed stream, tell ``stream-stopped`` as well.
    error_then_stopped: bool = False
    seed: int = 0

    def bunch_size(self, chance: random.Random) -> int:
        """Return how many frames are gathered next."""
        return chance.randint(self.bunch, self.bunch_most) if self.bunch_most > self.bunch else self.bunch

    def signing_token(self, auth_token: str | None) -> str | None:
        """Return the token that signs: none without one, the region's where there is one, a wrong one if asked for."""
        token = self.region_token or auth_token
        if token is None or self.signature == "none":
            return None
        return token[::-1] + "x" if self.signature == "wrong" else token


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
    token = behaviour.signing_token(auth_token)
    if token is None:
        return {}
    if behaviour.sign_exactly and behaviour.sign_as:
        return {"x-twilio-signature": signing.sign(token, behaviour.sign_as)}
    signed = urlsplit(behaviour.sign_as or url)
    if behaviour.signature == "slash":
        signed = signed._replace(path=signed.path.rstrip("/") + "/")
    if behaviour.signature == "port" and signed.port is None:
        signed = signed._replace(netloc=f"{signed.netloc}:443")
    return {"x-twilio-signature": signing.sign_stream(token, signed.geturl())}
