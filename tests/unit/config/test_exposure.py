"""Without an auth token only this machine may connect; on a platform the router must be able to."""

from __future__ import annotations

import errno

import pytest

from offhook.config import Settings
from offhook.config.exposure import Listening, cannot_listen, lacking_for_real_calls, listening
from offhook.config.server import ServerPart
from offhook.config.twilio import TwilioAccount
from offhook.errors import ConfigError

SIGNED = TwilioAccount(auth_token="0123456789abcdef0123456789abcdef", account_sid="AC" + "0" * 32)
RAILWAY = {"RAILWAY_PROJECT_ID": "x"}


def settings(host: str = "", *, signed: bool) -> Settings:
    return Settings(server=ServerPart(host=host), twilio=SIGNED if signed else TwilioAccount())


@pytest.mark.parametrize(
    ("host", "signed", "environ", "expected"),
    [
        ("", False, {}, "127.0.0.1"),
        ("::1", False, {}, "::1"),
        ("localhost", False, {}, "localhost"),
        ("", True, {}, "0.0.0.0"),
        ("127.0.0.1", True, {}, "127.0.0.1"),
        ("192.168.1.5", True, {}, "192.168.1.5"),
        ("", True, RAILWAY, "0.0.0.0"),
        ("", True, {"K_SERVICE": "x"}, "0.0.0.0"),
    ],
)
def test_where_the_server_listens(host, signed, environ, expected):
    found = listening(settings(host, signed=signed), environ)

    assert found.host == expected
    assert found.is_loopback == (expected in ("127.0.0.1", "::1", "localhost"))
    assert found.why


@pytest.mark.parametrize(
    ("host", "signed", "environ", "expected"),
    [
        ("0.0.0.0", False, {}, "server.host: is open to others although TWILIO_AUTH_TOKEN is not set"),
        ("192.168.1.5", False, {}, "server.host: is open to others although TWILIO_AUTH_TOKEN is not set"),
        ("", False, RAILWAY, "twilio.auth_token: is not set, so nothing on Railway could reach this server"),
        ("127.0.0.1", True, RAILWAY, "server.host: is this machine only, so Railway's router could not reach it"),
    ],
)
def test_what_is_refused(host, signed, environ, expected):
    with pytest.raises(ConfigError, match=expected):
        listening(settings(host, signed=signed), environ)


def test_what_a_real_call_lacks_is_named():
    lacking = lacking_for_real_calls(Settings())

    assert [line.split()[0] for line in lacking] == ["DEEPGRAM_API_KEY", "TWILIO_AUTH_TOKEN", "OFFHOOK_PUBLIC_URL"]


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EADDRINUSE, "something else listens there already; stop that"),
        (errno.EACCES, "this system does not permit it; choose a port from 1024 on"),
    ],
)
def test_why_nobody_can_listen_is_said_in_plain_words(number: int, why: str):
    assert f"cannot listen on 0.0.0.0:80: {why}" in cannot_listen(
        Listening("0.0.0.0", 80, is_loopback=False, why=""), OSError(number, "no room")
    )
