"""Who may open a call, and how others are refused: credentials, grants, HTTP errors. Opens nothing itself.

Voice Agent reference, "Authentication" and "Handshake failures": `Token` with an API key, `Bearer` with a granted
token, or the same two as WebSocket sub-protocols. `Bearer` with an API key is refused.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

#: Granted tokens remembered; the oldest are forgotten.
GRANTS_KEPT: Final = 10_000

_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("BAD_REQUEST", "Malformed upgrade request."),
    401: ("INVALID_AUTH", "Invalid credentials."),
    402: ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits."),
    403: ("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested feature."),
    404: ("NOT_FOUND", "Nothing is served at this path."),
    429: ("TOO_MANY_REQUESTS", "Too many concurrent requests."),
}


def refusal(status: int, request_id: str, retry_after_s: float | None = None) -> web.Response:
    """Return the HTTP answer that refuses, in the vendor's shape: JSON body, `dg-error`, `dg-request-id`."""
    code, text = _REFUSALS.get(status, ("INTERNAL_SERVER_ERROR", "The service failed."))
    headers = {"dg-error": text, "dg-request-id": request_id}
    if retry_after_s is not None:
        headers["Retry-After"] = f"{retry_after_s:g}"
    return web.json_response(
        {"err_code": code, "err_msg": text, "request_id": request_id}, status=status, headers=headers
    )


@dataclass(slots=True)
class Doorman:
    """Knows the API keys (None: any) and the tokens it granted."""

    keys: Collection[str] | None = None
    _granted: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def admits(self, request: web.BaseRequest) -> bool:
        """Return whether the request carries a credential that is good now."""
        scheme, secret = credential(request)
        if not secret:
            return False
        if scheme == "token":
            return self._is_key(secret)
        return scheme == "bearer" and self._granted.get(secret, 0.0) > time.monotonic()

    def grant(self, request: web.BaseRequest, ttl_s: float) -> str | None:
        """Return a new token good for ``ttl_s``, or None where the API key is not good."""
        scheme, secret = credential(request)
        if scheme != "token" or not self._is_key(secret):
            return None
        token = ".".join(secrets.token_urlsafe(size) for size in (18, 48, 32))
        self._granted[token] = time.monotonic() + ttl_s
        while len(self._granted) > GRANTS_KEPT:
            self._granted.popitem(last=False)
        return token

    def _is_key(self, secret: str) -> bool:
        if self.keys is None:
            return bool(secret)
        return any(hmac.compare_digest(secret.encode(), key.encode()) for key in self.keys)


def credential(request: web.BaseRequest) -> tuple[str, str]:
    """Return the scheme in lower case and the secret, from the header or from the sub-protocols."""
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, secret = header.partition(" ")
        return scheme.lower(), secret.strip()
    offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if len(offered) >= 2:
        return offered[0].lower(), offered[1]
    return "", ""
