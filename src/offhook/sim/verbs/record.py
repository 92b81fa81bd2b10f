"""`<Record>`: keeps what the caller says, and tells where it would be found. Transcribes nothing."""

from __future__ import annotations

from offhook.sim.caller import LineOver
from offhook.sim.desk import Desk, is_true, number_of
from offhook.sim.pages import Page
from offhook.sim.tapes import Tape
from offhook.sim.tones import BEEP
from offhook.sim.twiml import Element


async def record(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Record until a key, a silence or the longest time; ask `action` where there was something to keep."""
    desk.tell(verb)
    if is_true(verb, "playBeep", True):
        if desk.plan.speed == 1.0:
            await desk.earpiece.play(BEEP)
        else:
            await desk.wait(len(BEEP) / 8000)
    tape = Tape("RecordVerb", desk.identity.call_sid)
    desk.tapes.append(tape)
    try:
        key = await _until_over(verb, tape, desk)
    except LineOver:
        await _hung_up(verb, page, tape, desk)
        raise
    if not _tell(verb, page, tape, desk):
        return None
    extra = _extra(tape, desk, key)
    target = page.absolute(verb.attributes.get("action", page.url))
    return await desk.pages.fetch("record", target, verb.attributes.get("method", "POST"), extra)


async def _until_over(verb: Element, tape: Tape, desk: Desk) -> str:
    """Record; return the key that ended it, if one did."""
    keys = desk.handset.keys
    keys.clear()
    began_ms = desk.circuit.now_ms()
    caller = desk.circuit.witness.caller
    silence_ms = 1000 * number_of(verb, "timeout", 5.0) / desk.plan.speed
    finish_on = verb.attributes.get("finishOnKey", "1234567890*#")

    def is_over() -> bool:
        if any(key in finish_on for key in keys):
            return True
        heard_ms = max(began_ms, caller.last_audible_ms or 0.0)
        return bool(silence_ms) and desk.circuit.now_ms() - heard_ms >= silence_ms

    desk.handset.attach(tape.take)
    try:
        await desk.wait(number_of(verb, "maxLength", 3600.0), is_over)
    finally:
        desk.handset.detach(tape.take)
        if (caller.last_audible_ms or 0.0) < began_ms:
            tape.audio.clear()  # nothing was said: there is nothing to keep
        tape.finish()
    return next((key for key in keys if key in finish_on), "")


async def _hung_up(verb: Element, page: Page, tape: Tape, desk: Desk) -> None:
    """Tell what was kept although nobody is there any more; the answer runs nowhere."""
    if _tell(verb, page, tape, desk):
        extra = {**_extra(tape, desk, "hangup"), "CallStatus": "completed"}
        await desk.pages.tell_action(verb, page, extra, "record")


def _tell(verb: Element, page: Page, tape: Tape, desk: Desk) -> bool:
    """Tell the recording's callback; say whether there is a recording."""
    url = verb.attributes.get("recordingStatusCallback")
    events = verb.attributes.get("recordingStatusCallbackEvent", "completed").split()
    if url is not None and tape.status in events:
        method = verb.attributes.get("recordingStatusCallbackMethod", "POST")
        desk.callbacks.tell(page.absolute(url), method, tape.form(desk.identity.account_sid))
    return tape.status == "completed"


def _extra(tape: Tape, desk: Desk, key: str) -> dict[str, str]:
    form = tape.form(desk.identity.account_sid)
    return {name: form[name] for name in ("RecordingSid", "RecordingUrl", "RecordingDuration")} | {"Digits": key}
