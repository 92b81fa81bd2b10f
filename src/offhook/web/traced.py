"""Tells the taps each webhook and its answer. A middleware that is only there when they are asked for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.typedefs import Middleware

from offhook.run.taps import Taps


def traced(taps: Taps, root: str) -> Middleware:
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
            taps.webhook(request.path_qs, form, call_sid, asked_ms, (response.status, response.text or ""))
        return response

    return tell
