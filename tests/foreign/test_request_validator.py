"""H2, judged by Twilio's own RequestValidator: 10,000 generated webhooks, and each of them with one thing changed."""

from __future__ import annotations

import random
import string

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from offhook.errors import BadSignature
from offhook.wire.signature import check_signature

pytestmark = pytest.mark.foreign

_LETTERS = string.ascii_letters + string.digits
_ODD = "+ %&=/?#;:@!$'()*,~-_.\"<>\\^`{|}äöüßéñ漢字🎉\u00a0\u2028\n\t"
_NAMES = ("CallSid", "From", "To", "Digits", "SpeechResult", "callsid", "_x", "Zed", "StatusCallbackEvent", "AddOns")


def _word(chance: random.Random, letters: str, longest: int) -> str:
    return "".join(chance.choices(letters, k=chance.randint(0, longest)))


def _request(chance: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Return the URL and the form of a webhook that Twilio could send."""
    path = "/".join(_word(chance, _LETTERS + "-_.~%2B", 8) for _ in range(chance.randint(1, 4)))
    query = "&".join(f"{_word(chance, _LETTERS, 5)}={_word(chance, _LETTERS + '%+-', 8)}" for _ in range(2))
    port = chance.choice(("", ":443", ":8443"))
    url = f"https://voice.example.com{port}/{path}{chance.choice(('', '?' + query))}"
    names = [chance.choice((*_NAMES, _word(chance, _LETTERS, 6) or "n")) for _ in range(chance.randint(0, 12))]
    form = [(name, _word(chance, chance.choice((_LETTERS, _LETTERS + _ODD)), 24)) for name in names]
    return url, form


def _mutated(chance: random.Random, url: str, form: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """Change one thing that must count."""
    kind = chance.choice(("value", "add", "path", "scheme", "host"))
    if kind == "value" and form:
        at = chance.randrange(len(form))
        changed = form.copy()
        changed[at] = (form[at][0], form[at][1] + "1")
        return url, changed
    if kind == "path":
        return url + "x", form
    if kind == "scheme":
        return url.replace("https://", "http://"), form
    if kind == "host":
        return url.replace("voice.", "vo1ce."), form
    return url, [*form, (f"Extra{chance.random()}", "1")]


def _ours(key: str, url: str, form: list[tuple[str, str]], signature: str) -> bool:
    try:
        check_signature([key], signature, url, form)
    except BadSignature:
        return False
    return True


def test_h2_10_000_requests():
    chance = random.Random(20261122)
    key = "".join(chance.choices("0123456789abcdef", k=32))
    judge = RequestValidator(key)
    for n in range(10_000):
        url, form = _request(chance)
        as_seen = form.copy()
        chance.shuffle(as_seen)
        signature = judge.compute_signature(url, MultiDict(form))
        assert judge.validate(url, MultiDict(as_seen), signature), n
        assert _ours(key, url, as_seen, signature), (n, url, form)
        other_url, other_form = _mutated(chance, url, as_seen)
        assert not judge.validate(other_url, MultiDict(other_form), signature), (n, other_url)
        assert not _ours(key, other_url, other_form, signature), (n, other_url, other_form)
