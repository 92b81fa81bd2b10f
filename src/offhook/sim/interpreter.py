"""Runs TwiML as Twilio does, verb by verb. Not a media engine: Say, Play and Dial take their time and no more.

What happens after `<Connect>`: a stream that ends, or that could not be opened, lets the call go on with `action`,
or else with the next verb, or else ends it (Twilio, "TwiML Voice: <Connect>"; the failed handshake is inferred).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from urllib.parse import urljoin, urlsplit

from offhook.sim.complaints import LineFault
from offhook.sim.events import Event, Fetched, Party, VerbRun
from offhook.sim.twiml import Document, Element, parse
from offhook.sim.webhook import Webhooks

#: A spoken text takes this long per character; a played file, which nobody fetches, this long.
SAY_MS: Final = 60
PLAY_S: Final = 3.0
#: Documents of one call: more is a loop.
HOPS: Final = 50
#: A document given with a REST request may have this many characters (32018).
INLINE_CHARACTERS: Final = 4000
#: What a caller hears where a document and its fallback fail.
APPLICATION_ERROR: Final = 'Twilio announces "an application error has occurred"'


@dataclass(frozen=True, slots=True)
class DialOutcome:
    """What happens to everybody a `<Dial>` calls: after ``rings_s`` the result, talk for ``talks_s`` if answered."""

    result: Literal["no-answer", "busy", "answered", "failed"] = "no-answer"
    rings_s: float = 2.0
    talks_s: float = 2.0


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """A `<Stream>` under `<Connect>`, resolved."""

    url: str
    name: str | None
    parameters: Mapping[str, str]
    status_url: str | None
    status_method: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a call's documents come from, and how its verbs behave. ``voice_url`` may be a TwiML document itself."""

    voice_url: str
    voice_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    dial: DialOutcome = field(default_factory=DialOutcome)
    #: Verbs other than streams run this many times faster than they would.
    speed: float = 1.0


