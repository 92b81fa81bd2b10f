"""`<Dial><Conference>`: a room where the calls of an account hear each other. Mixes nothing: one speaks at a time.

A call that is alone in the world (no other call of its account can come) meets the one whom its plan sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from offhook.sim.callbacks import timestamp
from offhook.sim.desk import FOREVER_S, Desk, is_true
from offhook.sim.pages import Page
from offhook.sim.rooms import Conference, Member
from offhook.sim.twiml import Element
from offhook.sim.verbs.hold import hold
from offhook.sim.verbs.talk import star, talk


async def confer(verb: Element, noun: Element, page: Page, desk: Desk) -> Mapping[str, str]:
    """Enter a conference and stay until it ends, or `*`. Return what `action` is told."""
    desk.tell(verb, "Conference")
    room = desk.rooms.conference(noun.text)
    member = Member(
        desk.identity.call_sid,
        lambda frame: desk.earpiece.hear(desk.circuit.now_ms(), frame),
        is_true(noun, "startConferenceOnEnter", True),
        is_true(noun, "endConferenceOnExit"),
        is_true(noun, "muted"),
    )
    began_ms = desk.circuit.now_ms()
    told = _Told(noun, page, desk, room, member)
    if room.enter(member):
        told("start")
    told("join")
    stranger = None if desk.has_company else asyncio.create_task(_stranger(room, desk))
    try:
        await _stay(verb, noun, page, desk, room, member)
    finally:
        if stranger is not None:
            stranger.cancel()
            await asyncio.wait({stranger})
        ended = room.leave(member)
        told("leave")
        if ended:
            told("end")
    lasted_s = (desk.circuit.now_ms() - began_ms) / 1000 * desk.plan.speed
    return {"DialCallStatus": "answered", "DialCallDuration": str(round(lasted_s))}


async def _stay(verb: Element, noun: Element, page: Page, desk: Desk, room: Conference, member: Member) -> None:
    wait_url = noun.attributes.get("waitUrl")
    if wait_url and not room.has_begun:
        url, method = page.absolute(wait_url), noun.attributes.get("waitMethod", "POST")
        await hold(desk, url, method, dict, lambda: room.has_begun or room.is_over)
    leaves = star(desk, is_true(verb, "hangupOnStar"))
    await talk(desk, FOREVER_S, until=lambda: room.is_over or leaves(), ear=lambda frame: room.speak(member, frame))


async def _stranger(room: Conference, desk: Desk) -> None:
    """Be the other one, where no call of the account can be: come, talk, and end it."""
    outcome = desk.plan.dial
    if outcome.result != "answered":
        return
    other = Member("", lambda _: None, ends=True)
    await asyncio.sleep(outcome.rings_s / desk.plan.speed)
    room.enter(other)
    try:
        for offset in range(0, len(outcome.says), 160) if desk.plan.speed == 1.0 else ():
            room.speak(other, outcome.says[offset : offset + 160])
            await asyncio.sleep(0.02)
        await asyncio.sleep(max(0.0, outcome.talks_s - len(outcome.says) / 8000) / desk.plan.speed)
    finally:
        room.leave(other)


class _Told:
    """Tells a conference's `statusCallback` what it asks for."""

    def __init__(self, noun: Element, page: Page, desk: Desk, room: Conference, member: Member) -> None:
        url = noun.attributes.get("statusCallback")
        self._url = None if url is None else page.absolute(url)
        self._noun, self._desk, self._room, self._member = noun, desk, room, member

    def __call__(self, event: str) -> None:
        wanted = self._noun.attributes.get("statusCallbackEvent", "").split()
        if self._url is None or event not in wanted:
            return
        form = {
            "AccountSid": self._desk.identity.account_sid,
            "ConferenceSid": self._room.sid,
            "FriendlyName": self._room.name,
            "StatusCallbackEvent": f"participant-{event}" if event in ("join", "leave") else f"conference-{event}",
            "SequenceNumber": str(self._room.told),
            "Timestamp": timestamp(),
            "CallSid": self._member.call_sid,
            "Muted": _word(self._member.muted),
            "Hold": "false",
            "StartConferenceOnEnter": _word(self._member.starts),
            "EndConferenceOnExit": _word(self._member.ends),
        }
        self._room.told += 1
        self._desk.callbacks.tell(self._url, self._noun.attributes.get("statusCallbackMethod", "POST"), form)


def _word(flag: bool) -> str:
    return "true" if flag else "false"
