"""What the doctor says of the debugger and of TwiML: every code of streams is explained, every trap found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offhook.carrier.alerts import Alert
from offhook.setup.doctor.checks.debugger import MEANINGS, judge
from offhook.setup.doctor.traps import traps

STREAM_CODES = (
    *(31900, 31901, 31902, 31903, 31904, 31910, 31920, 31921, 31922, 31923, 31924),
    *(31930, 31931, 31941, 31950, 31951, 31952, 31953),
)
GOOD = (
    '<Response><Connect action="/after"><Stream url="wss://voice.example.com/twilio">'
    '<Parameter name="token" value="abc"/></Stream></Connect><Say>Sorry.</Say></Response>'
)


def noted(code: int) -> Alert:
    return Alert(code, "error", datetime.now(UTC), "https://voice.example.com/twilio/voice", "CA" + "1" * 32)


@pytest.mark.parametrize("code", [11200, 11205, 12100, *STREAM_CODES])
def test_every_code_is_explained_with_what_to_do(code: int) -> None:
    (finding,) = judge([noted(code), noted(code)])
    assert f"{code}, 2 times" in finding.found
    assert MEANINGS[code][0] in finding.found
    assert finding.verdict == "ok" or finding.fix


def test_an_unknown_code_is_told_all_the_same() -> None:
    (finding,) = judge([noted(99999)])
    assert (finding.verdict, finding.cause) == ("warn", "code-99999")
    assert "99999" in finding.fix


def test_many_kinds_are_told_shortly() -> None:
    told = judge([noted(code) for code in STREAM_CODES])
    assert len(told) == 9
    assert "10 more kinds" in told[-1].found


def test_a_right_document_has_no_trap() -> None:
    assert traps(GOOD) == []
    assert traps('<?xml version="1.0" encoding="UTF-8"?>\n' + GOOD) == []


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ("", "not-twiml"),
        ("<!DOCTYPE html><html></html>", "not-twiml"),
        ("<html/>", "not-twiml"),
        ("<Response/>", "no-stream"),
        (GOOD.replace("Connect", "Start"), "start-stream"),
        (GOOD.replace("<Connect", "<Gather").replace("</Connect", "</Gather"), "no-stream"),
        (GOOD.replace("wss:", "ws:"), "stream-plain"),
        (GOOD.replace("wss:", "https:"), "stream-scheme"),
        (GOOD.replace('url="wss://voice.example.com/twilio"', ""), "stream-scheme"),
        (GOOD.replace("/twilio", "/twilio?a=1"), "stream-query"),
        (GOOD.replace("<Stream", '<Stream track="both_tracks"'), "stream-track"),
        (GOOD.replace("abc", "a" * 496), "stream-parameter"),
        (GOOD.replace("<Say>Sorry.</Say>", '<Pause length="40"/>'), "trailing-pause"),
    ],
)
def test_each_trap_is_found_alone(document: str, cause: str) -> None:
    assert [trap.cause for trap in traps(document)] == [cause]
