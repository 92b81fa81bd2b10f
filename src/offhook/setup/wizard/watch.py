"""Asks a server of ours how far its calls have come (`GET …/watch`), signed as only the account's owner can."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from offhook.config.settings import Settings
from offhook.errors import SetupError

_ASK_S: Final = 8.0
#: The server's words for the steps of a call, in their order, and ours.
STEPS: Final[Mapping[str, str]] = {
    "webhook": "Twilio asked the server what to do, and was answered",
    "stream": "Twilio opened the media stream",
    "agent": "Deepgram's agent is ready",
    "greeting": "the greeting is on its way to the caller",
    "heard": "the greeting was heard",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One call: its age, which steps it took, in seconds after its first sign, and in words why it ended."""

    call: str
    steps: Mapping[str, float]
    age_s: float = 0.0
    reason: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """One server. ``url`` is what it believes its public address to be: signatures cover it."""

    session: aiohttp.ClientSession
    url: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, session: aiohttp.ClientSession, public_url: str, settings: Settings) -> Watch:
        """Watch the server at a public address."""
        token = settings.twilio.auth_token
        assert token is not None
        return cls(session, f"{public_url}{settings.server.stream_path}/watch", token.get_secret_value())

    async def look(self) -> list[Seen] | None:
        """Return the calls of the last minutes; None where it could not be asked just now. Raises SetupError."""
        signature = base64.b64encode(hmac.new(self.token.encode(), self.url.encode(), hashlib.sha1).digest()).decode()
        headers = {"X-Twilio-Signature": signature}
        try:
            async with self.session.get(
                self.url, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(_ASK_S)
            ) as answer:
                if answer.status == 200:
                    return [_seen(one) for one in (await answer.json())["calls"]]
                _explain(answer.status)
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
            pass
        return None


def _explain(status: int) -> None:
    if status == 403:
        raise SetupError(
            "the server does not take this account's signature",
            "give it the same TWILIO_AUTH_TOKEN as in .env here, and its exact public address",
        )
    if status == 404:
        raise SetupError(
            "the server cannot be watched: it is an older offhook",
            "`offhook init --upgrade`, push, and deploy; then run `offhook setup` again",
        )


def _seen(one: Mapping[str, Any]) -> Seen:
    ended = one["ended"] or {}
    steps = {str(name): float(at) for name, at in one["steps"].items()}
    return Seen(str(one["call"]), steps, float(one["age_s"]), str(ended.get("reason", "")), str(ended.get("words", "")))
