"""Knocks at a bridge's door as strangers would, and says whom it let in. Makes no call that anybody hears."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

from offhook.lab.judge.probed import Probed
from offhook.sim.behaviour import Behaviour
from offhook.sim.callbacks import voice_form
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity
from offhook.sim.reach import Reach
from offhook.sim.stream import StreamClient
from offhook.sim.webhook import Webhooks

#: A stream that is still open this long after its `start` was let in.
LET_IN_S: Final = 0.7
_ASK_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a bridge is asked: its voice webhook, the token Twilio signs with, and where its public name is reached."""

    voice_url: str
    auth_token: str
    reach: Reach | None = None
    account_sid: str = CallIdentity().account_sid


@dataclass(frozen=True, slots=True)
class _Ticket:
    url: str
    parameters: Mapping[str, str]
    who: CallIdentity


async def probe(door: Door) -> Probed:
    """Ask everything a bridge must refuse. Raises nothing for what it answers; what was not asked stays None."""
    unsigned_webhook = await _document(door, signed=False) is not None
    unsigned = await _lets_in(door, await _ticket(door), Behaviour(signature="none"))
    wrong = await _lets_in(door, await _ticket(door), Behaviour(signature="wrong"))
    ticket = await _ticket(door)
    right = await _lets_in(door, ticket, Behaviour())
    if right is False:
        return Probed(unsigned_webhook, unsigned, wrong, None, await _lets_in_over_https(door, ticket))
    stranger = None if ticket is None else _Ticket(ticket.url, ticket.parameters, _who(door))
    reused = await _lets_in(door, stranger, Behaviour()) if right else None
    return Probed(unsigned_webhook, unsigned, wrong, reused, False if right else None)


async def _document(door: Door, *, signed: bool, who: CallIdentity | None = None) -> bytes | None:
    async with Webhooks(door.auth_token if signed else None, reach=door.reach) as webhooks:
        try:
            return (await webhooks.ask(door.voice_url, "POST", voice_form(who or _who(door)), total_s=_ASK_S)).body
        except LineFault:
            return None


async def _ticket(door: Door) -> _Ticket | None:
    """Ask the voice webhook as Twilio does; return the stream of its document, None where there is none."""
    who = _who(door)
    body = await _document(door, signed=True, who=who)
    try:
        stream = None if body is None else ET.fromstring(body).find(".//Stream")  # noqa: S314  # the bridge under test
    except ET.ParseError:
        return None
    if stream is None or not stream.get("url"):
        return None
    named = {str(p.get("name")): str(p.get("value")) for p in stream.iter("Parameter")}
    return _Ticket(urljoin(door.voice_url, str(stream.get("url"))), named, who)


async def _lets_in(door: Door, ticket: _Ticket | None, behaviour: Behaviour) -> bool | None:
    """Open the stream, say who we are, and see whether we may stay; None where there is nothing to open."""
    if ticket is None:
        return None
    try:
        stream = await StreamClient.open(
            ticket.url, auth_token=door.auth_token, identity=ticket.who, behaviour=behaviour, reach=door.reach
        )
    except LineFault:
        return False
    async with stream:
        await stream.begin(ticket.parameters)
        stream.start_clock()
        try:
            await stream.wait_ended(LET_IN_S)
        except TimeoutError:
            await stream.hang_up()
            await asyncio.sleep(0)
            return True
    return False


async def _lets_in_over_https(door: Door, ticket: _Ticket | None) -> bool | None:
    if ticket is None:
        return None
    return await _lets_in(door, ticket, Behaviour(sign_as="https" + ticket.url.removeprefix("wss"), sign_exactly=True))


def _who(door: Door) -> CallIdentity:
    return CallIdentity(account_sid=door.account_sid)
