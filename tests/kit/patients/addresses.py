"""Set-ups whose public address is wrong in some way: small servers that answer as platforms and tunnels do."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from tests.kit.bridge import bridged
from tests.kit.patients.seed import ACCOUNT, AUTH_TOKEN, Arrange, Arranged, Seed, keys
from tests.kit.ports import free_port
from tests.kit.tls import self_signed

ALIVE = '{"alive": true}'


@asynccontextmanager
async def answering(
    status: int, body: str = "", headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve one answer to everything; yield the port."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=dict(headers or {}))

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def answers(status: int, body: str = "", **headers: str) -> Arrange:
    """Arrange an address that gives this answer."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with answering(status, body, named) as port:
            yield Arranged(keys(DEEPGRAM_API_KEY=""), f"http://127.0.0.1:{port}", network=True)

    return arrange


def at(url: str | None) -> Arrange:
    """Arrange an address."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        known = {} if url else {"OFFHOOK_PUBLIC_URL": ""}
        yield Arranged(keys(DEEPGRAM_API_KEY="", **known), url, network=True)

    return arrange


@asynccontextmanager
async def _bad_certificate(folder: Path) -> AsyncIterator[Arranged]:
    async with answering(200, ALIVE, tls=self_signed()) as port:
        yield Arranged(keys(DEEPGRAM_API_KEY=""), f"https://127.0.0.1:{port}", network=True)


@asynccontextmanager
async def _no_tls(folder: Path) -> AsyncIterator[Arranged]:
    async with answering(200, ALIVE) as port:
        yield Arranged(keys(DEEPGRAM_API_KEY=""), f"https://127.0.0.1:{port}", network=True)


@asynccontextmanager
async def _this_computer(folder: Path) -> AsyncIterator[Arranged]:
    bare = keys(DEEPGRAM_API_KEY="", TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="", TWILIO_API_URL="https://x.invalid")
    yield Arranged({**bare, "OFFHOOK_PUBLIC_URL": f"http://localhost:{free_port()}"}, network=True)


@asynccontextmanager
async def _nobody(folder: Path) -> AsyncIterator[Arranged]:
    yield Arranged(keys(DEEPGRAM_API_KEY=""), f"http://127.0.0.1:{free_port()}", network=True)


def offhook(served: Mapping[str, str], known: Mapping[str, str] | None = None) -> Arrange:
    """Arrange a running offhook with settings ``served``, looked at with settings ``known``."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async with bridged(TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=AUTH_TOKEN, **served) as bridge:
            mine = keys(DEEPGRAM_API_KEY="", OFFHOOK_PUBLIC_URL="", **(known or {}))
            yield Arranged(mine, bridge.base, network=True)

    return arrange


