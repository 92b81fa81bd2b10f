"""What the SDK makes of an answer: a resource of Twilio's, or one sentence where it is none. Asks nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from offhook.errors import CarrierUnavailable

NOT_TWILIO: Final = "Something else than Twilio's REST API answers; check TWILIO_API_URL."


async def resource(asked: Awaitable[Any]) -> Any:
    """Return what was asked for: one resource of the SDK, or a list of them. Raises CarrierError."""
    from twilio.base.exceptions import TwilioException

    try:
        found = await asked
        if all(isinstance(one.sid, str) and one.sid for one in (found if isinstance(found, list) else [found])):
            return found
    except (TwilioException, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        pass  # the SDK reads whatever is JSON, and fails in as many ways as there are answers
    raise CarrierUnavailable(NOT_TWILIO)
