"""Asks a server's webhooks as Twilio does: signed form POST or GET, its time limits, its codes. Runs no TwiML."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlencode, urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from offhook.sim import signing, tap
from offhook.sim.address import absolute, web_address
from offhook.sim.behaviour import Behaviour
from offhook.sim.complaints import LineFault
from offhook.sim.patience import TOTAL_S, Patience
from offhook.sim.reach import Reach
from offhook.sim.twiml import DOCUMENT_BYTES
from offhook.sim.unconnected import unconnected
from offhook.trace import Kind, OnEntry

USER_AGENT: Final = "TwilioProxy/1.1"
REDIRECTS: Final = 10
#: A file that `<Play>` names: Twilio's limit is not documented; an hour of 8 kHz PCM fits.
FILE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered with 2xx."""

    url: str
    status: int
    content_type: str | None
    body: bytes
    took_ms: float


class Webhooks:
    """Asks webhooks for one call. ``auth_token=None`` asks unsigned. Use as an async context manager.

    ``total_s`` is how long one document may take at most; its URL's fragment may ask for less.
    """

    def __init__(
        self,
        auth_token: str | None,
        *,
        sign_as: str | None = None,
        behaviour: Behaviour | None = None,
        on_wire: OnEntry | None = None,
        call_sid: str = "",
        reach: Reach | None = None,
        total_s: float = TOTAL_S,
    ) -> None:
        behaviour = behaviour or Behaviour(sign_as=sign_as)
        self._reach = reach
        self._on_wire = on_wire
        self._call_sid = call_sid
        self._token = behaviour.signing_token(auth_token)
        self._shared_key = behaviour.shared_key
        self._sign_as = behaviour.sign_as
        self._twice = behaviour.webhook_twice
        self._total_s = total_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None), auto_decompress=True, trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, url: str, method: str, parameters: Mapping[str, str], *, total_s: float | None = None
    ) -> Answer:
        """Ask a webhook and follow its redirects. A method that is not GET is POST. Raises `LineFault`, a 11xxx."""
        token = str(uuid4())
        method = "GET" if method.upper() == "GET" else "POST"
        answer = await self._follow(url, method, parameters, token, total_s)
        if self._twice == "no":
            return answer
        again = await self._follow(url, method, parameters, token, total_s)
        return again if self._twice == "last" else answer

    async def fetch(self, url: str) -> Answer:
        """Get a file that a document names, like the audio of `<Play>`. Raises `LineFault`."""
        return await self._follow(url, "GET", {}, str(uuid4()), None, limit=FILE_BYTES)

    async def _follow(
        self,
        url: str,
        method: str,
        parameters: Mapping[str, str],
        token: str,
        total_s: float | None,
        limit: int = DOCUMENT_BYTES,
    ) -> Answer:
        began = time.monotonic()
        web_address(url)
        patience = Patience.of(url, self._total_s if total_s is None else total_s)
        for _ in range(REDIRECTS):
            request = _Request(url, method, parameters, token, limit)
            answer, location, status = await self._ask_patiently(request, patience, began)
            if location is None:
                took_ms = (time.monotonic() - began) * 1000
                return Answer(url, status, answer[0], answer[1], took_ms)
            url = absolute(url, location)
            method = method if status in (307, 308) else "GET"
        raise LineFault(11215, f"more than {REDIRECTS} redirects")

    async def _ask_patiently(
        self, request: _Request, patience: Patience, began: float
    ) -> tuple[tuple[str | None, bytes], str | None, int]:
        for left in range(patience.retries, -1, -1):
            try:
                return await self._ask_once(request, patience, patience.total_s - (time.monotonic() - began))
            except aiohttp.ClientConnectorError as error:
                # A connection that is refused is final; one that is not answered is tried again (`rp=ct`).
                fault, kind = unconnected(error), ""
            except aiohttp.ConnectionTimeoutError:
                fault, kind = LineFault(11205, f"no connection within {patience.connect_s:g} s, asked twice"), "ct"
            except TimeoutError:
                fault, kind = LineFault(11200, f"no answer within {patience.shorter_s:g} s"), "rt"
            except aiohttp.ClientResponseError:
                fault, kind = LineFault(11206, "the answer is not HTTP"), ""
            except aiohttp.ClientError as error:
                fault, kind = LineFault(11200, f"the answer broke off ({type(error).__name__})"), ""
            except LineFault as refused:
                fault, kind = refused, f"{(refused.status or 0) // 100}xx"
            if not (left and patience.retries_on(kind)) or time.monotonic() - began >= patience.total_s:
                raise fault
        raise AssertionError("the last attempt returns or raises")

    async def _ask_once(
        self, asked: _Request, patience: Patience, left_s: float, authorization: str | None = None
    ) -> tuple[tuple[str | None, bytes], str | None, int]:
        assert self._session is not None, "use Webhooks as a context manager"
        target, form = _request(asked.url, asked.method, asked.parameters)
        connected = target if self._reach is None else self._reach.local_url(target)
        headers = self._headers(target, form, asked)
        if connected != target:
            headers["Host"] = urlsplit(target).netloc
        if authorization is not None:
            headers["Authorization"] = authorization
        request = self._session.request(
            asked.method,
            URL(connected, encoded=True),
            data=urlencode(form).encode() if asked.method == "POST" else None,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=max(0.1, left_s), sock_connect=patience.connect_s, sock_read=patience.read_s
            ),
        )
        self._pass(target, "request", urlencode(form))
        async with request as response:
            if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                return (None, b""), response.headers["Location"], response.status
            if authorization is None and (basic := _basic(asked.url, response)) is not None:
                return await self._ask_once(asked, patience, left_s, basic)
            if not 200 <= response.status < 300:
                self._pass(target, "response", "", response.status)
                raise LineFault(11200, f"the server answered HTTP {response.status}", response.status)
            body = await _read(response, asked.limit)
            self._pass(target, "response", body.decode("utf-8", "replace"), response.status)
            return (response.headers.get("Content-Type"), body), None, response.status

    def _headers(self, target: str, form: Mapping[str, str], asked: _Request) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "I-Twilio-Idempotency-Token": asked.token}
        if asked.method == "POST":
            headers["Content-Type"] = _FORM
        if self._token is not None:
            signed = target if self._sign_as is None else _moved(target, self._sign_as)
            if self._shared_key is None:
                headers["X-Twilio-Signature"] = signing.sign_webhook(self._token, signed, form.items())
            else:
                key_id, secret = self._shared_key
                headers["X-Twilio-Signature"] = signing.sign_webhook(secret, signed, form.items(), algorithm="sha256")
                headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key_id},algorithm=HMAC_SHA256"
        return headers

    def _pass(self, url: str, kind: Kind, text: str, status: int | None = None) -> None:
        if self._on_wire is not None:
            tap.webhook(self._on_wire, self._call_sid, url, kind, text, status)


