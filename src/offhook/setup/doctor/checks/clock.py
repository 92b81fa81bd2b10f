"""Is this machine's clock right? Compares it with the Date header of whoever answers. Sets nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip

NAME: Final = "clock"
#: One-time tokens live about a minute; certificates and signed requests bear more.
WRONG_S: Final = 30.0
_ASK_S: Final = 4.0


async def run(patient: Patient) -> Sequence[Finding]:
    """Ask Deepgram's front door, or else the public address, what time it is."""
    assert patient.session is not None
    asked = [] if patient.settings is None else [_web(patient.settings.deepgram.agent_url)]
    asked += [patient.public_url] if patient.public_url else []
    for url in asked:
        before = time.time()
        try:
            async with patient.session.head(url, timeout=aiohttp.ClientTimeout(_ASK_S)) as answer:
                told = answer.headers.get("Date", "")
        except (aiohttp.ClientError, OSError):
            continue
        found = judge(told, (before + time.time()) / 2)
        if found is not None:
            return [found]
    return [skip(NAME, "nobody could be asked what time it is")]


def judge(told: str, ours: float) -> Finding | None:
    """Compare a Date header with our clock (Unix seconds); None where it is no date."""
    try:
        skew = ours - parsedate_to_datetime(told).timestamp()
    except (ValueError, TypeError):
        return None
    if abs(skew) <= WRONG_S:
        return ok(NAME, "this machine's clock is right")
    ahead = "ahead" if skew > 0 else "behind"
    return Finding(
        NAME,
        "fail",
        f"this machine's clock is {abs(skew):.0f} s {ahead}",
        "skew",
        f"at most {WRONG_S:.0f} s off: tokens and certificates depend on it",
        "let the system set its clock (timedatectl set-ntp true; on Windows: w32tm /resync)",
    )


def _web(stream: str) -> str:
    parts = urlsplit(stream)
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, "/", "", ""))
