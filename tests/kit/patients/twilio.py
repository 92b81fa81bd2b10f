"""Set-ups that are wrong at Twilio: the REST twin holds the account as it would be, and a small server its TwiML."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kit.patients.addresses import answering
from tests.kit.patients.seed import ACCOUNT, AUTH_TOKEN, NOWHERE, Arrange, Arranged, Seed, keys

from offhook.sim.complaints import complaint
from offhook.sim.rest import alerts
from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

OURS = "+441632960001"
ELSEWHERE = "https://static.example.net/sorry.xml"


def wired(base: str = NOWHERE, **changed: str) -> PhoneNumber:
    """Return our number, wired as it must be to a server at ``base``, changed."""
    fields: dict[str, str | None] = {
        "voice_url": f"{base}/twilio/voice",
        "voice_method": "POST",
        "voice_fallback_url": ELSEWHERE,
        "status_callback": f"{base}/twilio/status",
    }
    return PhoneNumber(OURS, fields={**fields, **changed})


def account(*numbers: PhoneNumber, **changed: Any) -> Account:
    """Return the account with these numbers."""
    return Account(sid=ACCOUNT, auth_token=AUTH_TOKEN, **changed).own(*numbers)


def at_twilio(owner: Account, refuse: int | None = None, **environ: str) -> Arrange:
    """Arrange an account at the twin, and a set-up whose keys these are."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        # a code that is to be refused meets every request of the doctor
        options = RestOptions(refuse=[] if refuse is None else [refuse] * 200)
        async with RestTwin([owner], options) as twin:
            yield Arranged(keys(DEEPGRAM_API_KEY="", TWILIO_API_URL=twin.url, **environ), network=True)

    return arrange


