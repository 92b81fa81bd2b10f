"""Free ports for tests that must name a port before anybody listens on it. Not for servers that can ask for port 0.

Each worker has a share of its own, and gives no port twice while another is left.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from offhook.cli import free_port as ours

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_SHARE = ours.NOBODYS[int(_WORKER) :: _WORKERS]
_GIVEN: set[int] = set()


def free_port(family: socket.AddressFamily = socket.AF_INET) -> int:
    """Return a port of this machine where nobody is, and that no other test was given."""
    for _ in _SHARE:
        port = ours.free_port(family, _SHARE)
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
    raise OSError("every port of this worker's share was given")


@contextmanager
def deaf_port() -> Iterator[int]:
    """Hold a port where nobody listens and nobody else can: whoever connects there is refused."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        yield door.getsockname()[1]
