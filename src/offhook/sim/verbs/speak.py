"""`<Say>`, `<Play>` and `<Pause>`: they take their time, and are heard where there is something to hear.

A text takes 60 ms a letter, or as long as a voice says it where the call was given one. A file is fetched where it is
on this machine; any other lasts three seconds in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from offhook.sim.audio_file import AudioFileError, ulaw_of
from offhook.sim.complaints import LineFault
from offhook.sim.desk import FOREVER_S, Desk, number_of
from offhook.sim.pages import Page
from offhook.sim.twiml import Element
from offhook.wire.ulaw import RATE_HZ

SAY_S: Final = 0.06
PLAY_S: Final = 3.0
SAY_CHARACTERS: Final = 4096
#: One key of `<Play digits>`; `w` waits half a second, `W` one.
KEY_S: Final = 0.5


async def utter(verb: Element, page: Page, desk: Desk, until: Callable[[], object] = lambda: False) -> bool:
    """Run one of the three, until a fact; say whether that came first."""
    match verb.name:
        case "Say":
            return await _say(verb, desk, until)
        case "Pause":
            desk.tell(verb)
            return await desk.wait(number_of(verb, "length", 1.0), until)
        case _:
            return await _play(verb, page, desk, until)


async def _say(verb: Element, desk: Desk, until: Callable[[], object]) -> bool:
    if not verb.text:
        desk.complain(13520, "<Say> has no text")
    elif len(verb.text) > SAY_CHARACTERS:
        desk.complain(13520, f"<Say> has {len(verb.text)} characters; {SAY_CHARACTERS} are the most")
    desk.tell(verb, verb.text)
    audio = await desk.speak(verb.text) if desk.speak is not None and verb.text else b""
    return await _heard(audio, len(verb.text) * SAY_S, _loops(verb), desk, until)


async def _play(verb: Element, page: Page, desk: Desk, until: Callable[[], object]) -> bool:
    digits = verb.attributes.get("digits")
    if digits:
        desk.tell(verb, "digits")
        return await desk.wait(sum(1.0 if key == "W" else KEY_S for key in digits), until)
    desk.tell(verb, "a file")
    url = page.absolute(verb.text)
    audio = b""
    if verb.text and desk.is_near(url):
        try:
            audio = ulaw_of(await desk.pages.file(url), url)
        except LineFault as fault:
            desk.complain(fault.code, f"play: {fault.text}")
            return False
        except AudioFileError:
            desk.complain(13420, "neither WAV nor raw µ-law")
            return False
    return await _heard(audio, PLAY_S, _loops(verb), desk, until)


def _loops(verb: Element) -> float:
    return number_of(verb, "loop", 1.0) or math.inf


async def _heard(audio: bytes, silent_s: float, loops: float, desk: Desk, until: Callable[[], object]) -> bool:
    """Play audio, or let the time of it pass: in silence where verbs run faster than they would."""
    if audio and desk.plan.speed == 1.0:
        while loops >= 1:
            if await desk.earpiece.play(audio, until):
                return True
            loops -= 1
        return False
    one_s = len(audio) / RATE_HZ if audio else silent_s
    return await desk.wait(one_s * loops if one_s else 0.0 if loops < math.inf else FOREVER_S, until)
