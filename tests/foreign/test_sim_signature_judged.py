"""The vendor's own validator judges what the simulated Twilio signs: 10,000 forms, each also mutated."""

from __future__ import annotations

import random
import string
from urllib.parse import quote

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from offhook.sim import signing

pytestmark = pytest.mark.foreign

ALPHABET = string.ascii_letters + string.digits + "+ &=%#?/:;,._-~'\"<>äé漢😀\t\n"
REQUESTS = 10_000


class Form(MultiDict[str]):
    """The shape of a web framework's form, as the validator wants it for repeated names."""


def text(chance: random.Random, most: int) -> str:
    return "".join(chance.choice(ALPHABET) for _ in range(chance.randint(0, most)))


def url(chance: random.Random) -> str:
    host = chance.choice(["bridge.example.com", "a.b-c.example", "127.0.0.1", "h.example:8443", "h.example:8080"])
    path = "/".join(quote(text(chance, 8)) for _ in range(chance.randint(1, 4)))
    query = chance.choice(["", f"?{quote(text(chance, 6) or 'q')}={quote(text(chance, 12))}"])
    return f"{chance.choice(['https', 'http'])}://{host}/{path}{query}"


def form(chance: random.Random) -> list[tuple[str, str]]:
    names = [text(chance, 10) or "Name" for _ in range(chance.randint(0, 12))]
    pairs = [(name, text(chance, 30)) for name in names]
    if pairs and chance.random() < 0.3:
        pairs += [(pairs[0][0], text(chance, 5)), pairs[-1]]
    chance.shuffle(pairs)
    return pairs


def mutated(chance: random.Random, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    changed = list(pairs)
    where = chance.randrange(len(changed)) if changed else None
    if where is None or chance.random() < 0.3:
        return [*changed, ("Added" + text(chance, 4), "x")]
    name, value = changed[where]
    changed[where] = (name, value + chance.choice(ALPHABET))
    return changed


def test_ten_thousand_forms():
    chance = random.Random(20261122)
    for number in range(REQUESTS):
        token = "".join(chance.choice("0123456789abcdef") for _ in range(32))
        target, pairs = url(chance), form(chance)
        validator = RequestValidator(token)
        signature = signing.sign_webhook(token, target, pairs)
        assert validator.validate(target, Form(pairs), signature), f"request {number} is refused"
        wrong = mutated(chance, pairs)
        if validator.compute_signature(signing.webhook_url(target), Form(wrong)) != signature:
            assert not validator.validate(target, Form(wrong), signature), f"mutation {number} is accepted"
        assert not validator.validate(target + "x", Form(pairs), signature)
        assert not RequestValidator(token[::-1] + "0").validate(target, Form(pairs), signature)


def test_the_vendor_and_we_compute_the_same_for_streams():
    chance = random.Random(7)
    for _ in range(500):
        token = text(chance, 32) or "t"
        path = quote(text(chance, 20))
        target = f"wss://bridge.example.com/{path}"
        assert RequestValidator(token).compute_signature(target, {}) == signing.sign_stream(token, target)
        assert RequestValidator(token).validate(target, {}, signing.sign_stream(token, target))
