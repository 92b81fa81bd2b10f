"""What a caller hears while waiting: the document of `waitUrl`, again and again. Not a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from offhook.sim.complaints import LineFault
from offhook.sim.desk import FOREVER_S, Desk
from offhook.sim.pages import Page
from offhook.sim.plan import CallEnds
from offhook.sim.twiml import Element
from offhook.sim.verbs.gather import gather
from offhook.sim.verbs.speak import utter

#: A document that takes no time is asked for again after this long.
PAUSE_S: Final = 1.0


async def hold(
    desk: Desk, url: str, method: str, extra: Callable[[], Mapping[str, str]], until: Callable[[], object]
) -> bool:
    """Run the document until a fact; say whether a `<Leave>` came first. Raises `LineOver`, `Rerouted`, `CallEnds`."""
    while not until():
        began_ms = desk.circuit.now_ms()
        try:
            page: Page | None = await desk.pages.ask("wait", url, method, extra())
        except LineFault as fault:
            desk.complain(fault.code, f"wait webhook: {fault.text}")
            return not await desk.wait(FOREVER_S, until)
        while page is not None:
            page, left = await _run(desk, page, until)
            if left:
                return True
        if desk.circuit.now_ms() - began_ms < PAUSE_S * 1000 / desk.plan.speed:
            await desk.wait(PAUSE_S, until)
    return False


async def _run(desk: Desk, page: Page, until: Callable[[], object]) -> tuple[Page | None, bool]:
    for verb in page.document.verbs:
        if until():
            return None, False
        match verb.name:
            case "Say" | "Play" | "Pause":
                await utter(verb, page, desk, until)
            case "Gather":
                following = await gather(verb, page, desk)
                if following is not None:
                    return following, False
            case "Redirect":
                return await _redirected(verb, page, desk), False
            case "Leave":
                desk.tell(verb)
                return None, True
            case "Hangup":
                desk.tell(verb)
                raise CallEnds("<Hangup>")
            case _:
                desk.complain(12200, f"<{verb.name}> may not be used while waiting")
    return None, False


async def _redirected(verb: Element, page: Page, desk: Desk) -> Page:
    desk.tell(verb)
    return await desk.pages.fetch("wait", page.absolute(verb.text), verb.attributes.get("method", "POST"))
