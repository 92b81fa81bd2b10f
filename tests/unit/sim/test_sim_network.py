"""A telephone network by seed: what it delays arrives whole, what it loses it loses as often as it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sim.network import PROFILES, Network, Uplink

SILENT = b"\xff" * 160


def said(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") * 40 for number in range(count)]


def arrived(network: Network, frames: list[bytes], seed: int = 0) -> list[bytes | None]:
    uplink = Uplink(network, seed)
    return [frame for spoken in frames for frame in uplink.carry(spoken)]


@given(delay=st.integers(0, 20), stalls=st.floats(0, 5), seed=st.integers(0, 99))
def test_delay_and_stalls_lose_nothing_and_keep_the_order(delay: int, stalls: float, seed: int):
    frames = said(200)
    got = arrived(Network(uplink_ms=delay * 20, stalls_per_s=stalls), frames, seed)
    assert got[:delay] == [SILENT] * min(delay, len(got))
    assert got[delay:] == frames[: len(got) - delay]
    assert len(frames) - len(got) <= 6  # at most one stall is still going on


@pytest.mark.parametrize(("loss", "burst"), [(0.01, 1), (0.05, 4), (0.3, 2)])
def test_losses_are_as_many_and_as_long_as_asked_for(loss: float, burst: float):
    frames = said(40_000)
    got = arrived(Network(loss=loss, burst=burst, gaps="missing"), frames)
    lost = [frame is None for frame in got]
    runs = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    assert sum(lost) / len(lost) == pytest.approx(loss, rel=0.25)
    assert sum(lost) / runs == pytest.approx(burst, rel=0.25) if burst > 1 else runs > 0


def test_the_same_seed_is_the_same_line():
    frames = said(2000)
    assert arrived(PROFILES["poor-mobile"], frames, 5) == arrived(PROFILES["poor-mobile"], frames, 5)
    assert arrived(PROFILES["poor-mobile"], frames, 5) != arrived(PROFILES["poor-mobile"], frames, 6)


def test_a_line_without_faults_is_clear():
    assert Network().is_clear
    assert PROFILES["none"] == Network()
    assert not any(network.is_clear for name, network in PROFILES.items() if name != "none")
