"""A free port is one that nobody has and that the kernel will give to nobody else."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from offhook.cli.free_port import NOBODYS, free_port


def test_somebody_who_names_it_can_listen_there():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_a_port_that_is_taken_is_passed_over():
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        assert free_port(among=range(port, port + 1 + 20)) != port


def test_where_all_are_taken_it_says_so():
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="every port of"):
            free_port(among=range(port, port + 1))


def test_the_kernel_gives_none_of_them_to_an_outgoing_connection():
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not told.exists():
        pytest.skip("this system does not say which ports it hands out")
    lowest = int(told.read_text().split()[0])
    if lowest < 32_768:
        pytest.skip("this machine's owner has widened the range that the kernel hands out")
    assert lowest >= NOBODYS.stop
