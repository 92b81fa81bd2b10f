"""The judge of the REST API finds what it must: each wrong request and each wrong answer, and nothing in right ones."""

from __future__ import annotations

import json

import pytest
from tests.kit.rest.contract import FORM, Contract

ACCOUNT = "/2010-04-01/Accounts/AC" + "1" * 32
NUMBER = f"{ACCOUNT}/IncomingPhoneNumbers/PN{'2' * 32}.json"


@pytest.fixture(scope="module")
def contract(request):
    from tests.conftest import VENDOR_CONTRACTS

    if not VENDOR_CONTRACTS.is_dir():
        pytest.skip("no vendor contracts")
    return Contract(VENDOR_CONTRACTS)


@pytest.mark.parametrize(
    ("method", "target", "content_type", "body"),
    [
        ("GET", f"{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=50&PhoneNumber=%2B1415", "", ""),
        ("POST", NUMBER, FORM, "VoiceUrl=https%3A%2F%2Fa.example.com%2Fb&VoiceMethod=POST&TrunkSid="),
        (
            "POST",
            f"{ACCOUNT}/Calls.json",
            FORM,
            "To=%2B14155550123&From=%2B14155550124&StatusCallbackEvent=ringing&StatusCallbackEvent=answered&Timeout=20",
        ),
    ],
)
def test_a_right_request_is_right(contract, method, target, content_type, body):
    assert contract.request(method, target, content_type, body) == []


@pytest.mark.parametrize(
    ("method", "target", "content_type", "body", "word"),
    [
        ("GET", "/2010-04-01/Accounts/AC1/Nothing.json", "", "", "no such operation"),
        ("DELETE", f"{ACCOUNT}.json", "", "", "no such operation"),
        ("GET", "/2010-04-01/Accounts/XX1/Calls.json", "", "", "does not match"),
        ("GET", f"{ACCOUNT}/Calls.json?Limit=3", "", "", "unknown query parameter Limit"),
        ("GET", f"{ACCOUNT}/Calls.json?PageSize=many", "", "", "is no integer"),
        ("GET", f"{ACCOUNT}/Calls.json?PageSize=5000", "", "", "out of range"),
        ("POST", NUMBER, "application/json", "{}", "content type"),
        ("POST", NUMBER, FORM, "VoiceURL=x", "unknown parameter VoiceURL"),
        ("POST", NUMBER, FORM, "VoiceMethod=PUT", "none of GET, POST"),
        ("POST", NUMBER, FORM, "VoiceUrl=not+a+url", "is no uri"),
        ("POST", NUMBER, FORM, "VoiceMethod=GET&VoiceMethod=POST", "2 times"),
        ("POST", NUMBER, FORM, "VoiceCallerIdLookup=perhaps", "is no boolean"),
        ("POST", NUMBER, FORM, "TrunkSid=none", "does not match"),
        ("POST", f"{ACCOUNT}/Calls.json", FORM, "From=%2B14155550124", "lacks To"),
    ],
)
def test_a_wrong_request_is_found(contract, method, target, content_type, body, word):
    assert word in " ".join(contract.request(method, target, content_type, body))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"type": "Golden"}, "none of Trial, Full"),
        ({"sid": "AC1"}, "does not match"),
        ({"sid": 7}, "is no string"),
        ({"date_created": "2026-01-01"}, "is no date-time-rfc-2822"),
        ({"colour": "red"}, "not in the document"),
        ({"status": ...}, "is missing"),
    ],
)
def test_a_wrong_answer_is_found(contract, change, word):
    from offhook.sim.rest.accounts import show
    from offhook.sim.rest.world import Account

    account = show(Account())
    path = f"/2010-04-01/Accounts/{account['sid']}.json"
    assert contract.answer("GET", path, 200, "application/json", json.dumps(account)) == []
    changed = {name: value for name, value in {**account, **change}.items() if value is not ...}
    assert word in " ".join(contract.answer("GET", path, 200, "application/json", json.dumps(changed)))


def test_statuses_and_refusals(contract):
    path = f"{ACCOUNT}.json"
    assert "not documented" in contract.answer("GET", path, 202, "application/json", "{}")[0]
    assert "content type" in contract.answer("GET", path, 404, "text/html", "<html>")[0]
    wrong = {"code": 20404, "message": "", "more_info": "https://www.twilio.com/docs/errors/20404", "status": 400}
    assert "contradicts" in contract.answer("GET", path, 404, "application/json", json.dumps(wrong))[0]
