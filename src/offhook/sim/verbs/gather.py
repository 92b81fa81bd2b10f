"""`<Gather>` for keys. Speech is not recognised: a `<Gather>` for speech hears nothing and times out."""

from __future__ import annotations

from offhook.sim.desk import Desk, is_true, number_of
from offhook.sim.pages import Page
from offhook.sim.twiml import Element
from offhook.sim.verbs.speak import utter


async def gather(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Say what is inside, which a key cuts short, and take keys; ask `action` where there were any."""
    desk.tell(verb)
    keys = desk.handset.keys
    keys.clear()
    takes_keys = "speech" not in verb.attributes.get("input", "dtmf") or "dtmf" in verb.attributes.get("input", "")
    for child in verb.children:
        if child.name in ("Say", "Play", "Pause") and await utter(child, page, desk, lambda: takes_keys and keys):
            break
    digits = await _collect(verb, desk) if takes_keys else ""
    if not takes_keys:
        await desk.wait(number_of(verb, "timeout", 5.0))
    if not digits and not is_true(verb, "actionOnEmptyResult"):
        return None
    target = page.absolute(verb.attributes.get("action", page.url))
    return await desk.pages.fetch("gather", target, verb.attributes.get("method", "POST"), {"Digits": digits})


async def _collect(verb: Element, desk: Desk) -> str:
    """Return the digits pressed, at most ``numDigits``, without the key that finishes them."""
    keys = desk.handset.keys
    most = number_of(verb, "numDigits", 0.0) or None
    finish_on = verb.attributes.get("finishOnKey", "#")
    timeout_s = number_of(verb, "timeout", 5.0)
    digits = ""
    while (most is None or len(digits) < most) and await desk.wait(timeout_s, lambda: keys):
        key = keys.pop(0)
        if finish_on and key in finish_on:
            break
        digits += key
    return digits
