"""Serves the simulated REST API on a real socket: auth, limits, routes, JSON. What an account owns is in `world`.

::

    account = Account(auth_token=token).own(PhoneNumber("+441632960001"))
    async with RestTwin([account]) as twin:
        twin.url                          # http://127.0.0.1:PORT, the base URL for a client
        await twin.dial("+441632960001", [WaitForAgent(), HangUp()])      # a caller is led to the number's voice URL

Twilio's other hosts are served here too, under their own paths: /v1/Alerts is the Monitor API's.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from offhook.sim.caller import Step
from offhook.sim.identity import fresh_sid
from offhook.sim.report import CallReport
from offhook.sim.rest.access import authenticated, permitted
from offhook.sim.rest.asked import Answered, Asked, Fields
from offhook.sim.rest.lines import Lines, Telephony
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.routes import Route, routes
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import Account, World
from offhook.sim.switch import Phone

#: A request's body; Twilio's limit is not documented.
BODY_BYTES: Final = 256 * 1024
REQUESTS_KEPT: Final = 10_000
_FORM: Final = "application/x-www-form-urlencoded"
_CROSS_ORIGIN: Final = {
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-Match",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Twilio-Request-Id",
}


@dataclass(slots=True)
class RestOptions:
    """Where it listens and how it behaves. ``refuse`` holds codes for the next requests, in order; 0 lets one pass."""

    host: str = "127.0.0.1"
    port: int = 0
    #: Requests at once; more are refused with 429, 20429 (Twilio names no number).
    at_once: int = 100
    refuse: list[int] = field(default_factory=list)
    #: Every answer waits this long.
    latency_s: float = 0.0
    #: Told method, path and status of every request, once it is answered.
    on_answer: Callable[[str, str, int], None] | None = None
    telephony: Telephony = field(default_factory=Telephony)


class RestTwin:
    """The simulated REST API. Use as an async context manager."""

    def __init__(self, accounts: Iterable[Account], options: RestOptions | None = None) -> None:
        self.world = World(accounts)
        self.options = options or RestOptions()
        #: Method and path of the last requests, in order.
        self.requests: deque[tuple[str, str]] = deque(maxlen=REQUESTS_KEPT)
        self._at_once = 0
        self._errands = asyncio.TaskGroup()
        self._lines: Lines
        self._routes: tuple[Route, ...] = ()
        self._stack = AsyncExitStack()
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.options.host}:{self.port}"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._errands.__aenter__()
            # told of no error: what the user raises stays as it is
            stack.push_async_callback(self._errands.__aexit__, None, None, None)
            told = Told(self._errands, self.options.telephony.reach)
            self._lines = await stack.enter_async_context(Lines(self.world, self.options.telephony, told))
            self._routes = routes(self._lines, told)
            app = web.Application(client_max_size=BODY_BYTES)
            app.router.add_route("*", "/{path:.*}", self._serve)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, self.options.host, self.options.port).start()
            self.port = runner.addresses[0][1]
            told.base_url = self.url
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def dial(
        self,
        number: str,
        steps: Sequence[Step] = (),
        caller: str = "+14155550123",
        phone: Phone | None = None,
    ) -> CallReport:
        """Call one of the accounts' numbers, and be led to what answers it. Raises `NotReached`.

        The caller does ``steps``, or has a ``phone`` of their own, else the one that `Telephony` knows of.
        """
        own = Phone(tuple(steps)) if steps else phone or self.options.telephony.phones.get(caller, Phone())
        return await self._lines.dial(number, own, caller)

    async def _serve(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path))
        self._at_once += 1
        try:
            if self.options.latency_s:
                await asyncio.sleep(self.options.latency_s)
            response = _response(await self._answer(request))
        except Refusal as refusal:
            response = _refused(refusal)
        finally:
            self._at_once -= 1
        if self.options.on_answer is not None:
            self.options.on_answer(request.method, request.path, response.status)
        return response

    async def _answer(self, request: web.Request) -> Answered:
        if self._at_once > self.options.at_once:
            raise Refusal(20429)
        if self.options.refuse and (code := self.options.refuse.pop(0)):
            raise Refusal(code)
        owner, key = authenticated(self.world, request.headers.get("Authorization"))
        found = [(route, names) for route in self._routes if (names := route.match(request.path)) is not None]
        if not found:
            raise Refusal(20404, request.path)
        matched = next(((route, names) for route, names in found if route.method == request.method), None)
        if matched is None:
            raise Refusal(20004, request.method)
        route, names = matched
        account = permitted(self.world, owner, key, names.get("account"), route.permission)
        if account.is_test and not route.on_test:
            raise Refusal(20008)
        query, form = Fields(request.rel_url.raw_query_string), Fields(await _form(request))
        base_url = f"{request.scheme}://{request.host}"
        return await route.answer(Asked(owner, key, account, request.path, names, query, form, base_url))


async def _form(request: web.Request) -> str:
    if request.method != "POST" or request.content_type != _FORM:
        return ""  # as if nothing had been sent: the API takes forms only
    return (await request.read()).decode("utf-8", "replace")


def _response(answered: Answered) -> web.Response:
    headers = {**_CROSS_ORIGIN, "Twilio-Request-Id": fresh_sid("RQ")}
    if answered.media is not None:
        return web.Response(body=answered.media, content_type="audio/x-wav", headers=headers)
    if answered.status == 204:
        return web.Response(status=204)
    return web.json_response(answered.body, status=answered.status, headers=headers)


def _refused(refusal: Refusal) -> web.Response:
    headers = {"Twilio-Request-Id": fresh_sid("RQ")}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    return web.Response(
        text=json.dumps(refusal.as_json()),
        status=refusal.status,
        content_type="application/json",
        headers=headers,
    )
