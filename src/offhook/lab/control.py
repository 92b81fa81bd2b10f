"""The lab's control API and page, for this machine only: place a call, watch it, read its verdict, let faults happen.

Whoever asks must ask for a loopback name (no DNS rebinding), and changes only come as JSON (no foreign page's form).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final

import msgspec
from aiohttp import web

from offhook.lab.bench import PLAIN, Bench, playable
from offhook.lab.watched import Watched
from offhook.scenario.agents import moment_of
from offhook.scenario.checking import differences
from offhook.scenario.reading import ScenarioError
from offhook.scenario.shape import AgentPart, actions

_PAGE: Final = {
    "/": ("index.html", "text/html"),
    "/lab.js": ("lab.js", "text/javascript"),
    "/lab.css": ("lab.css", "text/css"),
}
_GUARDS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: Of a call, what its agent does wrong: the fields of a scenario's `[agent]`.
_WRONG: Final[tuple[str, ...]] = ("faults", "at")
_NAMES: Final = frozenset(("127.0.0.1", "localhost", "[::1]"))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Routes of the page and the API over one bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._scenarios = [{"name": PLAIN, "title": "asks, breaks in once, hangs up"}]
        self._scenarios += [{"name": one.name, "title": one.scenario.title} for one in playable()]

    def app(self) -> web.Application:
        """Build the app."""
        app = web.Application(middlewares=[_guarded], client_max_size=65536)
        for path in _PAGE:
            app.router.add_get(path, self._page)
        app.router.add_get("/api/lab", self._lab)
        app.router.add_get("/api/calls", self._calls)
        app.router.add_post("/api/calls", self._place)
        app.router.add_get("/api/calls/{sid}", self._one)
        app.router.add_get("/api/calls/{sid}/history", self._history)
        app.router.add_get("/api/calls/{sid}/verdict", self._verdict)
        app.router.add_post("/api/calls/{sid}/hang-up", self._hang_up)
        app.router.add_post("/api/faults", self._fault)
        app.router.add_post("/api/knock", self._knock)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        name, kind = _PAGE[request.path]
        body = (files("offhook.lab") / "page" / name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8")

    async def _lab(self, _: web.Request) -> web.Response:
        bench = self._bench
        told = {"bridge": bench.bridge_url, "twilio": bench.twilio.url, "deepgram": bench.agent.url}
        return web.json_response({**told, "scenarios": self._scenarios, "faults": sorted(actions())})

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response({"calls": [call.summary() for call in self._bench.calls]})

    async def _place(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        if unknown := asked.keys() - {"scenario", *_WRONG}:
            raise web.HTTPBadRequest(text=f"`{min(unknown)[:40]}` is not known here; a call has scenario, faults, at\n")
        name, wrong = asked.get("scenario", PLAIN), {field: asked[field] for field in _WRONG if field in asked}
        if name not in {one["name"] for one in self._scenarios}:
            raise web.HTTPBadRequest(text="there is no such scenario; GET /api/lab lists them\n")
        try:
            call = await self._bench.place(name, _part(wrong) if wrong else None)
        except ScenarioError as error:
            raise web.HTTPBadRequest(text="".join(f"{one}\n" for one in error.problems)) from None
        except ValueError as busy:
            raise web.HTTPConflict(text=f"{busy}\n") from None
        return web.json_response(call.summary(), status=201)

    def _found(self, request: web.Request) -> Watched:
        call = self._bench.call(request.match_info["sid"])
        if call is None:
            raise web.HTTPNotFound(text="there is no such call; GET /api/calls lists them\n")
        return call

    async def _one(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not (since.isascii() and since.isdigit() and len(since) < 10):
            raise web.HTTPBadRequest(text="since is the number of the first message\n")
        return web.json_response(self._found(request).since(int(since)))

    async def _history(self, request: web.Request) -> web.Response:
        call = self._found(request)
        return web.json_response({**call.summary(), "entries": [call.whole(entry) for entry in call.entries]})

    async def _verdict(self, request: web.Request) -> web.Response:
        call = self._found(request)
        if call.findings is None and call.status != "running":
            call.judge(self._bench.probed, self._bench.pulse.lags)
        return web.json_response({"call": call.call_sid, "findings": call.summary()["findings"]})

    async def _hang_up(self, request: web.Request) -> web.Response:
        await _asked(request)
        call = self._found(request)
        if call.status == "running":
            await self._bench.hang_up(call)
        return web.json_response(call.summary())

    async def _fault(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        if asked.get("do") not in actions():
            raise web.HTTPBadRequest(text=f"do is one of {', '.join(sorted(actions()))}\n")
        _, action = moment_of(_part({"at": [asked]}).at[0])
        return web.json_response({"sockets": self._bench.inject(action)})

    async def _knock(self, request: web.Request) -> web.Response:
        await _asked(request)
        try:
            return web.json_response(asdict(await self._bench.knock()))
        except ValueError as busy:
            raise web.HTTPConflict(text=f"{busy}\n") from None


@web.middleware
async def _guarded(request: web.Request, handler: Answer) -> web.StreamResponse:
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    if host not in _NAMES:
        return web.Response(status=403, text="ask for 127.0.0.1 or localhost\n", headers=_GUARDS)
    if request.method == "POST" and request.content_type != "application/json":
        return web.Response(status=415, text="changes come as application/json\n", headers=_GUARDS)
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        response = web.Response(status=refused.status, text=refused.text, headers=_GUARDS)
    response.headers.update(_GUARDS)
    return response


async def _asked(request: web.Request) -> dict[str, Any]:
    """Return the request's JSON object; none is an empty one."""
    try:
        asked = msgspec.json.decode(await request.read() or b"{}")
    except msgspec.DecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="the body is a JSON object\n")
    return asked


def _part(asked: dict[str, Any]) -> AgentPart:
    """Return what is to go wrong, as scenario files say it."""
    if problems := list(differences(asked, AgentPart)):
        raise web.HTTPBadRequest(text="".join(f"{problem}\n" for problem in problems))
    return msgspec.convert(asked, AgentPart)
