"""Addresses as servers write them: what cannot be asked is refused with the vendor's code, and is no error of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sim.address import absolute, stream_address, web_address
from offhook.sim.complaints import LineFault

NONSENSE = ("http://[::1", "http://h:99999/", "http://h:0/", "http://h:x/", "http://a b/", "http://", "", "x", "//")


@pytest.mark.parametrize("url", [*NONSENSE, "ftp://h/", "ws://h/", "mailto:x"])
def test_what_no_webhook_can_be(url):
    with pytest.raises(LineFault) as refused:
        web_address(url)
    assert refused.value.code == 11100


@pytest.mark.parametrize(
    ("url", "code"),
    [
        *((url.replace("http", "ws"), 31923) for url in NONSENSE),
        ("http://h/", 31922),
        ("https://h/", 31922),
        ("x:y", 31922),
    ],
)
def test_what_no_stream_can_be(url, code):
    with pytest.raises(LineFault) as refused:
        stream_address(url)
    assert refused.value.code == code


def test_what_is_written_well_stays_as_it_is():
    for url in ("https://u:p@h:8443/a%20b;c?x=%2B1&y=a+b#rc=2", "http://127.0.0.1", "http://[::1]:80/"):
        assert web_address(url).geturl() == url
    assert web_address(" http://h/é a?ü=\n1 ").geturl() == "http://h/%C3%A9%20a?%C3%BC=1"
    assert stream_address("wss://h/tök").geturl() == "wss://h/t%C3%B6k"
    assert absolute("https://h/a/b?c", "d") == "https://h/a/d"


BEGINNINGS = st.sampled_from(
    ["http://", "https://h", "ws://h:", "wss://[::1]/", "http://u:p@h/", "//", "/", "", *NONSENSE]
)
TEXTS = st.builds(str.__add__, BEGINNINGS, st.text(st.characters()) | st.text("[]:/?#@ %é9"))


@given(base=TEXTS, url=TEXTS)
def test_any_text_at_all(base, url):
    for read in (web_address, stream_address):
        try:
            parts = read(absolute(base, url))
        except LineFault:
            continue
        assert parts.hostname
        assert parts.geturl().isascii()
