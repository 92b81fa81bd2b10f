"""A small web server that a simulated Twilio asks: it answers with TwiML by path and keeps every form it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class Told:
    """What was asked: path and form, in order."""

    url: str = ""
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def at(self, path: str) -> list[dict[str, str]]:
        """Return the forms sent to one path."""
        return [form for asked, form in self.forms if asked == path]

    async def until(self, path: str, count: int = 1, **wanted: str) -> list[dict[str, str]]:
        """Wait until a path was sent so many forms that hold ``wanted``; return them."""

        def found() -> list[dict[str, str]]:
            return [form for form in self.at(path) if wanted.items() <= form.items()]

        async with asyncio.timeout(30):
            while len(found()) < count:
                self.changed.clear()
                await self.changed.wait()
        return found()


@asynccontextmanager
async def webhooks(answers: Mapping[str, str] | None = None) -> AsyncIterator[Told]:
    """Serve ``answers`` (path → TwiML); every other path answers 204."""
    told = Told()

    async def serve(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        told.forms.append((request.path, form))
        told.changed.set()
        twiml = (answers or {}).get(request.path)
        if twiml is None:
            return web.Response(status=204)
        if twiml.isdigit():
            return web.Response(status=int(twiml))
        return web.Response(text=twiml, content_type="text/xml")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield told
    finally:
        await runner.cleanup()
