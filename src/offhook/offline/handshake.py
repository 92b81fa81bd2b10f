"""Who may open a call, and how others are refused: credentials, grants, HTTP errors. Opens nothing itself.

Voice Agent reference, "Authentication" and "Handshake failures": `Token` with an API key, `Bearer` with a granted
token, or the same two as WebSocket sub-protocols. `Bearer` with an API key is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

from aiohttp import web

#: What an API key may do: everything, everything but granting tokens, or nothing for one of three reasons.
Standing = Literal["member", "user", "no_scope", "no_access", "no_credit"]
Keys = Collection[str] | Mapping[str, Standing]


class Refusal(NamedTuple):
    """An HTTP status and the ``err_code`` of its body ("": the usual one)."""

    status: int
    err_code: str = ""


_TEXTS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("BAD_REQUEST", "Malformed upgrade request."),
    401: ("INVALID_AUTH", "Invalid credentials."),
    402: ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits."),
    403: ("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested feature."),
    404: ("NOT_FOUND", "Nothing is served at this path."),
    429: ("TOO_MANY_REQUESTS", "Too many concurrent requests."),
}
_STANDINGS: Final[Mapping[Standing, Refusal | None]] = {
    "member": None,
    "user": None,
    "no_scope": Refusal(401, "INSUFFICIENT_PERMISSIONS"),
    "no_access": Refusal(403),
    "no_credit": Refusal(402),
}
WRONG: Final = Refusal(401)
FORBIDDEN: Final = Refusal(403, "FORBIDDEN")


def read_keys(text: str) -> dict[str, Standing]:
    """Return the keys of a file: one a line, and after a space what it may do (else everything); # comments.

    Raises `ValueError` with the number of a line that is wrong, never with the key.
    """
    keys: dict[str, Standing] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, *standing = line.partition("#")[0].split()[:3] or [""]
        if not key:
            continue
        known: Standing | None = next((name for name in _STANDINGS if standing == [name]), None)
        if standing and known is None:
            raise ValueError(f"line {number}: after the key may stand one of {', '.join(_STANDINGS)}")
        keys[key] = known or "member"
    return keys


def refusal(
    status: int, request_id: str, retry_after_s: float | None = None, *, err_code: str = "", said: str = ""
) -> web.Response:
    """Return the HTTP answer that refuses, in the vendor's shape: JSON body, `dg-error`, `dg-request-id`."""
    code, text = _TEXTS.get(status, ("INTERNAL_SERVER_ERROR", "The service failed."))
    code, text = err_code or code, said or text
    headers = {"dg-error": text, "dg-request-id": request_id}
    if retry_after_s is not None:
        headers["Retry-After"] = f"{retry_after_s:g}"
    return web.json_response(
        {"err_code": code, "err_msg": text, "request_id": request_id}, status=status, headers=headers
    )


class Doorman:
    """Knows the API keys (None: any) and signs the tokens it grants. ``now`` is a clock in seconds."""

    def __init__(self, keys: Keys | None, now: Callable[[], float]) -> None:
        self._keys = keys
        self._now = now
        self._secret = secrets.token_bytes(32)

    def refuses(self, request: web.BaseRequest) -> Refusal | None:
        """Return why the request may not open a call; None where it may."""
        scheme, secret = credential(request)
        if scheme == "token":
            standing = self._standing(secret)
            return WRONG if standing is None else _STANDINGS[standing]
        return None if scheme == "bearer" and self._is_good(secret) else WRONG

    def refuses_management(self, request: web.BaseRequest) -> Refusal | None:
        """Return why the request may not manage the project: only an API key may, a granted token may not."""
        scheme, secret = credential(request)
        if scheme == "bearer" and self._is_good(secret):
            return FORBIDDEN
        standing = self._standing(secret) if scheme == "token" else None
        return WRONG if standing is None else _STANDINGS[standing]

    def grant(self, request: web.BaseRequest, ttl_s: float) -> str | Refusal:
        """Return a new token good for ``ttl_s``, or why there is none."""
        refused = self.refuses_management(request)
        if refused is not None:
            return refused
        if self._standing(credential(request)[1]) != "member":
            return FORBIDDEN
        now = self._now()
        claims = {"iat": round(now), "exp": now + ttl_s, "jti": secrets.token_hex(8), "scope": "usage:write"}
        body = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        return f"{body}.{self._signature(body)}"

    def _standing(self, secret: str) -> Standing | None:
        if self._keys is None:
            return "member" if secret else None
        for key in self._keys:
            if hmac.compare_digest(_as_sent(secret), _as_sent(key)):
                return self._keys[key] if isinstance(self._keys, Mapping) else "member"
        return None

    def _is_good(self, token: str) -> bool:
        body, _, signature = token.rpartition(".")
        if not body or not hmac.compare_digest(_as_sent(signature), self._signature(body).encode()):
            return False
        claims = json.loads(base64.urlsafe_b64decode(body.rpartition(".")[2] + "=="))
        return bool(claims["exp"] > self._now())

    def _signature(self, body: str) -> str:
        return _url_safe(hmac.digest(self._secret, _as_sent(body), hashlib.sha256))


def _as_sent(header: str) -> bytes:
    """Return the bytes of a header, which need not be text in any encoding."""
    return header.encode("utf-8", "surrogateescape")


def _part(claims: Mapping[str, Any]) -> str:
    return _url_safe(json.dumps(claims, separators=(",", ":")).encode())


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


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
