"""The codecs under generated input: what goes in comes out, and a caller's own fields never break a document."""

from __future__ import annotations

import base64
import json
from xml.etree import ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st

from offhook.wire import deepgram, signature, twilio, twiml, ulaw
from offhook.wire.twilio import MarkName, Outbound, StreamSid

STREAM = StreamSid("MZ" + "0" * 32)
OUT = Outbound(STREAM)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _refusal(codec, frame: bytes) -> ValueError | None:
    """Decode; return `Malformed` where that is the answer, and let anything else escape."""
    try:
        codec.decode(frame)
    except codec.Malformed as malformed:
        return malformed
    return None


@given(st.binary(max_size=4096))
def test_outbound_audio_is_read_back_by_any_json_parser(audio):
    assert base64.b64decode(json.loads(OUT.media(audio))["media"]["payload"], validate=True) == audio


@given(st.binary(max_size=4096), st.integers(0, 2**63), st.sampled_from(("inbound", "outbound")))
def test_caller_audio_is_byte_exact(audio, sequence, track):
    message = {
        "event": "media",
        "sequenceNumber": str(sequence),
        "streamSid": STREAM,
        "media": {"track": track, "payload": base64.b64encode(audio).decode(), "chunk": "1", "timestamp": "7"},
    }
    media = twilio.decode(json.dumps(message).encode())
    assert (media.media.payload, media.media.track, media.sequence_number) == (audio, track, sequence)


@given(st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True))
def test_a_mark_comes_back_under_its_name(name):
    assert twilio.decode(OUT.mark(MarkName(name))).mark.name == name


@given(st.binary(max_size=512))
def test_any_bytes_are_a_message_or_malformed(frame):
    for codec in (twilio, deepgram):
        refusal = _refusal(codec, frame)
        assert refusal is None or refusal.args == ()  # nothing of the frame


@given(JSON, st.sampled_from(("connected", "start", "media", "dtmf", "mark", "stop", "else")))
def test_any_json_under_a_known_name_is_a_message_or_malformed(inner, event):
    frame = json.dumps({"event": event, event: inner, "streamSid": STREAM}).encode()
    refusal = _refusal(twilio, frame)
    assert refusal is None or refusal.args == ()


@given(st.sampled_from(sorted(k.__name__ for k in deepgram.ServerMessage.__subclasses__())), st.data())
def test_any_fields_under_a_known_type_are_a_message_or_malformed(kind, data):
    fields = data.draw(
        st.dictionaries(st.sampled_from(("role", "content", "functions", "code", "total_latency", "x")), JSON)
    )
    try:
        message = deepgram.decode(json.dumps({**fields, "type": kind}).encode())
    except deepgram.Malformed:
        return
    assert type(message).__name__ == kind


@given(st.binary(max_size=2048))
def test_ulaw_there_and_back(audio):
    assert ulaw.from_pcm16(ulaw.to_pcm16(audio)) == audio.replace(b"\x7f", b"\xff")


@given(st.binary(max_size=2048))
def test_ulaw_never_leaves_its_range(pcm):
    decoded = ulaw.to_pcm16(ulaw.from_pcm16(pcm))
    assert len(decoded) == len(pcm) & ~1
    assert -96.0 <= ulaw.level_dbfs(ulaw.from_pcm16(pcm)) <= 0.0


@given(st.text(max_size=200), st.floats(0, 2**31))
def test_no_text_passes_as_a_token(text, now):
    try:
        signature.check_stream_token(b"key", text, "CA", "AC", now)
    except signature.BadStreamToken:
        return
    raise AssertionError("a random text was taken for a token")


@given(st.text(max_size=120), st.text(max_size=120), st.text(max_size=200))
@example('"/><Dial>+19005550000</Dial><Parameter name="', "</Stream></Connect></Response>", "]]><!--")
@example("&lt;Hangup/&gt;", "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "<?xml version='1.0'?>")
@example("\0\x01\x0b\x1f", "\ud800", "\ufffe\uffff\x85\u2028")
def test_h11_caller_controlled_fields_never_change_a_document(caller, called, said):
    """Whatever stands in From, To or a configured sentence: the same tree, and our own URLs in it."""
    document = twiml.StreamDocument(
        stream_url="wss://h/twilio/nonce",
        action_url="https://h/twilio/after",
        parameters={"token": "t", "caller": caller, "called": called},
        fallback=twiml.Fallback(said, "+441632960000"),
    )
    root = ET.fromstring(twiml.answer(document).encode("utf-8"))
    assert [verb.tag for verb in root] == ["Connect", *(["Say"] if said else []), "Dial"]
    (stream,) = root[0]
    assert stream.get("url") == "wss://h/twilio/nonce"
    assert [p.tag for p in stream] == ["Parameter"] * 3
    assert [p.get("name") for p in stream] == ["token", "caller", "called"]
    assert len(root[-1]) == 0
    assert root[-1].text == "+441632960000"
    for alone in (twiml.sorry(twiml.Fallback(said)), twiml.say_and_hang_up(said)):
        assert ET.fromstring(alone.encode("utf-8"))[-1].tag == "Hangup"
