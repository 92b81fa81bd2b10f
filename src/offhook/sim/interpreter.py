"""Runs TwiML as Twilio does, verb by verb. Not a media engine: verbs take their time and sound as far as they can.

What happens after `<Connect>`: a stream that ends, or that could not be opened, lets the call go on with `action`,
or else with the next verb, or else ends it (Twilio, "TwiML Voice: <Connect>"; the failed handshake is inferred).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from offhook.sim.desk import Desk, is_true
from offhook.sim.events import Party
from offhook.sim.pages import Page
from offhook.sim.plan import CallEnds, DialOutcome, Rerouted, StreamOrder
from offhook.sim.trial import PREAMBLE
from offhook.sim.twiml import Element
from offhook.sim.verbs import dial, gather, queue, record, streams
from offhook.sim.verbs.speak import utter

__all__ = ["DialOutcome", "Interpreter", "Rerouted", "StreamOrder"]

#: On a legacy trial a key is waited for this long, then the document runs anyway.
PREAMBLE_S: Final = 10.0

_VERBS: Final[Mapping[str, Callable[[Element, Page, Desk], Awaitable[Page | None]]]] = {
    "Connect": streams.connect,
    "Start": streams.start,
    "Stop": streams.stop,
    "Dial": dial.dial,
    "Gather": gather.gather,
    "Enqueue": queue.enqueue,
    "Record": record.record,
}


class Interpreter:
    """Runs one call's documents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self) -> tuple[Party, str]:
        """Run until nothing is left to do. Return who ended the call, and why. Raises `LineOver`."""
        try:
            page = await self._first()
            while True:
                try:
                    page = await self._run_page(page)
                except Rerouted as rerouted:
                    page = await self._desk.pages.rerouted(rerouted)
        except CallEnds as end:
            if not self._desk.circuit.is_answered and end.status is not None:
                self._desk.circuit.end(end.by, end.why, end.status)
            return end.by, end.why

    async def _first(self) -> Page:
        page = await self._desk.pages.first()
        if self._desk.plan.trial == "legacy":
            self._answer()
            preamble = Element("Say", {}, PREAMBLE, ())
            await utter(preamble, page, self._desk, lambda: self._desk.handset.keys)
            await self._desk.wait(PREAMBLE_S, lambda: self._desk.handset.keys)
        return page

    async def _run_page(self, page: Page) -> Page:
        for position, verb in enumerate(page.document.verbs):
            if verb.name == "Reject":
                self._reject(verb, is_first=position == 0)
            if not _leaves_ringing(verb):
                self._answer()
            following = await self._verb(verb, page)
            if following is not None:
                return following
            self._desk.circuit.check()
        raise CallEnds("the document has no more verbs" if page.document.verbs else "the document is empty")

    def _answer(self) -> None:
        self._desk.circuit.becomes("in-progress")

    async def _verb(self, verb: Element, page: Page) -> Page | None:
        run = _VERBS.get(verb.name)
        if run is not None:
            return await run(verb, page, self._desk)
        match verb.name:
            case "Say" | "Play" | "Pause":
                await utter(verb, page, self._desk)
            case "Redirect":
                self._desk.tell(verb)
                method = verb.attributes.get("method", "POST")
                return await self._desk.pages.fetch("redirect", page.absolute(verb.text), method)
            case "Hangup":
                self._desk.tell(verb)
                raise CallEnds("<Hangup>")
            case _:
                self._desk.tell(verb, "not simulated")
        return None

    def _reject(self, verb: Element, *, is_first: bool) -> None:
        reason = verb.attributes.get("reason", "rejected")
        self._desk.tell(verb, reason)
        if not is_first:
            self._desk.complain(12200, "<Reject> is not the first verb: the call was answered before")
        # Which status a rejected call has is not documented for both reasons; `busy` is what a caller hears.
        raise CallEnds(f"<Reject reason={reason}>", status="busy" if reason == "busy" else "no-answer")


def _leaves_ringing(verb: Element) -> bool:
    """Say whether a call that rings goes on ringing: Twilio waits before it answers, or answers with the other side."""
    return verb.name == "Pause" or (verb.name == "Dial" and is_true(verb, "answerOnBridge"))