def answered_by(twiml: str, status: int = 200, kind: str = "text/xml") -> Arrange:
    """Arrange a number that another server answers with this document."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async with AsyncExitStack() as stack:
            port = await stack.enter_async_context(answering(status, twiml, {"Content-Type": kind}))
            owner = account(wired(voice_url=f"http://127.0.0.1:{port}/voice"))
            twin = await stack.enter_async_context(RestTwin([owner]))
            yield Arranged(keys(DEEPGRAM_API_KEY="", TWILIO_API_URL=twin.url), network=True)

    return arrange


@asynccontextmanager
async def _nobody(folder: Path) -> AsyncIterator[Arranged]:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    yield Arranged(keys(DEEPGRAM_API_KEY="", TWILIO_API_URL=url), network=True)


def _account(words: str, cause: str, fix: str, arrange: Arrange, verdict: str = "fail") -> Seed:
    return Seed(words, "twilio-account", cause, fix, arrange, verdict)


def _number(words: str, cause: str, fix: str, owner: Account, **environ: str) -> Seed:
    return Seed(words, "twilio-number", cause, fix, at_twilio(owner, **environ))


def _wiring(words: str, cause: str, fix: str, *numbers: PhoneNumber, verdict: str = "fail") -> Seed:
    return Seed(words, "twilio-wiring", cause, fix, at_twilio(account(*numbers)), verdict)


def _twiml(words: str, cause: str, fix: str, inside: str) -> Seed:
    return Seed(words, "twiml", cause, fix, answered_by(f"<Response>{inside}</Response>"))


def _noted(code: int, words: str, fix: str) -> Seed:
    """Seed an account whose debugger has noted ``code`` twice."""
    owner = account(wired())
    for call in ("1", "2"):
        alerts.note(owner, complaint(code), "CA" + call * 32, f"{NOWHERE}/twilio/voice")
    return Seed(f"debugger: {words}", "twilio-debugger", f"code-{code}", fix, at_twilio(owner), "warn")


_STREAM = '<Connect><Stream url="wss://voice.example.com/twilio"/></Connect>'

TWILIO = [
    _account(
        "Twilio refuses the credentials",
        "refused",
        "auth token again",
        at_twilio(account(wired()), TWILIO_AUTH_TOKEN="0" * 31 + "1"),
    ),
    _account("test credentials", "test-credentials", "live ones", at_twilio(account(is_test=True))),
    _account("a trial account", "trial", "upgrade", at_twilio(account(wired(), trial="new")), "warn"),
    _account("a suspended account", "inactive", "funds", at_twilio(account(wired(), status="suspended"))),
    _account("Twilio cannot be reached", "unreachable", "TWILIO_API_URL", _nobody),
    _account("Twilio has a fault", "unreachable", "status page", at_twilio(account(wired()), refuse=20500)),
    _account("too many requests at Twilio", "busy", "try again", at_twilio(account(wired()), refuse=20429)),
    _number("an account without numbers", "none", "buy one", account()),
    _number(
        "a number of the settings is another account's",
        "not-ours",
        "[numbers]",
        account(wired()),
        OFFHOOK_AGENTS__SALES__GREETING="Hello",
        OFFHOOK_NUMBERS='{"+441632960077": {"agent": "sales"}}',
    ),
    _number("a number that takes no calls", "not-voice", "numbers list", account(PhoneNumber(OURS, can_voice=False))),
    _wiring("nothing answers the number", "not-wired", "numbers attach", PhoneNumber(OURS)),
    _wiring(
        "none of two numbers leads here",
        "not-wired",
        "numbers attach",
        PhoneNumber(OURS),
        PhoneNumber("+441632960002", fields={"voice_url": "https://other.example.com/voice"}),
    ),
    _wiring(
        "another server answers the number",
        "wired-elsewhere",
        "numbers attach",
        wired(voice_url="https://offhook.invalid/voice"),
    ),
    _wiring(
        "the webhook has a query",
        "wrong-path",
        "numbers attach",
        wired(voice_url=f"{NOWHERE}/twilio/voice?key=1"),
    ),
    _wiring(
        "the webhook has another scheme",
        "plain-http",
        "numbers attach",
        wired(voice_url=f"{NOWHERE.replace('http', 'https')}/twilio/voice"),
    ),
    _wiring(
        "the status callback is asked with GET",
        "no-status-callback",
        "numbers attach",
        wired(status_callback_method="GET"),
        verdict="warn",
    ),
    _wiring(
        "yesterday's tunnel answers the number",
        "wired-elsewhere",
        "numbers attach",
        wired(voice_url="https://gone.invalid/twilio/voice"),
    ),
    _wiring("a SIP trunk answers", "overridden-trunk", "--take-trunk", wired(trunk_sid="TK" + "1" * 32)),
    _wiring(
        "a TwiML application answers",
        "overridden-application",
        "--take-application",
        wired(voice_application_sid="AP" + "1" * 32),
    ),
    _wiring("the webhook is asked with GET", "get", "numbers attach", wired(voice_method="GET")),
    _wiring("the webhook's path is another", "wrong-path", "numbers attach", wired(voice_url=f"{NOWHERE}/voice")),
    _wiring("no fallback", "no-fallback", "TwiML Bin", wired(voice_fallback_url=""), verdict="warn"),
    _wiring(
        "the fallback is on the same server",
        "fallback-same-server",
        "TwiML Bin",
        wired(voice_fallback_url=f"{NOWHERE}/sorry"),
        verdict="warn",
    ),
    _wiring("no status callback", "no-status-callback", "attach", wired(status_callback=""), verdict="warn"),
    Seed("a web page answers the number", "twiml", "not-twiml", "text/xml", answered_by("<!DOCTYPE html><html>")),
    Seed(
        "TwiML is served as a web page",
        "twiml",
        "content-type",
        "text/xml",
        answered_by(f"<Response>{_STREAM}</Response>", kind="text/html"),
    ),
    _twiml("TwiML opens no stream", "no-stream", "<Connect>", "<Say>Hello</Say>"),
    _twiml(
        "TwiML has `Start` instead of `Connect`",
        "start-stream",
        "instead of <Start>",
        _STREAM.replace("Connect", "Start"),
    ),
    _twiml("TwiML has a ws:// stream", "stream-plain", "wss://", _STREAM.replace("wss:", "ws:")),
    _twiml(
        "TwiML has a query string on the stream address",
        "stream-query",
        "<Parameter>",
        _STREAM.replace("/twilio", "/twilio?token=1"),
    ),
    _twiml("TwiML has a web address as stream", "stream-scheme", "wss://", _STREAM.replace("wss:", "https:")),
    _twiml(
        "TwiML asks for both tracks",
        "stream-track",
        "leave `track` out",
        _STREAM.replace("/>", ' track="both_tracks"/>'),
    ),
    _twiml(
        "TwiML has a parameter that is too long",
        "stream-parameter",
        "shorten",
        _STREAM.replace("/>", f'><Parameter name="a" value="{"x" * 500}"/></Stream>'),
    ),
    _twiml(
        "TwiML has a `Pause` at its end", "trailing-pause", "take the <Pause> out", _STREAM + '<Pause length="40"/>'
    ),
    _noted(11200, "a webhook answered something else", "server's log"),
    _noted(11205, "a webhook could not be reached", "OFFHOOK_PUBLIC_URL"),
    _noted(12100, "a webhook answered no TwiML", "address of offhook"),
    _noted(31901, "a stream timed out", "tunnel"),
    _noted(31902, "a stream was refused", "port"),
    _noted(31903, "a stream broke off", "restarted"),
    _noted(31910, "a stream's TLS failed", "certificate"),
    _noted(31920, "a stream was not answered with 101", "WebSockets"),
    _noted(31922, "a stream was not wss", "wss://"),
    _noted(31924, "the WebSocket protocol was broken", "tunnel or proxy"),
    _noted(31930, "caller audio was lost", "limits.calls"),
    _noted(31941, "a stream asked for a wrong track", "track"),
    _noted(31951, "a message Twilio does not know", "update offhook"),
]
