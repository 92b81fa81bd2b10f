"""A proxy that stands between a client and a REST API and judges everything that passes, both ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from tests.kit.rest.contract import Contract
from yarl import URL

#: Paths of other APIs of the vendor, which the document does not speak of.
OTHERS = ("/v1/",)


@dataclass(slots=True)
class Proxy:
    """What passed: ``violations`` are sentences, ``seen`` counts operations by their documented path."""

    contract: Contract
    target: str
    url: str = ""
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    statuses: list[int] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """What either side did against the document."""
        return [*self.asked, *self.answered]

    async def pass_on(self, request: web.Request, session: aiohttp.ClientSession) -> web.Response:
        """Judge a request, ask the real API, judge its answer, give it back as it was."""
        body = await request.read()
        target = request.raw_path
        judged = not request.path.startswith(OTHERS)
        if judged:
            operation = self.contract.operation(request.method, request.path)
            self.seen[str(operation)] += 1
            content_type = request.headers.get("Content-Type", "")
            self.asked += self.contract.request(request.method, target, content_type, body.decode())
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with session.request(
            request.method, URL(self.target + target, encoded=True), data=body or None, headers=headers
        ) as answer:
            text = await answer.read()
            self.statuses.append(answer.status)
            if judged:
                told = answer.headers.get("Content-Type", "")
                self.answered += self.contract.answer(
                    request.method, request.path, answer.status, "" if not text else told, text.decode()
                )
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(body=text, status=answer.status, headers=kept)


_HOP = {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "accept-encoding", "date", "server"}


@asynccontextmanager
async def judging(contract: Contract, target: str) -> AsyncIterator[Proxy]:
    """Start the proxy in front of ``target``."""
    proxy = Proxy(contract, target)
    async with aiohttp.ClientSession() as session:

        async def serve(request: web.Request) -> web.Response:
            return await proxy.pass_on(request, session)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            await runner.cleanup()
