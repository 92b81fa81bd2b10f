"""X-Twilio-Signature against published and derived vectors, and the one-time stream token."""

from __future__ import annotations

import pytest

from offhook.errors import BadSignature, BadStreamToken
from offhook.wire.signature import (
    CLOCK_TOLERANCE_S,
    check_signature,
    check_stream_token,
    mint_stream_token,
    sign,
    token_key,
    url_forms,
)

KEY = "0123456789abcdef0123456789abcdef"
HOST = "https://bridge.example.com"
BASE = [
    ("AccountSid", "AC00000000000000000000000000000001"),
    ("ApiVersion", "2010-04-01"),
    ("CallSid", "CA00000000000000000000000000000001"),
    ("CallStatus", "ringing"),
    ("Called", "+15005550006"),
    ("Caller", "+14155550123"),
    ("Direction", "inbound"),
    ("From", "+14155550123"),
    ("To", "+15005550006"),
]
STREAM_STATUS = [
    ("AccountSid", "AC00000000000000000000000000000001"),
    ("CallSid", "CA00000000000000000000000000000001"),
    ("StreamSid", "MZ00000000000000000000000000000001"),
    ("StreamName", "MZ00000000000000000000000000000001"),
    ("StreamEvent", "stream-error"),
    ("StreamError", "31920 - handshake"),
    ("Timestamp", "2026-10-01T12:00:00.000Z"),
]
V5 = (
    f"{HOST}/twilio/voice?AccountSid=AC00000000000000000000000000000001"
    "&CallSid=CA00000000000000000000000000000001&From=%2B14155550123"
)
V7 = f"{HOST}/twilio/json?bodySHA256=7aea5afe95ed0bee782b613a5f09756a893e641998d7a6b59dc34adc4ca84945"
VECTORS = [
    ("V1", f"{HOST}/twilio/voice", BASE, "SeQ3adAywmrftdJYOUaIKSO10Og="),
    ("V2", f"{HOST}/twilio/voice?tenant=acme&lang=en-GB", BASE, "FmouPB9GwHUQVRQ32ra1T5RlyLU="),
    (
        "V3",
        f"{HOST}/twilio/gather",
        [*BASE, ("SpeechResult", "café & rôti = 100%"), ("Digits", "")],
        "QoezMAp4gaDrKzIMSnqVfLPo/ns=",
    ),
    (
        "V4",
        f"{HOST}/twilio/status",
        [*BASE, *(("StatusCallbackEvent", e) for e in ("ringing", "answered", "answered", "completed"))],
        "o4OQtDqaNOFjuwqRgNOUI572bT0=",
    ),
    ("V5", V5, [], "Mcmt/P82+Q6qwLmpyncnJ+5qCkk="),
    (
        "V6",
        f"{HOST}/s",
        [("To", "+1"), ("to", "x"), ("Zed", "z"), ("apple", "a"), ("_u", "u")],
        "WmfahwAqqbiiOQhOZH+XOZxdOOE=",
    ),
    ("V7", V7, [], "c6jpWnpzgV3YTuO+AYYOYP6FtCs="),
    ("V8", f"{HOST}/twilio/stream-status", STREAM_STATUS, "NMFnoAmGGUpka9AMp+O6WULQJfk="),
    ("V9", f"{HOST}:443/twilio/voice", BASE, "httnUJVrJ7bY4Z5e0ZfUXhK0Cic="),
    ("W1", "wss://bridge.example.com/twilio/media", [], "nPw+nZIzNlb4/A2jsIh3MO8SVBE="),
    ("W2", "wss://bridge.example.com/twilio/media/", [], "lP8QNlUTf9duPKqSrnZOFUyzdcw="),
    ("W4", "wss://bridge.example.com:443/twilio/media", [], "QP96xT7DgDvgPb6SPXYgR75lsas="),
    ("W5", "wss://bridge.example.com:8443/twilio/media", [], "Y3Rv+jz19d63Q6cvW2DaQYpTjJk="),
    ("W6", "wss://bridge.example.com", [], "CchJCkJQ+BMPxDGHC1HUzWRqf14="),
    ("W7", "wss://bridge.example.com/", [], "f8FtU6v5KReKbUDsZhmwYl3gKjU="),
    ("W8", "wss://bridge.example.com/twilio/media/tok_abc123", [], "mm+tHQrL85ImNhJ/vt+DHRdhUA4="),
]


