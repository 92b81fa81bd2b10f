"""Calls by Twilio's REST API: placed, looked at, sent elsewhere, hung up. Their sound is not here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from offhook.carrier.answers import resource
from offhook.carrier.failures import NOT_LIVE
from offhook.errors import CarrierRejected

CallStatus = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
#: A call in one of these is over.
OVER: Final[frozenset[str]] = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
#: Every status callback there is: each is told once, in any order.
EVENTS: Final = ("initiated", "ringing", "answered", "completed")
#: TwiML that goes with a request, in characters (32018); a longer one is served from an address.
INLINE_CHARACTERS: Final = 4000


@dataclass(frozen=True, slots=True)
class Voicemail:
    """How Twilio finds out whether a machine answered. ``told_at`` is called beside the call, which does not wait."""

    told_at: str
    until_message_end: bool = False
    timeout_s: int = 30


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A call to place: ``url`` or ``twiml`` says what happens when it is answered.

    ``rings_s`` is how long it may ring, ``lasts_s`` how long it may last: a call nobody ends costs money.
    """

    to: str = field(repr=False)
    sender: str = field(repr=False)
    url: str | None = None
    twiml: str | None = field(default=None, repr=False)
    fallback_url: str | None = None
    status_url: str | None = None
    status_events: Sequence[str] = EVENTS
    rings_s: int = 30
    lasts_s: int = 3600
    voicemail: Voicemail | None = None

    def __post_init__(self) -> None:
        _one_instruction(self.url, self.twiml)


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call as Twilio knows it. ``queue_ms`` is how long it still waits for its turn to be dialled."""

    sid: str
    status: CallStatus
    direction: str
    to: str = field(repr=False)
    sender: str = field(repr=False)
    answered_by: str = ""
    duration_s: int = 0
    queue_ms: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in OVER


class Calls:
    """Calls of one account, by the SDK's client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def place(self, order: CallOrder) -> RemoteCall:
        """Place a call; it rings once it is its turn. Never repeated by itself unless Twilio was too busy to take it.

        Raises CarrierError; after CarrierUnavailable the call may have been placed all the same.
        """
        return _call_of(await resource(self._client.calls.create_async(**_created(order))))

    async def fetch(self, sid: str) -> RemoteCall:
        """Return a call."""
        return _call_of(await resource(self._client.calls(sid).fetch_async()))

    async def live(self, limit: int = 100) -> list[RemoteCall]:
        """Return the calls in progress."""
        asked = self._client.calls.list_async(status="in-progress", limit=limit, page_size=min(limit, 1000))
        found = await resource(asked)
        return [_call_of(one) for one in found]

    async def to(self, number: str, limit: int = 20) -> list[RemoteCall]:
        """Return the last calls to a number, live or over, the newest first."""
        found = await resource(self._client.calls.list_async(to=number, limit=limit, page_size=limit))
        return [_call_of(one) for one in found]

    async def redirect(self, sid: str, *, url: str | None = None, twiml: str | None = None) -> RemoteCall:
        """Send a live call elsewhere: its TwiML is abandoned, its stream ends, the new document runs.

        Ask this first and close the stream after its `stop`, never the other way. Raises CarrierRejected 21220 where
        the call is over.
        """
        _one_instruction(url, twiml)
        told = {"twiml": twiml} if url is None else {"url": url, "method": "POST"}
        return _call_of(await resource(self._client.calls(sid).update_async(**told)))

    async def hang_up(self, sid: str) -> bool:
        """End a call, ringing or live. False where it was over already, which is as good."""
        try:
            await resource(self._client.calls(sid).update_async(status="completed"))
        except CarrierRejected as refused:
            if refused.code not in NOT_LIVE:
                raise
            return False
        return True


def _one_instruction(url: str | None, twiml: str | None) -> None:
    if (url is None) == (twiml is None):
        raise ValueError("a call goes on either at a url or with twiml")
    if twiml is not None and len(twiml) > INLINE_CHARACTERS:
        raise CarrierRejected(
            "TwiML given with a call may have 4,000 characters; serve it from an address.", code=32018
        )


def _created(order: CallOrder) -> dict[str, Any]:
    """Return the SDK's arguments."""
    asked: dict[str, Any] = {
        "to": order.to,
        "from_": order.sender,
        "timeout": order.rings_s,
        "time_limit": order.lasts_s,
    }
    if order.twiml is not None:
        asked["twiml"] = order.twiml
    else:
        asked |= {"url": order.url, "method": "POST"}
    if order.fallback_url is not None:
        asked |= {"fallback_url": order.fallback_url, "fallback_method": "POST"}
    if order.status_url is not None:
        asked |= {
            "status_callback": order.status_url,
            "status_callback_method": "POST",
            "status_callback_event": list(order.status_events),
        }
    if order.voicemail is not None:
        asked |= {
            "machine_detection": "DetectMessageEnd" if order.voicemail.until_message_end else "Enable",
            "machine_detection_timeout": order.voicemail.timeout_s,
            "async_amd": "true",
            "async_amd_status_callback": order.voicemail.told_at,
            "async_amd_status_callback_method": "POST",
        }
    return asked


def _call_of(found: Any) -> RemoteCall:
    """Read the SDK's call resource, whose numbers are text."""
    return RemoteCall(
        sid=str(found.sid),
        status=str(found.status),  # type: ignore[arg-type]  # an enumeration of the SDK, whose text this is
        direction=str(found.direction or ""),
        to=str(found.to or ""),
        sender=str(getattr(found, "_from", None) or ""),
        answered_by=str(found.answered_by or ""),
        duration_s=_whole(found.duration),
        queue_ms=_whole(found.queue_time),
    )


def _whole(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0
