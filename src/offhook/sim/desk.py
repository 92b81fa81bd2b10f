"""Everything a verb may use of its call, in one place. Holds it; decides and owns nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from offhook.sim.call_streams import CallStreams
from offhook.sim.callbacks import Callbacks
from offhook.sim.circuit import Circuit
from offhook.sim.earpiece import Earpiece
from offhook.sim.events import VerbRun
from offhook.sim.grammar import is_whole
from offhook.sim.handset import Handset
from offhook.sim.identity import CallIdentity
from offhook.sim.pages import Pages
from offhook.sim.plan import Plan
from offhook.sim.reach import Reach
from offhook.sim.rooms import Rooms
from offhook.sim.state import CallState
from offhook.sim.tapes import Tape
from offhook.sim.twiml import Element

#: Says a text as µ-law, for `<Say>`.
Speak = Callable[[str], Awaitable[bytes]]
#: Longer than any call.
FOREVER_S: Final = 86_400.0


@dataclass(slots=True)
class Desk:
    """One call's parts. ``rooms`` are those of its account; ``has_company`` says that other calls may come there."""

    plan: Plan
    identity: CallIdentity
    circuit: Circuit
    handset: Handset
    earpiece: Earpiece
    streams: CallStreams
    callbacks: Callbacks
    pages: Pages
    rooms: Rooms
    has_company: bool = False
    reach: Reach | None = None
    speak: Speak | None = None
    tapes: list[Tape] = field(default_factory=list)
    legs: list[CallState] = field(default_factory=list)

    def tell(self, verb: Element, text: str = "") -> None:
        """Tell that a verb begins."""
        self.circuit.witness.tell(VerbRun(self.circuit.now_ms(), verb.name, text))

    def complain(self, code: int, text: str) -> None:
        """Note a finding."""
        self.circuit.witness.complain(code, text)

    async def wait(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Let a verb's time pass, or until a fact; say whether it came. Raises `LineOver` or `Rerouted`."""
        return await self.circuit.hold(until, min(FOREVER_S, seconds / self.plan.speed))

    def is_near(self, url: str) -> bool:
        """Say whether a URL leads to this machine: nothing else is ever asked for a file."""
        if self.reach is not None and self.reach.local_url(url) != url:
            return True
        try:
            host = urlsplit(url).hostname or ""
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def number_of(element: Element, attribute: str, otherwise: float) -> float:
    """Return a whole number; a malformed one, which was warned about, counts as not given."""
    text = element.attributes.get(attribute, "")
    return float(text) if is_whole(text) else otherwise


def is_true(element: Element, attribute: str, otherwise: bool = False) -> bool:
    """Return a boolean attribute."""
    return {"true": True, "false": False}.get(element.attributes.get(attribute, ""), otherwise)
