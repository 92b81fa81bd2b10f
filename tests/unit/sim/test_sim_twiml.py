"""TwiML documents as strictly as Twilio reads them."""

import pytest

from offhook.sim.complaints import LineFault
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
