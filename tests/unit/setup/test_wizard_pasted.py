"""What is pasted comes with quotes, names, schemes and endings; what is meant is found, and nothing is made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.setup.wizard import pasted

KEY = "0123456789abcdef"
NAME = "DEEPGRAM_API_KEY"


@pytest.mark.parametrize(
    "text",
    [
        *(KEY, f" {KEY}\r\n", f'"{KEY}"', f"“{KEY}”", f"{KEY},", f"\ufeff{KEY}\u200b", f"\u00a0{KEY}"),
        *(f"{NAME}={KEY}", f"export {NAME}='{KEY}'", f"set {NAME}={KEY}", f'$env:{NAME} = "{KEY}"', f"{NAME}: {KEY}"),
        f"deepgram_api_key={KEY};",
    ],
)
def test_a_key_is_found_in_what_came_with_it(text: str):
    assert pasted.credential(text, NAME) == KEY


@pytest.mark.parametrize(
    "command", ["ngrok config add-authtoken", "./ngrok.exe authtoken", r".\ngrok config add-authtoken"]
)
def test_ngroks_token_is_found_in_the_command_that_its_pages_show(command: str):
    assert pasted.credential(f"{command} {KEY}", "NGROK_AUTHTOKEN") == KEY


@given(st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True))
def test_a_bare_key_stays_what_it_is(key: str):
    assert pasted.credential(key, NAME) == key


@pytest.mark.parametrize("text", [f"OTHER={KEY}", f"{KEY} {KEY}", f"Token {KEY}"])
def test_what_is_not_clear_is_left_for_the_form_to_refuse(text: str):
    assert pasted.credential(text, NAME) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("voice.example.com", "https://voice.example.com"),
        (" https://voice.example.com/ ", "https://voice.example.com"),
        ("http://voice.example.com", "http://voice.example.com"),
        ("wss://voice.example.com/twilio", "wss://voice.example.com/twilio"),
        ("", ""),
    ],
)
def test_an_address_gets_the_scheme_that_people_leave_away(text: str, meant: str):
    assert pasted.address(text) == meant
