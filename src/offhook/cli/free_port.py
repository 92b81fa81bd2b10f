"""A port of this machine where nobody is, for an address that must be known before anybody listens. Not a reservation.

The kernel hands out ports from a range of its own (Linux 32768-60999, macOS and Windows 49152-65535, RFC 6335
section 6) to whoever asks for any port and to every outgoing connection. A port found by listening on "any" and
letting go is therefore the likeliest to be taken a moment later. Ports below that range are given to those who name
them only.
"""

from __future__ import annotations

import random
import socket

#: Above the ports of well-known servers, below what any system hands out.
NOBODYS = range(20_000, 32_000)


def free_port(family: socket.AddressFamily = socket.AF_INET, among: range = NOBODYS) -> int:
    """Return a port where nobody listens on this machine's loopback. Raises `OSError` where all are taken."""
    for port in random.sample(among, len(among)):
        if _is_free(port, family):
            return port
    raise OSError(f"every port of {among.start}-{among.stop - 1} is taken on this machine")


def _is_free(port: int, family: socket.AddressFamily) -> bool:
    with socket.socket(family) as door:
        try:
            door.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
        except OSError:
            return False
        return True
