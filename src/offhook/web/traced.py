"""Tells the call traces each webhook and its answer. A middleware that is only there when traces are asked for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.typedefs import Middleware

from offhook.run.call_traces import CallTraces


def traced(traces: CallTraces, root: str) -> Middleware:
    """Return the middleware for the webhooks below ``root``."""

    @web.middleware
    async def tell(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asked_ms = time.monotonic() * 1000
        response = await handler(request)
        if request.method == "POST" and request.path.startswith(f"{root}/") and isinstance(response, web.Response):
            form = (await request.read()).decode("utf-8", "replace")
            call_sid = parse_qs(form).get("CallSid", [""])[0]
            traces.webhook(request.path_qs, form, call_sid, asked_ms, (response.status, response.text or ""))
        return response

    return tell
