"""The web app behind the front door: routes, one deadline per request, one line per defect. No media, no call state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from offhook.config.settings import Settings
from offhook.errors import AuthError, OffhookError
from offhook.observe.log import logger
from offhook.observe.metrics import Metrics
from offhook.run.switchboard import Switchboard
from offhook.run.taps import NO_TAPS, Taps
from offhook.web.health import Health
from offhook.web.traced import traced
from offhook.web.voice import VoiceWebhooks
from offhook.web.watch import WatchPage

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    settings: Settings, switchboard: Switchboard, health: Health, metrics: Metrics, taps: Taps = NO_TAPS
) -> web.Application:
    """Build the app. Every answer closes its connection: the front door reads one head per connection."""

    @web.middleware
    async def bounded(request: web.Request, handler: Answer) -> web.StreamResponse:
        try:
            async with asyncio.timeout(settings.timeouts.request_s):
                await request.read()
            response = await handler(request)
        except TimeoutError:
            response = web.Response(status=408, text="too slow\n")
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}\n", headers=_allow(error))
        except OffhookError as error:
            switchboard.refused(error)
            response = web.Response(status=403 if isinstance(error, AuthError) else 503, text=f"{error.public}\n")
        except Exception as defect:  # noqa: BLE001 - the boundary of a request
            stack = RuntimeError(type(defect).__name__).with_traceback(defect.__traceback__)
            logger().error("request_defect", path=request.path[:64], exc_info=stack)
            response = web.Response(status=500, text="a defect of ours\n")
        response.force_close()
        return response

    told = [] if taps is NO_TAPS else [traced(taps, settings.server.stream_path)]
    app = web.Application(middlewares=[*told, bounded], client_max_size=settings.limits.body_bytes)
    voice = VoiceWebhooks(switchboard)
    root = settings.server.stream_path
    app.router.add_post(f"{root}/voice", voice.voice)
    app.router.add_post(f"{root}/after", voice.after)
    app.router.add_post(f"{root}/status", voice.status)
    app.router.add_post(f"{root}/stream-status", voice.stream_status)
    app.router.add_get(f"{root}/watch", WatchPage(switchboard).watch)
    app.router.add_get("/livez", health.livez)
    app.router.add_get("/readyz", health.readyz)

    async def show_metrics(_: web.Request) -> web.Response:
        health.measure()
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    app.router.add_get("/metrics", show_metrics)
    return app


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
