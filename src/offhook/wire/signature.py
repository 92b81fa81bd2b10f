"""X-Twilio-Signature over webhooks and handshakes, and our one-time stream token. Pure: time and nonces are arguments.

Sources: Twilio "Webhooks security" (string to sign, HMAC-SHA1, base64) and "Secure webhooks: WebSockets". Which port
form Twilio signs is not documented for wss, and its Security page advises trying a trailing slash: `url_forms` lists
what is accepted, built only from the configured public URL, never from a Host or X-Forwarded header.
"""

from __future__ import annotations

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha1, sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from offhook.errors import BadSignature, BadStreamToken

_DEFAULT_PORT: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
#: Clocks of two replicas may differ by this much (RELIABILITY H4).
CLOCK_TOLERANCE_S: Final = 30.0


def sign(key: str, url: str, params: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature Twilio computes: ``url`` as requested, then each name and its values, sorted.

    A repeated name contributes each distinct value once, sorted; blank values contribute the bare name.
    """
    grouped: dict[str, set[str]] = {}
    for name, value in params:
        grouped.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(grouped) for value in sorted(grouped[name]))
    return b64encode(hmac.digest(key.encode(), text.encode(), sha1)).decode("ascii")


def url_forms(url: str) -> tuple[str, ...]:
    """Return the spellings of one public URL that Twilio may have signed: without and with the port, with the
    host as it is written and in small letters; for wss, each also with a trailing slash. The query stays as it is."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or _DEFAULT_PORT[parts.scheme]
    paths = [parts.path]
    if parts.scheme == "wss":
        paths.append(parts.path[:-1] if parts.path.endswith("/") else parts.path + "/")
    query = f"?{parts.query}" if parts.query else ""
    hosts = dict.fromkeys(form for name in (host, host.lower()) for form in (name, f"{name}:{port}"))
    return tuple(f"{parts.scheme}://{where}{path}{query}" for path in paths for where in hosts)


def check_signature(
    keys: Sequence[str], signature: str | None, url: str, params: Sequence[tuple[str, str]] = ()
) -> None:
    """Accept a request signed with one of ``keys`` over one form of ``url``; raise `BadSignature` otherwise.

    Every form is compared, in constant time, so that the answer does not tell which came close.
    """
    if not signature or len(signature) > 64:
        raise BadSignature(missing=not signature)
    given, good = signature.encode("utf-8", "replace"), False
    for key in keys:
        for form in url_forms(url):
            good |= hmac.compare_digest(sign(key, form, params).encode("ascii"), given)
    if not good:
        raise BadSignature(missing=False)


def refuse_web_pages(origin: str | None) -> None:
    """Where nothing is signed: refuse what a web page in a browser of this machine sends. Raises `BadSignature`.

    A page may open sockets and post forms to any address; it cannot keep the browser from naming it. Twilio, and the
    programs that stand for it, send no Origin.
    """
    if origin is not None:
        raise BadSignature(why="from a web page")


class StreamToken(NamedTuple):
    """A token bound to one call; ``nonce`` also stands in the per-call path, so that the handshake differs per call."""

    text: str
    nonce: str


def mint_stream_token(key: bytes, call_sid: str, account_sid: str, expires_at: float, nonce: str) -> StreamToken:
    """Mint a token that is valid until ``expires_at`` (Unix seconds). ``nonce`` is URL-safe and unguessable."""
    expiry = f"{int(expires_at):x}"
    return StreamToken(f"{expiry}.{nonce}.{_mac(key, expiry, nonce, call_sid, account_sid)}", nonce)


def check_stream_token(key: bytes, token: str, call_sid: str, account_sid: str, now: float) -> str:
    """Return the nonce of a valid token; raise `BadStreamToken`. ``now`` is Unix seconds.

    Self-contained, so any replica can check it; being used twice is for the caller of this function to see.
    """
    expiry, _, rest = token[:256].partition(".")
    nonce, _, mac = rest.partition(".")
    if not hmac.compare_digest(
        _mac(key, expiry, nonce, call_sid, account_sid).encode(), mac.encode("utf-8", "replace")
    ):
        raise BadStreamToken(why="forged, or minted for another call")
    if now > int(expiry, 16) + CLOCK_TOLERANCE_S:
        raise BadStreamToken(why="expired")
    return nonce


def token_key(auth_token: str) -> bytes:
    """Derive the key of stream tokens from the auth token, so that replicas share it without talking."""
    return hmac.digest(auth_token.encode(), b"offhook stream token v1", sha256)


def _mac(key: bytes, *parts: str) -> str:
    digest = hmac.digest(key, "\0".join(parts).encode("utf-8", "replace"), sha256)
    return urlsafe_b64encode(digest[:24]).decode("ascii")
