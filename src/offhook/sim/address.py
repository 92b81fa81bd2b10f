"""The addresses a server names, right or wrong: made absolute, and refused where nobody could ask them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from offhook.sim.complaints import LineFault

#: What stays as it is in a path and a query: all that RFC 3986 reserves, and what is encoded already.
_KEPT: Final = "%/:?#[]@!$&'()*+,;=~"


def absolute(base: str, url: str) -> str:
    """Return ``url`` as it counts from ``base``. One that cannot be read stays as it is, to be refused when asked."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def web_address(url: str) -> SplitResult:
    """Read the address of a webhook or a file; letters no request may have are encoded. Raises `LineFault` 11100."""
    parts = _parts(url, lambda why: LineFault(11100, why))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LineFault(11100, "not an http:// or https:// URL")
    return _encoded(parts)


def stream_address(url: str) -> SplitResult:
    """Read the address of a stream. Raises `LineFault` 31922 for another scheme, 31923 where it cannot be read."""
    parts = _parts(url, lambda why: LineFault(31923, why))
    if parts.scheme not in ("ws", "wss", ""):
        raise LineFault(31922, f"the scheme is {parts.scheme[:16]}; Twilio connects to wss:// only")
    if not parts.scheme or not parts.hostname:
        raise LineFault(31923, "not a ws:// or wss:// URL")
    return _encoded(parts)


def _encoded(parts: SplitResult) -> SplitResult:
    path, query, fragment = (quote(part, _KEPT, errors="replace") for part in (parts.path, parts.query, parts.fragment))
    return parts._replace(path=path, query=query, fragment=fragment)


def _parts(url: str, fault: Callable[[str], LineFault]) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise fault("a host or a port that cannot be") from None
    if port == 0 or not parts.netloc.isascii() or any(letter.isspace() for letter in parts.netloc):
        raise fault("a host or a port that cannot be")
    return parts
