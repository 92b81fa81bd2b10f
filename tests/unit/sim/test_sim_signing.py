"""Signatures against vectors that were made with the vendor's validator (reference, section 2.5)."""

import pytest

from offhook.sim import signing

KEY = "0123456789abcdef0123456789abcdef"
HOST = "https://bridge.example.com"
BASE = {
    "AccountSid": "AC00000000000000000000000000000001",
    "ApiVersion": "2010-04-01",
    "CallSid": "CA00000000000000000000000000000001",
    "CallStatus": "ringing",
    "Called": "+15005550006",
    "Caller": "+14155550123",
    "Direction": "inbound",
    "From": "+14155550123",
    "To": "+15005550006",
}
STREAM = "MZ00000000000000000000000000000001"
IDS = {name: BASE[name] for name in ("AccountSid", "CallSid")}
EVENTS = [("StatusCallbackEvent", event) for event in ("ringing", "answered", "answered", "completed")]
STREAM_STATUS = IDS | {
    "StreamSid": STREAM,
    "StreamName": STREAM,
    "StreamEvent": "stream-error",
    "StreamError": "31920 - handshake",
    "Timestamp": "2026-10-01T12:00:00.000Z",
}
DIGEST = "7aea5afe95ed0bee782b613a5f09756a893e641998d7a6b59dc34adc4ca84945"
JSON_BODY = b'{"event":"call.ended","callSid":"CA00000000000000000000000000000001","ok":true}'
GET = f"{HOST}/twilio/voice?AccountSid={BASE['AccountSid']}&CallSid={BASE['CallSid']}&From=%2B14155550123"

FORMS = {
    "V1": (f"{HOST}/twilio/voice", BASE.items(), "SeQ3adAywmrftdJYOUaIKSO10Og="),
    "V2": (f"{HOST}/twilio/voice?tenant=acme&lang=en-GB", BASE.items(), "FmouPB9GwHUQVRQ32ra1T5RlyLU="),
    "V3": (
        f"{HOST}/twilio/gather",
        [*BASE.items(), ("SpeechResult", "café & rôti = 100%"), ("Digits", "")],
        "QoezMAp4gaDrKzIMSnqVfLPo/ns=",
    ),
    "V4": (f"{HOST}/twilio/status", [*BASE.items(), *EVENTS], "o4OQtDqaNOFjuwqRgNOUI572bT0="),
    "V5": (GET, [], "Mcmt/P82+Q6qwLmpyncnJ+5qCkk="),
    "V6": (
        f"{HOST}/s",
        [("To", "+1"), ("to", "x"), ("Zed", "z"), ("apple", "a"), ("_u", "u")],
        "WmfahwAqqbiiOQhOZH+XOZxdOOE=",
    ),
    "V7": (f"{HOST}/twilio/json?bodySHA256={DIGEST}", [], "c6jpWnpzgV3YTuO+AYYOYP6FtCs="),
    "V8": (f"{HOST}/twilio/stream-status", STREAM_STATUS.items(), "NMFnoAmGGUpka9AMp+O6WULQJfk="),
}
STREAMS = {
    "W1": ("wss://bridge.example.com/twilio/media", "nPw+nZIzNlb4/A2jsIh3MO8SVBE="),
    "W2": ("wss://bridge.example.com/twilio/media/", "lP8QNlUTf9duPKqSrnZOFUyzdcw="),
    "W4": ("wss://bridge.example.com:443/twilio/media", "QP96xT7DgDvgPb6SPXYgR75lsas="),
    "W5": ("wss://bridge.example.com:8443/twilio/media", "Y3Rv+jz19d63Q6cvW2DaQYpTjJk="),
    "W6": ("wss://bridge.example.com", "CchJCkJQ+BMPxDGHC1HUzWRqf14="),
    "W7": ("wss://bridge.example.com/", "f8FtU6v5KReKbUDsZhmwYl3gKjU="),
    "W8": ("wss://bridge.example.com/twilio/media/tok_abc123", "mm+tHQrL85ImNhJ/vt+DHRdhUA4="),
}


@pytest.mark.parametrize("name", FORMS)
def test_form_vectors(name):
    url, parameters, signature = FORMS[name]
    assert signing.sign_webhook(KEY, url, parameters) == signature


@pytest.mark.parametrize("name", STREAMS)
def test_stream_vectors(name):
    url, signature = STREAMS[name]
    assert signing.sign_stream(KEY, url) == signature


def test_the_port_vector_is_the_text_as_given():
    assert signing.sign(KEY, f"{HOST}:443/twilio/voice", BASE.items()) == "httnUJVrJ7bY4Z5e0ZfUXhK0Cic="
    assert signing.sign_webhook(KEY, f"{HOST}:443/twilio/voice", BASE.items()) == FORMS["V1"][2]


def test_sha256_vector():
    signature = signing.sign(KEY, f"{HOST}/twilio/voice", BASE.items(), algorithm="sha256")
    assert signature == "r+bUrSxZcxo1fdlDLGhLcAwxZAB8d6OxTmR77xlU9Q0="


def test_the_vector_the_vendor_published():
    parameters = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert signing.sign_webhook("12345", url, parameters.items()) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.mark.parametrize(
    ("key", "url", "parameters"),
    [
        (KEY[:-1] + "0", f"{HOST}/twilio/voice", BASE),
        (KEY, f"{HOST}/twilio/voice", {name: BASE[name] for name in BASE if name != "Called"}),
        (KEY, "http://bridge.example.com/twilio/voice", BASE),
        (KEY, f"{HOST}/twilio/voice/", BASE),
    ],
)
def test_anything_else_has_another_signature(key, url, parameters):
    assert signing.sign_webhook(key, url, parameters.items()) != FORMS["V1"][2]


def test_a_stream_is_not_signed_as_https():
    assert signing.sign(KEY, f"{HOST}/twilio/media") == "DdXMdZVADXVH8TvZnSNY7v3igXo="
    assert signing.sign_stream(KEY, f"{HOST}/twilio/media") == STREAMS["W1"][1]


def test_the_digest_of_a_json_body():
    assert signing.body_digest(JSON_BODY) == DIGEST
    assert signing.body_digest(JSON_BODY + b" ") != DIGEST


def test_what_is_signed_of_a_url():
    assert signing.webhook_url("https://user:pass@h.example:443/p?q=%2B1#rc=2") == "https://h.example/p?q=%2B1"
    assert signing.webhook_url("http://h.example:8080/p") == "http://h.example:8080/p"
    assert signing.webhook_url("https://[2001:db8::1]/p") == "https://[2001:db8::1]/p"
    assert signing.stream_url("ws://127.0.0.1:8080/twilio?x=1") == "wss://127.0.0.1:8080/twilio"