class Exchange(Protocol):
    """The call an interpreter works for.

    Waiting methods raise `LineOver` when the caller has hung up, `Rerouted` when the call is to go on elsewhere.
    """

    async def run_stream(self, order: StreamOrder) -> None:
        """Open a stream and return when it is over. Raises `LineFault` when it cannot be opened."""
        ...

    async def wait_s(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def gather(self, count: int | None, finish_on: str, timeout_s: float) -> str:
        """Return the digits pressed."""
        ...

    def tell(self, event: Event) -> None:
        """Tell what happens."""
        ...

    def complain(self, code: int, text: str, http_status: int | None = None) -> None:
        """Note a finding."""
        ...


@dataclass(frozen=True, slots=True)
class _Page:
    url: str
    document: Document


class Rerouted(Exception):
    """The call is to go on elsewhere at once: at ``url``, or with ``twiml``."""

    def __init__(self, url: str | None, twiml: str | None, method: str = "POST") -> None:
        super().__init__("rerouted")
        self.url = url
        self.twiml = twiml
        self.method = method


class _CallEnds(Exception):
    def __init__(self, why: str, by: Party = "server") -> None:
        super().__init__(why)
        self.why = why
        self.by: Party = by


class Interpreter:
    """Runs one call's documents. ``form`` holds the parameters of every webhook; its CallStatus changes with time."""

    def __init__(
        self, plan: Plan, webhooks: Webhooks, exchange: Exchange, form: dict[str, str], now_ms: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._webhooks = webhooks
        self._exchange = exchange
        self._form = form
        self._now_ms = now_ms
        self._hops = 0
        self.is_answered = False

    async def run(self) -> tuple[Party, str]:
        """Run until nothing is left to do. Return who ended the call, and why in words."""
        try:
            page = await self._first_page()
            while True:
                try:
                    page = await self._run_page(page)
                except Rerouted as rerouted:
                    page = await self._rerouted(rerouted)
        except _CallEnds as end:
            return end.by, end.why

    async def _first_page(self) -> _Page:
        if self._plan.voice_url.lstrip().startswith("<"):
            return self._inline(self._plan.voice_url)
        return await self._fetch("voice", self._plan.voice_url, self._plan.voice_method)

    async def _rerouted(self, rerouted: Rerouted) -> _Page:
        if rerouted.twiml is not None:
            return self._inline(rerouted.twiml)
        return await self._fetch("update", str(rerouted.url), rerouted.method)

    def _inline(self, twiml: str) -> _Page:
        try:
            if len(twiml) > INLINE_CHARACTERS:
                raise LineFault(32018, f"the document has {len(twiml)} characters")
            return _Page("", parse(twiml.encode(), "text/xml"))
        except LineFault as fault:
            self._exchange.complain(fault.code, fault.text)
            raise _CallEnds(APPLICATION_ERROR, "twilio") from None

    async def _run_page(self, page: _Page) -> _Page:
        for warning in page.document.warnings:
            self._exchange.complain(12200, warning)
        for position, verb in enumerate(page.document.verbs):
            if verb.name == "Reject":
                self._reject(verb, is_first=position == 0)
            if not self.is_answered:
                self.is_answered = True
                self._form["CallStatus"] = "in-progress"
            following = await self._verb(verb, page.url)
            if following is not None:
                return following
        raise _CallEnds("the document has no more verbs" if page.document.verbs else "the document is empty")

    async def _verb(self, verb: Element, url: str) -> _Page | None:
        match verb.name:
            case "Connect":
                return await self._connect(verb, url)
            case "Dial":
                return await self._dial(verb, url)
            case "Gather":
                return await self._gather(verb, url)
            case "Redirect":
                self._tell(verb)
                return await self._fetch("redirect", urljoin(url, verb.text), verb.attributes.get("method", "POST"))
            case "Hangup":
                self._tell(verb)
                raise _CallEnds("<Hangup>")
            case "Say" | "Play" | "Pause":
                await self._utter(verb)
            case _:
                self._tell(verb, "not simulated")
        return None

    async def _connect(self, verb: Element, url: str) -> _Page | None:
        stream = verb.child("Stream")
        if stream is None:
            self._exchange.complain(12200, "<Connect> without <Stream>: nothing else is simulated")
            return None
        self._tell(verb, "Stream")
        try:
            await self._exchange.run_stream(self._order(stream, url))
        except LineFault as fault:
            self._exchange.complain(fault.code, fault.text, fault.status)
        return await self._action(verb, url, {})

    def _order(self, stream: Element, url: str) -> StreamOrder:
        attributes = stream.attributes
        if attributes.get("track", "inbound_track") != "inbound_track":
            raise LineFault(31941, "<Stream track> under <Connect>")
        target = attributes.get("url", "")
        if not target:
            raise LineFault(31923, "<Stream> has no url")
        if not urlsplit(target).scheme:
            scheme = "wss" if urlsplit(url).scheme == "https" else "ws"
            target = urljoin(url, target).replace(urlsplit(url).scheme, scheme, 1)
        parameters: dict[str, str] = {}
        for child in stream.children:
            name, value = child.attributes.get("name", ""), child.attributes.get("value", "")
            if child.name != "Parameter":
                continue
            if len(name) + len(value) >= 500:
                self._exchange.complain(12200, "a <Parameter> has 500 characters or more")
            parameters[name] = value
        status_url = attributes.get("statusCallback")
        return StreamOrder(
            target,
            attributes.get("name"),
            parameters,
            urljoin(url, status_url) if status_url else None,
            attributes.get("statusCallbackMethod", "POST"),
        )

    async def _dial(self, verb: Element, url: str) -> _Page | None:
        outcome = self._plan.dial
        self._tell(verb, outcome.result)
        timeout_s = _number(verb.attributes.get("timeout"), 30.0)
        await self._wait(timeout_s if outcome.result == "no-answer" else min(outcome.rings_s, timeout_s))
        if outcome.result == "answered":
            await self._wait(min(outcome.talks_s, _number(verb.attributes.get("timeLimit"), math.inf)))
        result = "completed" if outcome.result == "answered" else outcome.result
        return await self._action(verb, url, {"DialCallStatus": result})

    async def _gather(self, verb: Element, url: str) -> _Page | None:
        self._tell(verb)
        for child in verb.children:
            if child.name in ("Say", "Play", "Pause"):
                await self._utter(child)
        count = verb.attributes.get("numDigits")
        digits = await self._exchange.gather(
            int(_number(count, 0)) if count else None,
            verb.attributes.get("finishOnKey", "#"),
            _number(verb.attributes.get("timeout"), 5.0) / self._plan.speed,
        )
        if not digits and verb.attributes.get("actionOnEmptyResult") != "true":
            return None
        target = urljoin(url, verb.attributes.get("action", url))
        return await self._fetch("gather", target, verb.attributes.get("method", "POST"), {"Digits": digits})

    async def _utter(self, verb: Element) -> None:
        loops = max(1.0, _number(verb.attributes.get("loop"), 1.0))
        if verb.name == "Say":
            if not verb.text:
                self._exchange.complain(13520, "<Say> has no text")
            self._tell(verb, verb.text)
            await self._wait(loops * len(verb.text) * SAY_MS / 1000)
        elif verb.name == "Pause":
            self._tell(verb)
            await self._wait(_number(verb.attributes.get("length"), 1.0))
        else:
            digits = verb.attributes.get("digits")
            self._tell(verb, "digits" if digits else "a file")
            await self._wait(len(digits) * 0.5 if digits else loops * PLAY_S)

    def _reject(self, verb: Element, *, is_first: bool) -> None:
        reason = verb.attributes.get("reason", "rejected")
        self._tell(verb, reason)
        if not is_first:
            self._exchange.complain(12200, "<Reject> is not the first verb: the call was answered before")
        raise _CallEnds(f"<Reject reason={reason}>")

    async def _action(self, verb: Element, url: str, extra: Mapping[str, str]) -> _Page | None:
        action = verb.attributes.get("action")
        if action is None:
            return None
        return await self._fetch("action", urljoin(url, action), verb.attributes.get("method", "POST"), extra)

    async def _fetch(self, what: str, url: str, method: str, extra: Mapping[str, str] | None = None) -> _Page:
        """Fetch a document; where that fails, the fallback's; where that fails too, the call ends."""
        self._hops += 1
        if self._hops > HOPS:
            raise _CallEnds(f"more than {HOPS} documents", "twilio")
        try:
            return await self._document(what, url, method, extra or {})
        except LineFault as fault:
            self._exchange.complain(fault.code, f"{what} webhook: {fault.text}", fault.status)
            if self._plan.fallback_url is None:
                raise _CallEnds(APPLICATION_ERROR, "twilio") from None
            told = {"ErrorCode": str(fault.code), "ErrorUrl": url}
        try:
            return await self._document("fallback", self._plan.fallback_url, self._plan.fallback_method, told)
        except LineFault as fault:
            self._exchange.complain(fault.code, f"fallback webhook: {fault.text}", fault.status)
            raise _CallEnds(APPLICATION_ERROR, "twilio") from None

    async def _document(self, what: str, url: str, method: str, extra: Mapping[str, str]) -> _Page:
        answer = await self._webhooks.ask(url, method.upper(), {**self._form, **extra})
        self._exchange.tell(Fetched(self._now_ms(), what, answer.status, answer.took_ms))
        return _Page(answer.url, parse(answer.body, answer.content_type))

    async def _wait(self, seconds: float) -> None:
        await self._exchange.wait_s(seconds / self._plan.speed)

    def _tell(self, verb: Element, text: str = "") -> None:
        self._exchange.tell(VerbRun(self._now_ms(), verb.name, text))


def _number(text: str | None, otherwise: float) -> float:
    try:
        return otherwise if text is None else max(0.0, float(text))
    except ValueError:
        return otherwise