@pytest.mark.parametrize(("name", "url", "params", "signature"), VECTORS, ids=[v[0] for v in VECTORS])
def test_vectors(name, url, params, signature):
    assert sign(KEY, url, params) == signature
    assert sign(KEY, url, params[::-1]) == signature, "the order of parameters must not matter"
    check_signature([KEY], signature, url, params)


def test_p1_published_by_twilio():
    params = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234")]
    params += [("From", "+14158675310"), ("To", "+18005551212")]
    assert sign("12345", "https://example.com/myapp.php?foo=1&bar=2", params) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


class TestFormsOfOneUrl:
    """Twilio documents neither which port form it signs for wss nor whether a trailing slash counts."""

    @pytest.mark.parametrize("vector", ["W1", "W2", "W4"])
    def test_a_stream_is_accepted_in_each_documented_form(self, vector):
        signature = next(v[3] for v in VECTORS if v[0] == vector)
        check_signature([KEY], signature, "wss://bridge.example.com/twilio/media")
        check_signature([KEY], signature, "wss://bridge.example.com/twilio/media/")
        check_signature([KEY], signature, "wss://bridge.example.com:443/twilio/media")

    @pytest.mark.parametrize("vector", ["W6", "W7"])
    def test_a_stream_at_the_root(self, vector):
        signature = next(v[3] for v in VECTORS if v[0] == vector)
        check_signature([KEY], signature, "wss://bridge.example.com/")

    def test_another_port_is_another_address(self):
        signature = next(v[3] for v in VECTORS if v[0] == "W5")
        with pytest.raises(BadSignature):
            check_signature([KEY], signature, "wss://bridge.example.com/twilio/media")

    @pytest.mark.parametrize("vector", ["V1", "V9"])
    def test_a_webhook_with_and_without_its_port(self, vector):
        signature = next(v[3] for v in VECTORS if v[0] == vector)
        check_signature([KEY], signature, f"{HOST}/twilio/voice", BASE)
        check_signature([KEY], signature, f"{HOST}:443/twilio/voice", BASE)

    def test_a_webhook_has_no_slash_form(self):
        assert all(not form.endswith("/") for form in url_forms(f"{HOST}/twilio/voice"))

    def test_ipv6_keeps_its_brackets(self):
        assert url_forms("http://[::1]:8080/twilio/voice") == (
            "http://[::1]/twilio/voice",
            "http://[::1]:8080/twilio/voice",
        )

    @pytest.mark.parametrize("host", ["Voice.Example.com", "voice.example.com"])
    def test_a_host_as_it_is_written_and_in_small_letters(self, host):
        for port in ("", ":443"):
            signed = sign(KEY, f"https://{host}{port}/v", BASE)
            check_signature([KEY], signed, "https://Voice.Example.com/v", BASE)
        with pytest.raises(BadSignature):
            check_signature([KEY], sign(KEY, "https://VOICE.example.com/v", BASE), "https://Voice.Example.com/v", BASE)

    def test_the_query_stays_as_written(self):
        assert url_forms(f"{HOST}/v?a=%2B&b=+&a=1")[0] == f"{HOST}/v?a=%2B&b=+&a=1"


