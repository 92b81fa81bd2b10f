"""X-Twilio-Signature as Twilio computes it. Signs only; it never validates, and shares nothing with the validator.

Source: Twilio, "Security" and "Secure webhooks"; the rules that pages leave open follow what live calls showed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

Pairs = Iterable[tuple[str, str]]


def webhook_url(url: str) -> str:
    """Return the text of ``url`` that Twilio signs: no user info, no fragment, no port over https.

    Over http the port stays (Voice). The query string stays exactly as written.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https":
        host = _without_port(host)
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def stream_url(url: str) -> str:
    """Return the text of a stream URL that Twilio signs: scheme ``wss``, no parameters, no query, no fragment.

    The port stays: whether Twilio drops it is undocumented, and a server must accept both forms.
    """
    parts = urlsplit(url)
    return urlunsplit(("wss", parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_port(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdigit() else host


def sign(token: str, url: str, parameters: Pairs = (), *, algorithm: str = "sha1") -> str:
    """Return the signature over ``url`` exactly as given, followed by the sorted form parameters.

    Names sort by code point; the values of a repeated name are de-duplicated and sorted.
    """
    values: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in parameters:
        values[name].add(value)
    signed = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), algorithm).digest()).decode()


def sign_webhook(token: str, url: str, parameters: Pairs = (), *, algorithm: str = "sha1") -> str:
    """Sign a form POST (with its parameters) or a GET (without: they are in the URL)."""
    return sign(token, webhook_url(url), parameters, algorithm=algorithm)


def sign_stream(token: str, url: str) -> str:
    """Sign a Media Streams handshake."""
    return sign(token, stream_url(url))


def body_digest(body: bytes) -> str:
    """Return the ``bodySHA256`` value that Twilio puts into the query of a JSON webhook."""
    return hashlib.sha256(body).hexdigest()
