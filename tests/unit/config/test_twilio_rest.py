"""How the REST API is reached: keys and addresses that cannot be right are told, and regions have their edge."""

from __future__ import annotations

import pytest

from offhook.carrier.account import credentials_of
from offhook.config import load
from offhook.config.twilio import API_URL
from offhook.errors import CarrierRefused, ConfigError

ACCOUNT, KEY = "AC" + "0" * 31 + "1", "SK" + "0" * 31 + "1"
TOKEN, SECRET = "fedcba9876543210" * 2, "Zx9" + "aB3d" * 7 + "q"


def loaded(tmp_path, **environ: str):
    return load(environ=environ, folder=tmp_path).settings.twilio


def test_the_token_asks_where_there_is_no_key(tmp_path):
    twilio = loaded(tmp_path, TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN)
    credentials = credentials_of(twilio)
    assert (credentials.user, credentials.password, twilio.api_url) == (ACCOUNT, TOKEN, API_URL)


def test_a_key_asks_instead_of_the_token(tmp_path):
    environ = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": SECRET}
    both = loaded(tmp_path, **environ, TWILIO_AUTH_TOKEN=TOKEN)
    for twilio in (both, loaded(tmp_path, **environ)):
        credentials = credentials_of(twilio)
        assert (credentials.account_sid, credentials.user, credentials.password) == (ACCOUNT, KEY, SECRET)
        assert credentials.is_api_key
        assert SECRET not in repr(credentials) + repr(twilio)


def test_without_credentials_it_is_said_where_they_are(tmp_path):
    with pytest.raises(CarrierRefused, match="console"):
        credentials_of(loaded(tmp_path))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TWILIO_API_KEY": KEY}, "belong together"),
        ({"TWILIO_API_SECRET": SECRET}, "belong together"),
        ({"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": SECRET}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_API_KEY": ACCOUNT, "TWILIO_API_SECRET": SECRET}, "Twilio account SID"),
        ({"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": SECRET}, "right form"),
        ({"TWILIO_API_URL": "api.twilio.com"}, "https://"),
        ({"TWILIO_API_URL": "https://api.twilio.com/2010-04-01"}, "ends after the host"),
        ({"TWILIO_API_URL": "http://api.example.com"}, "unencrypted"),
        ({"TWILIO_API_URL": "https://api.ie1.twilio.com"}, "without its edge"),
    ],
)
def test_what_cannot_be_right_is_told(tmp_path, environ, said):
    with pytest.raises(ConfigError) as wrong:
        loaded(tmp_path, **environ)
    assert said in str(wrong.value)
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize("url", ["https://api.dublin.ie1.twilio.com", "http://127.0.0.1:8000/", "http://localhost:1"])
def test_regions_and_this_machine_are_taken(tmp_path, url):
    assert loaded(tmp_path, TWILIO_API_URL=url).api_url == url.rstrip("/")
