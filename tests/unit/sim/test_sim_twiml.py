"""TwiML documents as strictly as Twilio reads them."""

import pytest

from offhook.sim.complaints import CATALOGUE, LineFault
from offhook.sim.grammar import NESTED, VALUES
from offhook.sim.twiml import parse

XML = "text/xml"


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", XML, 11770),
        (b"<Response/>" + b" " * 65536, XML, 11750),
        (b"<Response/>", "text/html", 12300),
        (b"<Response/>", "application/json", 12300),
        (b"<Response/>", None, 12300),
        (b' <?xml version="1.0"?><Response/>', XML, 12100),
        (b"<Response><Say>a & b</Say></Response>", XML, 12100),
        (b"<Response><Say>unclosed</Response>", XML, 12100),
        (b"<Response/>trailing", XML, 12100),
        (b"<!DOCTYPE html><html></html>", XML, 12100),
        (b"just words", XML, 12100),
        (b"<response/>", XML, 12102),
        (b"<Say>hi</Say>", XML, 12102),
        (b"\xff\xfe\x00garbage", XML, 12100),
        (b'<?xml version="1.0" encoding="no-such"?><Response/>', XML, 12100),
        (b'<?xml version="1.0" encoding="shift_jis"?><Response/>', XML, 12100),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE Response><Response/>'.encode("utf-16"), XML, 12100),
        (b"<Response>" + b"<Say>" * 5000 + b"</Say>" * 5000 + b"</Response>", XML, 12100),
    ],
)
def test_a_document_twilio_would_refuse(body, content_type, code):
    with pytest.raises(LineFault) as refused:
        parse(body, content_type)
    assert refused.value.code == code


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "text/xml; charset=utf-8", "Text/XML"])
def test_both_content_types_are_taken(content_type):
    assert parse(b"<Response/>", content_type).verbs == ()


def test_verbs_nouns_and_parameters():
    document = parse(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><!-- hello -->'
        b'<Connect action="/after"><Stream url="wss://h/s" name="n"><Parameter name="a" value="b&amp;c"/></Stream>'
        b"</Connect><Say> Sorry. </Say></Response>",
        XML,
    )
    connect, say = document.verbs
    stream = connect.child("Stream")
    assert (connect.name, connect.attributes) == ("Connect", {"action": "/after"})
    assert stream is not None
    assert stream.attributes == {"url": "wss://h/s", "name": "n"}
    assert stream.children[0].attributes == {"name": "a", "value": "b&c"}
    assert (say.name, say.text) == ("Say", "Sorry.")
    assert document.warnings == ()


def test_what_is_unknown_is_a_warning_and_ignored():
    document = parse(
        b'<Response><Conect/><Connect><Stream Url="wss://h/s" track="inbound_track"/></Connect></Response>', XML
    )
    assert tuple(warned.text for warned in document.warnings) == (
        "<Stream> has an unknown attribute `Url`",
        "unknown verb `Conect`",
    )


def test_names_from_outside_are_shortened():
    document = parse(b"<Response><" + b"x" * 100 + b"/></Response>", XML)
    assert tuple(warned.text for warned in document.warnings) == ("unknown verb `" + "x" * 40 + "`",)


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ('<Gather numDigits="0" timeout="x" finishOnKey="a"><Dial/></Gather>', [13310, 13313, 13314, 13320]),
        ('<Gather timeout="auto"><Say loop="-1">x</Say></Gather>', [13510]),
        ('<Dial timeout="x" timeLimit="y" hangupOnStar="yes"/>', [13212, 13213, 13216]),
        ('<Dial><Number method="PUT" sendDigits="x">+1</Number></Dial>', [13221, 13222]),
        ('<Dial><Conference beep="loud" muted="1">x</Conference></Dial>', [13230, 13235]),
        ('<Record maxLength="0" timeout="-1" playBeep="no" finishOnKey="z"/>', [13611, 13612, 13613, 13616]),
        ('<Play loop="x">/a</Play><Pause length="1.5"/><Redirect method="PUT">/a</Redirect>', [13410, 13710, 13910]),
        ('<Reject reason="later"/><Connect><Say>x</Say></Connect><say>x</say>', [12200, 12200, 12200]),
        ('<Start><Stream url="wss://h/s" track="all"/></Start>loose text', [12200, 31941]),
        ('<Say>a <emphasis level="strong">b</emphasis></Say><Hangup/>', []),
    ],
)
def test_a_wrong_value_or_place_is_a_warning_with_its_code(body, codes):
    document = parse(f"<Response>{body}</Response>".encode(), XML)
    assert sorted(warned.code for warned in document.warnings) == codes
    assert document.verbs


def test_every_code_that_is_warned_of_is_in_the_catalogue():
    known = {code for code, _ in VALUES.values()} | set(NESTED.values())
    assert known <= CATALOGUE.keys()


def test_what_a_text_holds_is_said_whole():
    document = parse(b"<Response><Say>Hello <emphasis>you</emphasis> there</Say></Response>", XML)
    assert document.verbs[0].text == "Hello you there"
