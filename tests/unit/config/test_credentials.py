"""A key that cannot be right is recognised before anybody calls, and never repeated."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from offhook.config.deepgram import DeepgramAccess
from offhook.config.twilio import TwilioAccount

HEX32 = "0123456789abcdef0123456789abcdef"
HEX40 = HEX32 + "01234567"
SID = "AC" + HEX32


def said(part: type[DeepgramAccess | TwilioAccount], **values: str) -> str:
    with pytest.raises(ValidationError) as caught:
        part(**values)  # type: ignore[arg-type]
    for value in values.values():
        assert not value.strip() or value not in str(caught.value)
    return str(caught.value)


PLACEHOLDERS = [
    "your-key-here", "your_deepgram_api_key", "YOUR_API_KEY", "<your key>", "<key>", "xxx", "XXXXXXXX", "***", "...",
    "changeme", "paste-key-here", "deepgram_api_key", "${DEEPGRAM_API_KEY}", "$DEEPGRAM_API_KEY", "[key]", "todo",
]  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders(value):
    assert "is a placeholder" in said(DeepgramAccess, api_key=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f'"{HEX40}"', "has quotes around it"),
        (f"'{HEX40}'", "has quotes around it"),
        (f"“{HEX40}”", "has quotes around it"),
        (f" {HEX40}", "has a blank or a line break before or after it"),
        (f"{HEX40}\n", "has a blank or a line break before or after it"),
        (f"{HEX40}\r\n", "has a blank or a line break before or after it"),
        ("   ", "is blank"),
        (f"Token {HEX40}", "has the word of an Authorization header"),
        (f"Bearer {HEX40}", "has the word of an Authorization header"),
        (f"{HEX32} 01234567", "has blanks or characters in it that no key has"),
        ("ключ-deepgram-0000", "has blanks or characters in it that no key has"),
        (SID, "is a Twilio account SID"),
        ("SK" + HEX32, "is a Twilio API key SID"),
        (HEX32, "is a Twilio auth token"),
        ("sk-proj-abcdefghijklmnop", "is an OpenAI key"),
        ("sk-ant-abcdefghijklmnop", "is an Anthropic key"),
        ("AIza" + "a" * 35, "is a Google key"),
        ("eyJhbGciOi.eyJzdWIi.c2lnbmF0", "is a temporary token (JWT)"),
        ("01234567-89ab-cdef-0123-456789abcdef", "is an id (UUID)"),
        ("+441632960001", "is a phone number"),
    ],
)
def test_what_is_not_a_deepgram_key(value, expected):
    assert expected in said(DeepgramAccess, api_key=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEX40, "is a Deepgram API key"),
        (SID, "is a Twilio account SID"),
        ("SK" + HEX32, "is a Twilio API key SID"),
        ("your-auth-token", "is a placeholder"),
        (HEX32 + "\n", "has a blank or a line break"),
    ],
)
def test_what_is_not_an_auth_token(value, expected):
    assert expected in said(TwilioAccount, auth_token=value, account_sid=SID)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEX32, "is a Twilio auth token"),
        ("SK" + HEX32, "is a Twilio API key SID"),
        ("AC123", "does not have the right form"),
        ("ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "is a placeholder"),
    ],
)
def test_what_is_not_an_account_sid(value, expected):
    assert expected in said(TwilioAccount, auth_token=HEX32, account_sid=value)


def test_an_account_needs_its_sid_beside_the_token_and_a_current_token_beside_the_previous():
    assert "is missing beside TWILIO_AUTH_TOKEN" in said(TwilioAccount, auth_token=HEX32)
    assert "is set without TWILIO_AUTH_TOKEN" in said(TwilioAccount, previous_auth_token=HEX32)


def test_right_keys_pass():
    assert DeepgramAccess(api_key=HEX40).api_key is not None
    assert TwilioAccount(auth_token=HEX32, account_sid=SID).auth_tokens == (HEX32,)
