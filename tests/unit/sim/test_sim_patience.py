"""What a URL's fragment may change about how long it is waited for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.sim.patience import TOTAL_S, Patience


def test_nothing_asked_is_the_default():
    assert Patience.of("https://h/voice") == Patience()
    assert Patience().retries_on("ct")
    assert not Patience().retries_on("5xx")


def test_what_is_asked_counts_within_its_range():
    asked = Patience.of("https://h/voice#ct=2000&rt=3000&tt=4000&rc=3&rp=4xx,5xx")
    assert (asked.connect_s, asked.read_s, asked.total_s, asked.retries) == (2.0, 3.0, 4.0, 3)
    assert (asked.retries_on("4xx"), asked.retries_on("ct")) == (True, False)
    assert Patience.of("https://h/voice#rp=all").retries_on("rt")
    for out_of_range in ("ct=99", "ct=10001", "rt=15001", "tt=-1", "rc=6", "rc=x", "tt=1e3"):
        assert Patience.of(f"https://h/voice#{out_of_range}") == Patience()


@given(st.text(alphabet="ctrp=&,0123456789alx#%", max_size=40))
def test_any_fragment_stays_within_fifteen_seconds(fragment: str):
    asked = Patience.of(f"https://h/voice#{fragment}")
    assert 0 < asked.connect_s <= 10
    assert 0 < asked.read_s <= asked.total_s <= TOTAL_S
    assert 0 <= asked.retries <= 5
