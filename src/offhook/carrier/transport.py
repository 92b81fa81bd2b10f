"""Carries the SDK's requests: to our base URL, with deadlines, repeated while Twilio is busy. Builds none itself.

The SDK makes and reads every request; it runs its asynchronous methods on this transport, so nothing blocks the event
loop and a deadline or Ctrl-C really ends what is under way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from yarl import URL

from offhook.carrier.answers import NOT_TWILIO
from offhook.carrier.failures import failure
from offhook.errors import CarrierBusy, CarrierError, CarrierUnavailable

#: The first pause after a 429, doubled each time; Twilio's own `Retry-After` comes first.
PAUSE_S: Final = 0.5
PAUSE_MAX_S: Final = 8.0
#: What a page of the API may weigh.
ANSWER_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Deadlines:
    """One request, and one request with all its repetitions, in seconds."""

    request_s: float
    total_s: float


USUAL: Final = Deadlines(request_s=10.0, total_s=30.0)


class Transport(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types here
    """The SDK's HTTP client. Answers of 400 and more are raised as `CarrierError`, never given to the SDK."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, deadlines: Deadlines) -> None:
        super().__init__(logging.getLogger("offhook.carrier.unused"), True)
        self._session = session
        self._api_url = api_url
        self._deadlines = deadlines

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - deadlines come from the settings
        allow_redirects: bool = False,  # noqa: ARG002 - the API has none
    ) -> Response:
        """Send one request and return the answer; raise CarrierError for every other outcome."""
        target = moved(uri, self._api_url)
        if params:
            joint = "&" if urlsplit(target).query else "?"
            target += joint + urlencode(params, doseq=True)
        body = urlencode(data, doseq=True).encode() if data is not None and method.upper() != "GET" else None
        named = {**(headers or {}), **({"Content-Type": _FORM} if body is not None else {})}
        login = aiohttp.encode_basic_auth(*auth) if auth else None
        if login:
            named["Authorization"] = login
        try:
            async with asyncio.timeout(self._deadlines.total_s):
                return await self._patiently(method.upper(), target, named, body)
        except TimeoutError:
            raise CarrierBusy(
                f"Twilio had too many requests for {self._deadlines.total_s:g} s; try again in a minute.",
                status=429,
                code=20429,
            ) from None

    async def _patiently(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Send until the answer is not 429, which means that the request was not carried out."""
        pause_s = PAUSE_S
        while True:
            try:
                return await self._once(method, target, headers, body)
            except CarrierBusy as busy:
                told = busy.facts.get("retry_after_s")
                # jitter: everybody who was refused at once must not come back at once
                await asyncio.sleep(float(told) if told else pause_s * random.uniform(0.5, 1.0))  # noqa: S311
                pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _once(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        try:
            async with (
                asyncio.timeout(self._deadlines.request_s),
                self._session.request(
                    method, URL(target, encoded=True), data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                text = (await _read(answer)).decode("utf-8", "replace")
                status, told = answer.status, answer.headers
        except TimeoutError:
            raise CarrierUnavailable(
                f"Twilio did not answer within {self._deadlines.request_s:g} s; check this machine's connection."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _unreached(error) from None
        if 300 <= status < 400:
            raise CarrierUnavailable("Something redirects the requests to Twilio; check TWILIO_API_URL.", status=status)
        if status >= 400:
            raise _refused(status, text, told)
        if status != 204 and not _is_json(text):
            raise CarrierUnavailable(NOT_TWILIO)
        return Response(status, text, told)


_FORM: Final = "application/x-www-form-urlencoded"


def moved(url: str, api_url: str) -> str:
    """Return where ``url`` of the SDK is asked: Twilio's host, or the same path at our base URL.

    Beside Twilio's own regional hosts a product keeps its name: monitor.dublin.ie1.twilio.com.
    """
    asked, base = urlsplit(url), urlsplit(api_url)
    product = (asked.hostname or "").split(".")[0]
    host = base.netloc
    if host.startswith("api.") and host.endswith(".twilio.com"):
        host = f"{product}.{host.removeprefix('api.')}"
    return urlunsplit((base.scheme, host, asked.path, asked.query, ""))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(65536):
        body += piece
        if len(body) > ANSWER_BYTES:
            raise CarrierUnavailable(NOT_TWILIO)
    return bytes(body)


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _refused(status: int, text: str, headers: Mapping[str, str]) -> CarrierError:
    """Return the error for an answer of 400 and more, in either of Twilio's two forms."""
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    code = said.get("code") if isinstance(said, dict) else None
    error = failure(status, code if isinstance(code, int) else None)
    if isinstance(error, CarrierBusy) and (after := headers.get("Retry-After", "")).isdecimal():
        error.facts["retry_after_s"] = min(int(after), 60) or None
    return error


def _unreached(error: Exception) -> CarrierUnavailable:
    """Return the error for a request that got no answer; it may have been carried out all the same."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            why = "its certificate cannot be checked; is a proxy in between, or the clock wrong?"
        case aiohttp.ClientConnectorDNSError():
            why = "its name cannot be looked up; check this machine's connection and TWILIO_API_URL."
        case aiohttp.ClientConnectorError():
            why = "there is no connection; check this machine's network and TWILIO_API_URL."
        case _:
            why = "the connection was broken off; try again."
    return CarrierUnavailable(f"Twilio cannot be reached: {why}")
