"""Asks a server's webhooks as Twilio does: signed form POST or GET, its time limits, its codes. Runs no TwiML."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from offhook.sim import signing, tap
from offhook.sim.complaints import LineFault
from offhook.sim.reach import Reach
from offhook.sim.twiml import DOCUMENT_BYTES
from offhook.trace import Kind, OnEntry

USER_AGENT: Final = "TwilioProxy/1.1"
#: Twilio: 5 s per attempt to connect, two attempts, 15 s for everything.
CONNECT_S: Final = 5.0
ATTEMPTS: Final = 2
TOTAL_S: Final = 15.0
REDIRECTS: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered with 2xx."""

    url: str
    status: int
    content_type: str | None
    body: bytes
    took_ms: float


class Webhooks:
    """Asks webhooks for one call. ``auth_token=None`` asks unsigned. Use as an async context manager."""

    def __init__(
        self,
        auth_token: str | None,
        *,
        sign_as: str | None = None,
        wrong_signature: bool = False,
        on_wire: OnEntry | None = None,
        call_sid: str = "",
        reach: Reach | None = None,
    ) -> None:
        self._reach = reach
        self._on_wire = on_wire
        self._call_sid = call_sid
        self._token = auth_token if auth_token is None or not wrong_signature else auth_token[::-1] + "x"
        self._sign_as = sign_as
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=TOTAL_S)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=True, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, url: str, method: str, parameters: Mapping[str, str], *, total_s: float = TOTAL_S) -> Answer:
        """Ask a webhook and follow its redirects. Raises `LineFault` 11100, 11200, 11205 or 11215."""
        began = time.monotonic()
        token = str(uuid4())
        for _ in range(REDIRECTS):
            left_s = total_s - (time.monotonic() - began)
            answer, location, status = await self._ask_patiently(url, method, parameters, token, left_s)
            if location is None:
                took_ms = (time.monotonic() - began) * 1000
                return Answer(url, status, answer[0], answer[1], took_ms)
            url = urljoin(url, location)
            method = method if status in (307, 308) else "GET"
        raise LineFault(11215, f"more than {REDIRECTS} redirects")

    async def _ask_patiently(
        self, url: str, method: str, parameters: Mapping[str, str], token: str, left_s: float
    ) -> tuple[tuple[str | None, bytes], str | None, int]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._ask_once(url, method, parameters, token, left_s)
            except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
                # Twilio retries what could not be connected (`rc=1`, `rp=ct`), nothing else.
                if attempt == ATTEMPTS or not isinstance(error, aiohttp.ConnectionTimeoutError):
                    raise LineFault(11205, _why_unconnected(error)) from None
            except TimeoutError:
                raise LineFault(11200, f"no answer within {TOTAL_S:g} s") from None
            except aiohttp.ClientError as error:
                raise LineFault(11200, f"the answer broke off ({type(error).__name__})") from None
        raise AssertionError("the last attempt returns or raises")

    async def _ask_once(
        self, url: str, method: str, parameters: Mapping[str, str], token: str, left_s: float
    ) -> tuple[tuple[str | None, bytes], str | None, int]:
        assert self._session is not None, "use Webhooks as a context manager"
        target, form = _request(url, method, parameters)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "I-Twilio-Idempotency-Token": token}
        if self._token is not None:
            signed = target if self._sign_as is None else _moved(target, self._sign_as)
            headers["X-Twilio-Signature"] = signing.sign_webhook(self._token, signed, form.items())
        connected = target if self._reach is None else self._reach.local_url(target)
        if connected != target:
            headers["Host"] = urlsplit(target).netloc
        request = self._session.request(
            method,
            URL(connected, encoded=True),
            data=urlencode(form).encode() if method == "POST" else None,
            headers={**headers, **({"Content-Type": _FORM} if method == "POST" else {})},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=max(0.1, left_s), sock_connect=CONNECT_S),
        )
        self._pass(target, "request", urlencode(form))
        async with request as response:
            if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                return (None, b""), response.headers["Location"], response.status
            if not 200 <= response.status < 300:
                self._pass(target, "response", "", response.status)
                raise LineFault(11200, f"the server answered HTTP {response.status}", response.status)
            body = await _read(response)
            self._pass(target, "response", body.decode("utf-8", "replace"), response.status)
            return (response.headers.get("Content-Type"), body), None, response.status

    def _pass(self, url: str, kind: Kind, text: str, status: int | None = None) -> None:
        if self._on_wire is not None:
            tap.webhook(self._on_wire, self._call_sid, url, kind, text, status)


_FORM: Final = "application/x-www-form-urlencoded; charset=UTF-8"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read a body, at most one byte more than Twilio takes."""
    body = bytearray()
    async for piece in response.content.iter_chunked(16384):
        body += piece
        if len(body) > DOCUMENT_BYTES:
            break
    return bytes(body[: DOCUMENT_BYTES + 1])


def _request(url: str, method: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the URL to ask and the form to send: a GET carries its parameters in the query."""
    target = urldefrag(url).url
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LineFault(11100, "not an http:// or https:// URL")
    if method == "POST":
        return target, dict(parameters)
    joint = "&" if parts.query else "?"
    return f"{target}{joint}{urlencode(parameters)}", {}


def _moved(target: str, public: str) -> str:
    """Return ``target`` with the scheme and host of the public URL."""
    parts, base = urlsplit(target), urlsplit(public)
    scheme = {"ws": "http", "wss": "https"}.get(base.scheme, base.scheme)
    return parts._replace(scheme=scheme, netloc=base.netloc).geturl()


def _why_unconnected(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {ATTEMPTS} × {CONNECT_S:g} s"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is unknown"
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return "nothing listens there"
    return "no connection"
