"""The WebSocket upgrade as Twilio does it: exactly its headers, exactly 101, nothing negotiated. Pure text.

Source: two captures of live handshakes; Twilio's page of error 31920.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from offhook.sim.complaints import LineFault

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgrade_request(url: str, key: str, headers: Mapping[str, str]) -> bytes:
    """Return the request head for ``url`` with exactly the headers of a Twilio handshake plus ``headers``.

    A `Host` among them is the server's public name, where that is not the one connected to.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {"Host": parts.netloc.rpartition("@")[2], **headers}.items()]
    lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def check_upgrade(head: bytes, key: str) -> None:
    """Check the response head of an upgrade. Raises `LineFault` 31920: exactly 101, nothing negotiated."""
    lines = head.decode("latin-1").split("\r\n")
    fields = lines[0].split(" ", 2)
    if len(fields) < 2 or not fields[0].startswith("HTTP/") or not fields[1].isdecimal():
        raise LineFault(31920, "the answer to the upgrade is not HTTP")
    status = int(fields[1])
    if status != 101:
        raise LineFault(31920, f"the server answered HTTP {status} instead of 101", status)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()  # noqa: S324 - RFC 6455 says so
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in headers.get("connection", "").lower():
        raise LineFault(31920, "the 101 answer lacks `Upgrade: websocket`", status)
    if headers.get("sec-websocket-accept") != accept:
        raise LineFault(31920, "the 101 answer has a wrong Sec-WebSocket-Accept", status)
    if headers.get("sec-websocket-extensions"):
        raise LineFault(31920, "the server selected an extension nobody offered", status)
    if headers.get("sec-websocket-protocol"):
        raise LineFault(31920, "the server selected a subprotocol nobody offered", status)
