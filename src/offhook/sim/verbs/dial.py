"""`<Dial>`: numbers, SIP and clients are called as the plan says they answer; conferences and queues are rooms.

The legs are not telephones of their own: they ring, answer, may be screened, speak and hang up, and their callbacks
say so. A caller who is to meet another simulated call meets it in a conference or a queue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from offhook.sim.complaints import LineFault
from offhook.sim.desk import Desk, is_true, number_of
from offhook.sim.outbound import BUFFER_S
from offhook.sim.pages import Page
from offhook.sim.plan import DialOutcome
from offhook.sim.state import CallStatus
from offhook.sim.twiml import Element
from offhook.sim.verbs.conference import confer
from offhook.sim.verbs.leg import Leg
from offhook.sim.verbs.queue import dequeue
from offhook.sim.verbs.speak import utter
from offhook.sim.verbs.talk import star, talk

#: `timeout` counts as this much at least and at most.
RINGS_S: Final = (5.0, 600.0)
_UNANSWERED: Final[dict[str, CallStatus]] = {"busy": "busy", "failed": "failed", "canceled": "canceled"}
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}\Z")


async def dial(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Call somebody, talk, and ask `action` with what became of it."""
    conference, queue = verb.child("Conference"), verb.child("Queue")
    if conference is not None:
        extra = await confer(verb, conference, page, desk)
    elif queue is not None:
        extra = await dequeue(verb, queue, desk)
    else:
        extra = await _call(verb, page, desk)
    return await desk.pages.action(verb, page, extra)


async def _call(verb: Element, page: Page, desk: Desk) -> Mapping[str, str]:
    legs = _legs(verb, page, desk)
    if not legs or not _may_call(verb, desk):
        desk.tell(verb, "failed")
        return {"DialCallStatus": "failed"}
    try:
        return await _reach(verb, page, legs, desk)
    finally:
        for leg in legs:  # whoever still rings when the caller goes is called no longer
            leg.becomes("canceled")


async def _reach(verb: Element, page: Page, legs: Sequence[Leg], desk: Desk) -> Mapping[str, str]:
    """Ring together, or one after the other; talk with the one who answers."""
    answered = None
    for ringing in [[leg] for leg in legs] if is_true(verb, "sequential") else [legs]:
        answered = await _ring(verb, ringing, desk)
        if answered is not None:
            break
    if answered is None or not await _screen(answered, page, desk):
        lost = answered or legs[-1]
        lost.becomes("no-answer")
        return {"DialCallStatus": lost.state.status, "DialCallSid": lost.state.sid, "DialBridged": "false"}
    return await _talk(verb, answered, desk)


def _legs(verb: Element, page: Page, desk: Desk) -> list[Leg]:
    nouns = [child for child in verb.children if child.name in ("Number", "Sip", "Client")]
    if verb.text:
        nouns.append(Element("Number", {}, verb.text, ()))
    legs = []
    for noun in nouns:
        target = re.sub(r"[\s().-]", "", noun.text) if noun.name == "Number" else noun.text
        if noun.name == "Number" and not _NUMBER.match(target):
            desk.complain(13223, "what is to be dialled has letters in it, or too few or too many digits")
        elif noun.name == "Sip" and not target.lower().startswith(("sip:", "sips:")):
            desk.complain(13243, "a SIP URI begins with sip:")
        else:
            legs.append(Leg(desk, noun, target, page))
    return legs


def _may_call(verb: Element, desk: Desk) -> bool:
    given = verb.attributes.get("callerId")
    who = desk.identity
    if given is None or given in {who.caller, who.called} | desk.plan.verified or given.startswith(("client:", "sip:")):
        return True
    desk.complain(13214, "neither the caller's nor the called number, nor a verified one")
    return False


async def _ring(verb: Element, legs: Sequence[Leg], desk: Desk) -> Leg | None:
    """Ring all of them; return the one who answers first, if anybody does in time."""
    most_s = min(RINGS_S[1], max(RINGS_S[0], number_of(verb, "timeout", 30.0))) + BUFFER_S
    for leg in legs:
        desk.tell(verb, leg.outcome.result)
        leg.becomes("initiated")
        leg.becomes("ringing")
    answering = [leg for leg in legs if leg.outcome.result == "answered" and leg.outcome.rings_s < most_s]
    if answering:
        first = min(answering, key=lambda leg: leg.outcome.rings_s)
        await desk.wait(first.outcome.rings_s)
        for leg in legs:
            leg.becomes("in-progress" if leg is first else "canceled")
        return first
    rings_s = [_rings_s(leg.outcome, most_s) for leg in legs]
    await desk.wait(max(rings_s))
    for leg in legs:
        leg.becomes(_UNANSWERED.get(leg.outcome.result, "no-answer"))
    return None


def _rings_s(outcome: DialOutcome, most_s: float) -> float:
    return most_s if outcome.result in ("no-answer", "answered") else min(outcome.rings_s, most_s)


async def _screen(leg: Leg, page: Page, desk: Desk) -> bool:
    """Run the document of `<Number url>` on the leg; say whether it lets the two be connected."""
    url = leg.noun.attributes.get("url")
    if url is None:
        return True
    method = leg.noun.attributes.get("method", "POST")
    try:
        screen = await desk.pages.ask("whisper", page.absolute(url), method, leg.form())
        for verb in screen.document.verbs:
            if verb.name in ("Hangup", "Reject"):
                return False
            if verb.name in ("Say", "Play", "Pause"):
                await utter(verb, screen, desk)
            elif verb.name == "Gather":
                for child in verb.children:
                    await utter(child, screen, desk)
                action = verb.attributes.get("action")
                if leg.outcome.presses and action is not None:
                    method = verb.attributes.get("method", "POST")
                    extra = {**leg.form(), "Digits": leg.outcome.presses}
                    after = await desk.pages.ask("whisper", screen.absolute(action), method, extra)
                    return not any(verb.name in ("Hangup", "Reject") for verb in after.document.verbs)
    except LineFault as fault:
        desk.complain(fault.code, f"whisper webhook: {fault.text}")
        return False
    return True


async def _talk(verb: Element, leg: Leg, desk: Desk) -> Mapping[str, str]:
    desk.circuit.becomes("in-progress")
    outcome = leg.outcome
    seconds = min(outcome.talks_s, number_of(verb, "timeLimit", 14_400.0))
    began_ms = desk.circuit.now_ms()
    try:
        await talk(desk, seconds, outcome.says, star(desk, is_true(verb, "hangupOnStar")))
    finally:
        leg.becomes("completed")
    lasted_s = (desk.circuit.now_ms() - began_ms) / 1000 * desk.plan.speed
    return {
        "DialCallStatus": "completed",
        "DialCallSid": leg.state.sid,
        "DialCallDuration": str(round(lasted_s)),
        "DialBridged": "true",
    }
