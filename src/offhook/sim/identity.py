"""Who a simulated call is: the ids and numbers Twilio would give it. Not an account, not a secret."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


def fresh_sid(prefix: str, chance: random.Random | None = None) -> str:
    """Return an id in Twilio's form: two letters and 32 hexadecimal digits. ``chance`` makes it repeatable."""
    source = chance or random.SystemRandom()
    return f"{prefix}{source.getrandbits(128):032x}"


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """The ids of one call. Numbers are from the ranges that nobody owns."""

    account_sid: str = "AC00000000000000000000000000000001"
    call_sid: str = field(default_factory=lambda: fresh_sid("CA"))
    caller: str = "+14155550123"
    called: str = "+15005550006"
