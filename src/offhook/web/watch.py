"""`GET …/watch`: how far the calls of this server have come, for `offhook setup`. Says no number and no word of a call.

It is signed as Twilio signs: whoever holds the account's auth token may ask, nobody else. So nothing new is to be
configured, kept or revoked, and a server that a stranger reaches tells that stranger nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from offhook.call.hangup import HangupCause
from offhook.call.progress import Progress
from offhook.errors import OffhookError
from offhook.run.switchboard import Switchboard
from offhook.wire import signature

_WORDS: Final = {
    "caller_hung_up": "the caller hung up",
    "agent_hung_up": "the agent hung up",
    "limit": "the call had lasted as long as calls may",
    "drained": "this server is being stopped",
    "superseded": "Twilio opened a newer stream for the call",
    "never_streamed": "Twilio never opened the stream",
}


class WatchPage:
    """Answers the one path. Raises `BadSignature` for whoever does not hold the auth token."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    async def watch(self, request: web.Request) -> web.Response:
        """Return the live calls and the last few, oldest first."""
        settings = self._switchboard.settings
        if settings.twilio.auth_tokens:
            given = request.headers.getall("X-Twilio-Signature", [])
            url = f"{settings.server.public_url}{request.raw_path}"
            signature.check_signature(settings.twilio.auth_tokens, given[0] if len(given) == 1 else None, url)
        now = asyncio.get_running_loop().time()
        calls = [_shown(call, now) for call in self._switchboard.progress()]
        return web.json_response({"calls": calls}, headers={"Cache-Control": "no-store"})


def words_for(cause: HangupCause) -> str:
    """Say in words why a call ended."""
    known = _WORDS.get(cause.reason)
    if known is not None:
        return known
    return next((kind.public for kind in _errors(OffhookError) if kind.reason == cause.reason), cause.reason)


def _errors(kind: type[OffhookError]) -> Iterator[type[OffhookError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _errors(inner)


def _shown(call: Progress, now: float) -> dict[str, Any]:
    cause = call.cause
    ended = None
    if cause is not None:
        ended = {"result": cause.result, "reason": cause.reason, "words": words_for(cause)}
    return {"call": call.call_sid, "age_s": round(now - call.began_at, 1), "steps": dict(call.steps), "ended": ended}
