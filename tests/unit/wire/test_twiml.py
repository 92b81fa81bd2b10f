"""The documents we answer with: each is well-formed, has one root, and says what it is named after."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from offhook.wire import twiml

STREAM = twiml.StreamDocument(
    stream_url="wss://voice.example.com/twilio/abcdefghijkl",
    action_url="https://voice.example.com/twilio/after",
    status_url="https://voice.example.com/twilio/stream-status",
    parameters={"token": "t", "caller": "+14155550123"},
)


def _verbs(document: str) -> list[ET.Element]:
    root = ET.fromstring(document)
    assert root.tag == "Response"
    return list(root)


def test_answer_connects_the_stream():
    (connect,) = _verbs(twiml.answer(STREAM))
    assert (connect.tag, connect.get("action"), connect.get("method")) == ("Connect", STREAM.action_url, "POST")
    (stream,) = connect
    assert stream.get("url") == STREAM.stream_url
    assert stream.get("statusCallback") == STREAM.status_url
    assert stream.get("name") == "offhook"
    assert {p.get("name"): p.get("value") for p in stream} == STREAM.parameters


def test_answer_without_action_goes_on_with_the_fallback():
    document = twiml.StreamDocument("wss://h/t", fallback=twiml.Fallback("Sorry.", "+441632960000"))
    connect, say, dial = _verbs(twiml.answer(document))
    assert connect.get("action") is None
    assert connect.get("method") is None
    assert (say.tag, say.text) == ("Say", "Sorry.")
    assert (dial.tag, dial.text, dial.get("answerOnBridge")) == ("Dial", "+441632960000", "true")


@pytest.mark.parametrize(
    ("document", "tags"),
    [
        (twiml.sorry(twiml.Fallback("Sorry.", "+441632960000")), ["Say", "Dial", "Hangup"]),
        (twiml.sorry(twiml.Fallback("Sorry.")), ["Say", "Hangup"]),
        (twiml.sorry(twiml.Fallback()), ["Hangup"]),
        (twiml.busy(), ["Reject"]),
        (twiml.say_and_hang_up("Busy."), ["Say", "Hangup"]),
        (twiml.hang_up(), ["Hangup"]),
        (twiml.ask_again("https://voice.example.com/twilio/voice?asked=1", 1), ["Pause", "Redirect"]),
    ],
)
def test_documents(document, tags):
    assert [verb.tag for verb in _verbs(document)] == tags


def test_reject_is_busy_and_redirect_is_a_post():
    assert _verbs(twiml.busy())[0].get("reason") == "busy"
    pause, redirect = _verbs(twiml.ask_again("https://h/v?a=1&b=2", 1))
    assert (pause.get("length"), redirect.get("method"), redirect.text) == ("1", "POST", "https://h/v?a=1&b=2")