def alive(inside: str) -> Arrange:
    """Arrange something that is alive as offhook is, answers a call with this TwiML, and takes no WebSocket."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async def voice(request: web.Request) -> web.Response:
            text = f"<Response>{inside.format(host=request.host)}</Response>"
            return web.Response(text=text, content_type="text/xml")

        async def livez(_: web.Request) -> web.Response:
            return web.Response(text=ALIVE)

        async def stream(_: web.Request) -> web.Response:
            return web.Response(status=403)

        app = web.Application()
        app.add_routes([web.post("/twilio/voice", voice), web.get("/livez", livez), web.get("/twilio", stream)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield Arranged(keys(DEEPGRAM_API_KEY=""), f"http://127.0.0.1:{runner.addresses[0][1]}", network=True)
        finally:
            await runner.cleanup()

    return arrange


LONG_AGO = "Mon, 05 Jan 2026 00:00:00 GMT"
STREAM = '<Connect><Stream url="ws://{host}/twilio"/></Connect>'
ADDRESSES = [
    Seed("a proxy takes no WebSockets", "stream", "upgrade-403", "pass WebSockets on", alive(STREAM)),
    Seed("a server that takes no calls now", "webhook", "not-ready", "/readyz", alive("<Say>Sorry.</Say><Hangup/>")),
    Seed("this machine's clock is wrong", "clock", "skew", "timedatectl", answers(200, ALIVE, Date=LONG_AGO)),
    Seed("the address is not known", "public-url", "missing", "OFFHOOK_PUBLIC_URL", at(None)),
    Seed("the address is a stream's", "public-url", "scheme", "https://", at("wss://voice.example.com")),
    Seed("the address is plain http", "public-url", "scheme", "https", at("http://voice.example.com")),
    Seed("the address has a path", "public-url", "path", "after the host", at("https://voice.example.com/twilio")),
    Seed("the name does not exist", "public-url", "not-resolving", "misspelt", at("https://offhook.invalid")),
    Seed("the certificate is self-signed", "public-url", "tls-invalid", "certificate", _bad_certificate),
    Seed("no TLS at the address", "public-url", "tls-broken", "https address", _no_tls),
    Seed("nothing listens there", "public-url", "refused", "start the server", _nobody),
    Seed("another web site answers", "public-url", "stranger", "address of offhook", answers(200, "<html>Welcome")),
    Seed(
        "the address redirects", "public-url", "redirects", "redirects to", answers(301, Location="https://x.invalid/")
    ),
    Seed("an address of the home network", "public-url", "private", "the world", at("https://192.168.1.5")),
    Seed("Railway's name inside the project", "public-url", "private", "world", at("https://offhook.railway.internal")),
    Seed("the settings name this computer", "public-url", "loopback", "offhook dev", _this_computer),
    Seed("a port behind a platform's address", "public-url", "tls-broken", "away", _no_tls),
    Seed(
        "a login page in front",
        "public-url",
        "protected",
        "access rule",
        answers(302, Location="https://team.cloudflareaccess.com/cdn-cgi/access/login/voice.example.com"),
    ),
    Seed("Cloudflare has no tunnel", "public-url", "tunnel-offline", "cloudflared", answers(530, "error code: 1033")),
    Seed("Cloudflare cannot reach the server", "public-url", "gateway-522", "0.0.0.0", answers(522)),
    Seed("the server fails by itself", "public-url", "server-error", "log", answers(500)),
    Seed("the host's limit is reached", "public-url", "limited", "plan", answers(429)),
    Seed(
        "Railway has no deployment there",
        "public-url",
        "no-deployment",
        "deploy",
        answers(404, '{"message":"Application not found"}'),
    ),
    Seed("404 from another server", "public-url", "not-found", "address of offhook", answers(404, "no")),
    Seed("a bare WebSocket server", "public-url", "websocket-only", "offhook serve", answers(426)),
    Seed("the platform cannot reach the server", "public-url", "gateway-502", "target port", answers(502)),
    Seed("a login in front", "public-url", "protected", "password", answers(401)),
    Seed(
        "the tunnel is not running",
        "public-url",
        "tunnel-offline",
        "offhook dev",
        answers(404, "", ngrok_error_code="ERR_NGROK_3200"),
    ),
    Seed(
        "nothing behind the tunnel",
        "public-url",
        "tunnel-upstream",
        "start the server",
        answers(502, "ERR_NGROK_8012"),
    ),
    Seed(
        "the tunnel's warning page",
        "public-url",
        "interstitial",
        "Twilio",
        answers(200, "", ngrok_error_code="ERR_NGROK_6024"),
    ),
    Seed(
        "the server has another token",
        "webhook",
        "signature-token",
        "primary auth token",
        offhook({}, {"TWILIO_AUTH_TOKEN": "0" * 31 + "1"}),
    ),
    Seed(
        "the server believes in another address",
        "webhook",
        "signature-form",
        "OFFHOOK_PUBLIC_URL",
        offhook({"OFFHOOK_PUBLIC_URL": "http://localhost:8080"}),
    ),
]