class TestH1Refused:
    V1 = "SeQ3adAywmrftdJYOUaIKSO10Og="

    @pytest.mark.parametrize(
        ("keys", "url", "params"),
        [
            ([KEY[::-1]], f"{HOST}/twilio/voice", BASE),
            ([], f"{HOST}/twilio/voice", BASE),
            ([KEY], f"{HOST}/twilio/voice", [p for p in BASE if p[0] != "Called"]),
            ([KEY], f"{HOST}/twilio/voice", [*BASE, ("Extra", "")]),
            ([KEY], "http://bridge.example.com/twilio/voice", BASE),
            ([KEY], f"{HOST}/twilio/voice/", BASE),
            ([KEY], f"{HOST}/twilio/voice?", [*BASE, ("x", "y")]),
            ([KEY], "https://other.example.com/twilio/voice", BASE),
            ([KEY], f"{HOST}:8443/twilio/voice", [*BASE, ("From", "+1")]),
        ],
    )
    def test_anything_changed(self, keys, url, params):
        with pytest.raises(BadSignature):
            check_signature(keys, self.V1, url, params)

    def test_v7_body_with_one_extra_space(self):
        """The body of a JSON webhook is covered by a hash in the URL; another body has another hash."""
        signature = next(v[3] for v in VECTORS if v[0] == "V7")
        with pytest.raises(BadSignature):
            check_signature([KEY], signature, V7[:-64] + "0" * 64)

    def test_w3_is_not_a_stream(self):
        with pytest.raises(BadSignature):
            check_signature([KEY], "DdXMdZVADXVH8TvZnSNY7v3igXo=", "wss://bridge.example.com/twilio/media")

    @pytest.mark.parametrize(
        "signature",
        [None, "", " ", V1 + " ", " " + V1, V1.rstrip("="), V1.swapcase(), "x" * 10_000, "é" * 28, "\0" * 28],
    )
    def test_missing_empty_long_and_odd(self, signature):
        with pytest.raises(BadSignature) as caught:
            check_signature([KEY], signature, f"{HOST}/twilio/voice", BASE)
        assert self.V1 not in str(caught.value)
        assert KEY not in str(caught.value)

    def test_h6_two_keys_while_rotating(self):
        check_signature(["f" * 32, KEY], self.V1, f"{HOST}/twilio/voice", BASE)
        with pytest.raises(BadSignature):
            check_signature(["f" * 32], self.V1, f"{HOST}/twilio/voice", BASE)

    def test_values_that_are_moved_between_neighbours_differ(self):
        """The string to sign has no separators; distinct de-duplication must not make two forms one."""
        one, other = [("a", "1"), ("a", "2")], [("a", "1"), ("a", "2"), ("a", "2")]
        assert sign(KEY, HOST, one) == sign(KEY, HOST, other), "documented: repeated equal values count once"
        assert sign(KEY, HOST, [("a", "12")]) != sign(KEY, HOST, one)


class TestH4StreamToken:
    CALL, ACCOUNT, NOW = "CA" + "1" * 32, "AC" + "2" * 32, 1_800_000_000.0
    key = token_key(KEY)

    def _mint(self, **changed):
        facts = {"key": self.key, "call_sid": self.CALL, "account_sid": self.ACCOUNT, "expires_at": self.NOW + 60}
        return mint_stream_token(**{**facts, "nonce": "n0nce-n0nce_", **changed})

    def _check(self, token, **changed):
        facts = {"key": self.key, "call_sid": self.CALL, "account_sid": self.ACCOUNT, "now": self.NOW}
        return check_stream_token(**{**facts, "token": token, **changed})

    def test_a_fresh_one(self):
        token = self._mint()
        assert self._check(token.text) == token.nonce == "n0nce-n0nce_"

    @pytest.mark.parametrize(
        "changed", [{"call_sid": "CA" + "3" * 32}, {"account_sid": "AC" + "3" * 32}, {"key": b"k"}]
    )
    def test_for_another_call_account_or_secret(self, changed):
        with pytest.raises(BadStreamToken):
            self._check(self._mint().text, **changed)

    def test_skew_of_30_s_is_tolerated_and_no_more(self):
        token = self._mint().text
        self._check(token, now=self.NOW + 60 + CLOCK_TOLERANCE_S)
        self._check(token, now=self.NOW - 300)  # a replica whose clock is behind: the token is not yet old
        with pytest.raises(BadStreamToken):
            self._check(token, now=self.NOW + 61 + CLOCK_TOLERANCE_S)

    def test_every_single_character_counts(self):
        text = self._mint().text
        for at, was in enumerate(text):
            forged = text[:at] + ("x" if was != "x" else "y") + text[at + 1 :]
            with pytest.raises(BadStreamToken):
                self._check(forged)

    @pytest.mark.parametrize(
        "text", ["", ".", "..", "...", "0.n.", "zz.n.m", "x" * 10_000, "é.é.é", "\0.\0.\0", "-1.n.m"]
    )
    def test_garbage(self, text):
        with pytest.raises(BadStreamToken) as caught:
            self._check(text)
        assert not text.strip(".") or text not in str(caught.value)

    def test_a_longer_life_cannot_be_written_in(self):
        expiry, nonce, mac = self._mint().text.split(".")
        with pytest.raises(BadStreamToken):
            self._check(f"{int(expiry, 16) + 3600:x}.{nonce}.{mac}")

    def test_parts_cannot_be_shifted_over_their_borders(self):
        expiry, nonce, mac = self._mint().text.split(".")
        with pytest.raises(BadStreamToken):
            self._check(f"{expiry[:-1]}.{expiry[-1]}{nonce}.{mac}")

    def test_h6_the_key_follows_the_auth_token(self):
        assert token_key(KEY) == token_key(KEY) != token_key(KEY[::-1])
        assert KEY.encode() not in token_key(KEY)
