"""Fetches the documents of one call, with the fallback where that fails. Runs nothing.

Source: Twilio, "TwiML Voice" and "Voice fallback URL": the fallback is asked with ErrorCode and ErrorUrl.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from offhook.sim import address
from offhook.sim.complaints import LineFault
from offhook.sim.events import Fetched
from offhook.sim.plan import APPLICATION_ERROR, INLINE_CHARACTERS, CallEnds, Plan, Rerouted
from offhook.sim.trial import HOPS as TRIAL_HOPS
from offhook.sim.trial import stripped
from offhook.sim.twiml import Document, Element, parse
from offhook.sim.webhook import Webhooks
from offhook.sim.witness import Witness

#: Documents of one call: more is a loop. (Not Twilio's figure; only trial accounts have a documented one.)
HOPS: Final = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A document and where it came from; relative URLs in it count from there."""

    url: str
    document: Document

    def absolute(self, url: str) -> str:
        """Return a URL of the document as it is asked for."""
        return address.absolute(self.url, url)


class Pages:
    """Fetches documents. ``form`` holds the parameters of every webhook; its CallStatus changes with time."""

    def __init__(self, plan: Plan, webhooks: Webhooks, witness: Witness, form: Mapping[str, str]) -> None:
        self._plan = plan
        self._webhooks = webhooks
        self._witness = witness
        self._form = form
        self._hops = 0
        route = plan.route
        self._fallback = None if route.fallback_url is None else (route.fallback_url, route.fallback_method)

    async def first(self) -> Page:
        """Return the document a call begins with. Raises `CallEnds`."""
        route = self._plan.route
        if route.url.lstrip().startswith("<"):
            return self.inline(route.url)
        return await self.fetch("voice", route.url, route.method)

    async def rerouted(self, rerouted: Rerouted) -> Page:
        """Return the document a call is sent to. Raises `CallEnds`."""
        self._fallback = rerouted.fallback or self._fallback
        if rerouted.twiml is not None:
            return self.inline(rerouted.twiml)
        return await self.fetch("update", str(rerouted.url), rerouted.method)

    def inline(self, twiml: str) -> Page:
        """Return a document that came with a request. Raises `CallEnds`."""
        try:
            if len(twiml) > INLINE_CHARACTERS:
                raise LineFault(32018, f"the document has {len(twiml)} characters")
            return self._page("", parse(twiml.encode(), "text/xml"))
        except LineFault as fault:
            self._witness.complain(fault.code, fault.text)
            raise CallEnds(APPLICATION_ERROR, "twilio", "completed") from None

    async def action(self, verb: Element, page: Page, extra: Mapping[str, str], what: str = "action") -> Page | None:
        """Return what a verb's `action` answers, ``None`` where it has none. Raises `CallEnds`."""
        action = verb.attributes.get("action")
        if action is None:
            return None
        return await self.fetch(what, page.absolute(action), verb.attributes.get("method", "POST"), extra)

    async def tell_action(self, verb: Element, page: Page, extra: Mapping[str, str], what: str) -> None:
        """Ask a verb's `action` although the call has gone: what it answers runs nowhere. Failures are findings."""
        action = verb.attributes.get("action")
        if action is None:
            return
        try:
            await self.ask(what, page.absolute(action), verb.attributes.get("method", "POST"), extra)
        except LineFault as fault:
            self._witness.complain(fault.code, f"{what} webhook: {fault.text}", fault.status)

    async def fetch(self, what: str, url: str, method: str, extra: Mapping[str, str] | None = None) -> Page:
        """Return a document, or the fallback's where that fails. Raises `CallEnds` where that fails too."""
        self._hops += 1
        most = TRIAL_HOPS if self._plan.trial == "current" else HOPS
        if self._hops > most:
            raise CallEnds(f"more than {most} documents", "twilio")
        try:
            return await self.ask(what, url, method, extra or {})
        except LineFault as fault:
            self._witness.complain(fault.code, f"{what} webhook: {fault.text}", fault.status)
            told = {"ErrorCode": str(fault.code), "ErrorUrl": url}
        if self._fallback is None:
            raise CallEnds(APPLICATION_ERROR, "twilio", "completed")
        try:
            return await self.ask("fallback", *self._fallback, told)
        except LineFault as fault:
            self._witness.complain(fault.code, f"fallback webhook: {fault.text}", fault.status)
            raise CallEnds(APPLICATION_ERROR, "twilio", "completed") from None

    async def ask(self, what: str, url: str, method: str, extra: Mapping[str, str]) -> Page:
        """Return a document, once and without a fallback. Raises `LineFault`."""
        answer = await self._webhooks.ask(url, method.upper(), {**self._form, **extra})
        self._witness.tell(Fetched(self._witness.now_ms(), what, answer.status, answer.took_ms))
        return self._page(answer.url, parse(answer.body, answer.content_type))

    async def file(self, url: str) -> bytes:
        """Return a file that a document names. Raises `LineFault`."""
        return (await self._webhooks.fetch(url)).body

    def _page(self, url: str, document: Document) -> Page:
        for warning in document.warnings:
            self._witness.complain(warning.code, warning.text)
        if self._plan.trial == "current":
            document, names = stripped(document)
            for name in names:
                self._witness.complain(10002, f"<{name}> is left out on a trial account")
        return Page(url, document)
