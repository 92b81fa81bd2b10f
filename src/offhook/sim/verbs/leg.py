"""One leg that a `<Dial>` calls: its state, and the callbacks of its noun. Makes no sound."""

from __future__ import annotations

from datetime import UTC, datetime

from offhook.sim.callbacks import voice_form
from offhook.sim.desk import Desk
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.pages import Page
from offhook.sim.state import CallState, CallStatus
from offhook.sim.twiml import Element

_EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


class Leg:
    """A child of a call (``outbound-dial``), kept with the call's own state for whoever asks."""

    def __init__(self, desk: Desk, noun: Element, target: str, page: Page) -> None:
        self._desk = desk
        self._page = page
        self.noun = noun
        self.outcome = desk.plan.outcome_for(target)
        who = desk.identity
        self._identity = CallIdentity(who.account_sid, fresh_sid("CA"), who.caller, target)
        self.state = CallState(
            self._identity.call_sid,
            who.account_sid,
            "outbound-dial",
            who.caller,
            target,
            "queued",
            datetime.now(UTC),
            parent_sid=who.call_sid,
        )
        desk.legs.append(self.state)

    def form(self) -> dict[str, str]:
        """Return the parameters of a webhook of this leg."""
        return voice_form(self._identity, "outbound-dial", self.state.status) | {
            "ParentCallSid": self._desk.identity.call_sid
        }

    def becomes(self, status: CallStatus) -> None:
        """Change the leg's status where that is a step, and tell it where its noun asks for it."""
        new = self.state.becomes(status)
        if new is self.state:
            return
        legs = self._desk.legs
        legs[legs.index(self.state)] = new
        self.state = new
        url = self.noun.attributes.get("statusCallback")
        wanted = self.noun.attributes.get("statusCallbackEvent", "completed").split()
        event = "completed" if new.is_over else _EVENTS.get(status)
        if url is not None and event in wanted:
            form = {**self.form(), **self._desk.callbacks.of_progress(new, new.sid)}
            method = self.noun.attributes.get("statusCallbackMethod", "POST")
            self._desk.callbacks.tell(self._page.absolute(url), method, form)