_FORM: Final = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    method: str
    parameters: Mapping[str, str]
    token: str
    limit: int


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read a body, at most one byte more than Twilio takes."""
    body = bytearray()
    async for piece in response.content.iter_chunked(16384):
        body += piece
        if len(body) > limit:
            break
    return bytes(body[: limit + 1])


def _request(url: str, method: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the URL to ask and the form to send: a GET carries its parameters in the query."""
    parts = web_address(url)
    target = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    if method == "POST":
        return target, dict(parameters)
    joint = "&" if parts.query else "?"
    return f"{target}{joint}{urlencode(parameters)}", {}


def _moved(target: str, public: str) -> str:
    """Return ``target`` with the scheme and host of the public URL."""
    parts, base = urlsplit(target), urlsplit(public)
    scheme = {"ws": "http", "wss": "https"}.get(base.scheme, base.scheme)
    return parts._replace(scheme=scheme, netloc=base.netloc).geturl()


def _basic(url: str, response: aiohttp.ClientResponse) -> str | None:
    """Return what a second request says of itself: user and password of the URL, once they were asked for."""
    parts = urlsplit(url)
    challenge = response.headers.get("WWW-Authenticate", "").lower()
    if response.status != 401 or parts.username is None or not challenge.startswith("basic"):
        return None
    return aiohttp.encode_basic_auth(unquote(parts.username), unquote(parts.password or ""))
