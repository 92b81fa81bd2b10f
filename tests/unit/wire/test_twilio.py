"""Media Streams messages as Twilio documents them, byte by byte, and everything that is not one of them."""

from __future__ import annotations

import base64
import contextlib
import json
import time

import pytest

from offhook.wire import twilio
from offhook.wire.twilio import Malformed, MarkName, Outbound, StreamSid, decode

STREAM = "MZ00000000000000000000000000000001"
ACCOUNT = "AC00000000000000000000000000000001"
CALL = "CA00000000000000000000000000000001"
START = (
    b'{"event":"start","sequenceNumber":"1","streamSid":"MZ00000000000000000000000000000001",'
    b'"start":{"accountSid":"AC00000000000000000000000000000001","streamSid":"MZ00000000000000000000000000000001",'
    b'"callSid":"CA00000000000000000000000000000001","tracks":["inbound"],'
    b'"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
    b'"customParameters":{"token":"k7Qm","from":"+14155550123","agent":"front-desk"}}}'
)
MEDIA = (
    b'{"event":"media","sequenceNumber":"2","streamSid":"MZ00000000000000000000000000000001",'
    b'"media":{"track":"inbound","chunk":"1","timestamp":"118","payload":"//5/AA=="}}'
)


class TestDocumentedMessages:
    def test_connected(self):
        assert isinstance(decode(b'{"event":"connected","protocol":"Call","version":"1.0.0"}'), twilio.Connected)

    def test_start(self):
        start = decode(START)
        assert isinstance(start, twilio.Start)
        assert (start.sid, start.start.call_sid, start.start.account_sid) == (STREAM, CALL, ACCOUNT)
        assert start.start.custom_parameters == {"token": "k7Qm", "from": "+14155550123", "agent": "front-desk"}
        assert start.is_ulaw_8000

    def test_start_names_its_stream_inside_only_or_outside_only(self):
        tree = json.loads(START)
        del tree["streamSid"]
        assert decode(json.dumps(tree).encode()).sid == STREAM
        tree["streamSid"] = tree["start"].pop("streamSid")
        tree["streamSid"] = STREAM
        assert decode(json.dumps(tree).encode()).sid == STREAM

    @pytest.mark.parametrize("rate", [8000, "8000"])
    def test_numbers_come_as_numbers_or_strings(self, rate):
        tree = json.loads(START)
        tree["start"]["mediaFormat"].update(sampleRate=rate, channels=str(1) if isinstance(rate, str) else 1)
        tree["sequenceNumber"] = 1
        assert decode(json.dumps(tree).encode()).is_ulaw_8000

    @pytest.mark.parametrize(
        "wrong", [{"encoding": "audio/x-alaw"}, {"sampleRate": 16000}, {"sampleRate": "8000.0"}, {"channels": 2}]
    )
    def test_any_other_audio_is_not_ours(self, wrong):
        tree = json.loads(START)
        tree["start"]["mediaFormat"].update(wrong)
        assert not decode(json.dumps(tree).encode()).is_ulaw_8000

    def test_media(self):
        media = decode(MEDIA)
        assert isinstance(media, twilio.Media)
        assert media.media.payload == b"\xff\xfe\x7f\x00"
        assert (media.media.track, media.sequence_number) == ("inbound", 2)

    @pytest.mark.parametrize("size", [0, 1, 2, 3, 159, 160, 161, 32 * 1024])
    def test_media_of_any_length(self, size):
        audio = bytes(range(256)) * (size // 256 + 1)
        text = json.dumps({"event": "media", "media": {"payload": base64.b64encode(audio[:size]).decode()}})
        assert decode(text.encode()).media.payload == audio[:size]

    @pytest.mark.parametrize("digit", "0123456789*#ABCD")
    def test_dtmf(self, digit):
        text = f'{{"event":"dtmf","streamSid":"{STREAM}","sequenceNumber":"5","dtmf":{{"track":"inbound_track",'
        pressed = decode((text + f'"digit":"{digit}"}}}}').encode())
        assert isinstance(pressed, twilio.Dtmf)
        assert pressed.key == digit

    @pytest.mark.parametrize("digit", ["", "12", "E", "a", "☎", "😀", " ", "\\u0000"])
    def test_dtmf_that_is_no_key_is_none(self, digit):
        assert decode(f'{{"event":"dtmf","dtmf":{{"digit":"{digit}"}}}}'.encode()).key is None

    def test_mark(self):
        text = f'{{"event":"mark","sequenceNumber":"4","streamSid":"{STREAM}","mark":{{"name":"1-7"}}}}'
        mark = decode(text.encode())
        assert isinstance(mark, twilio.Mark)
        assert mark.mark.name == "1-7"

    def test_stop(self):
        text = f'{{"event":"stop","sequenceNumber":"5","streamSid":"{STREAM}","stop":{{"accountSid":"{ACCOUNT}"}}}}'
        assert isinstance(decode(text.encode()), twilio.Stop)
        assert isinstance(decode(b'{"event":"stop"}'), twilio.Stop)

    def test_c13_unknown_events_and_fields(self):
        assert isinstance(decode(b'{"event":"pause"}'), twilio.UnknownEvent)
        assert isinstance(decode(b'{"event":"MEDIA","media":{"payload":17}}'), twilio.UnknownEvent)
        assert isinstance(decode(b'{"event":"stop","new":{"deep":[1,null,{}]},"stop":null}'), twilio.Stop)
        assert decode(b'{"event":"media","media":{"track":"outbound","payload":""}}').media.track == "outbound"

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_every_kind_of_buffer(self, kind):
        assert decode(kind(MEDIA)).media.payload == b"\xff\xfe\x7f\x00"
        assert isinstance(decode(kind(b'{"event":"pause"}')), twilio.UnknownEvent)
        with pytest.raises(Malformed):
            decode(kind(b'{"event":"media"}'))

    def test_what_was_decoded_outlives_the_buffer(self):
        buffer = bytearray(START)
        start = decode(memoryview(buffer))
        buffer[:] = b"\0" * len(buffer)
        assert (start.sid, start.start.custom_parameters["agent"]) == (STREAM, "front-desk")


class TestMalformed:
    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b" ",
            b"{",
            b"null",
            b"17",
            b'"media"',
            b"[]",
            b'[{"event":"media"}]',
            b"{}",
            b'{"event":null}',
            b'{"event":7}',
            b'{"event":["media"]}',
            b'{"event":{}}',
            b"not json at all",
            b"\xff\xfe\x00",
            b'{"event":"media","media":{"payload":"\xc3"}}',
            b'{"event":"\xc3\x28"}',
            b'{"event":"\\u006dedia"}',
            MEDIA[:-1],
            MEDIA + b"x",
            MEDIA + MEDIA,
            b'{"event":"media","media":{"payload":NaN}}',
            b'{"event":"media","sequenceNumber":NaN,"media":{"payload":""}}',
            b'{"event":"media","media":{"payload":""},"x":Infinity}',
            b'{"event":"media"}',
            b'{"event":"media","media":null}',
            b'{"event":"media","media":[]}',
            b'{"event":"media","media":{}}',
            b'{"event":"media","media":{"payload":null}}',
            b'{"event":"media","media":{"payload":17}}',
            b'{"event":"start"}',
            b'{"event":"start","start":{}}',
            b'{"event":"mark"}',
            b'{"event":"mark","mark":{}}',
            b'{"event":"mark","mark":{"name":7}}',
            b'{"event":"dtmf","dtmf":{}}',
            b'{"event":"dtmf","dtmf":{"digit":5}}',
        ],
    )
    def test_c9_is_malformed(self, frame):
        with pytest.raises(Malformed):
            decode(frame)

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_c9_nesting_of_5000(self, opening):
        with pytest.raises(Malformed):
            decode((opening * 5000).encode())
        with pytest.raises(Malformed):
            decode(b'{"event":"media","media":{"payload":""},"x":' + b"[" * 5000 + b"]" * 5000 + b"}")

    def test_c9_duplicate_keys(self):
        """JSON leaves open which of two keys counts: two different events are malformed, two payloads are one."""
        with pytest.raises(Malformed):
            decode(b'{"event":"stop","event":"media","media":{"payload":"AA=="}}')
        twice = decode(b'{"event":"media","media":{"payload":"AA=="},"media":{"payload":"/w=="}}')
        assert twice.media.payload in (b"\x00", b"\xff")

    def test_c9_64_kib_of_garbage_is_judged_quickly(self):
        """A bound of 50 ms is fifty times what it takes: it catches a parser that is not linear, not a busy machine."""
        frames = [b"[" * 65536, b'{"event":"' + b"\\u0000" * 10000 + b'"}', b'{"event":"media","media":' + b"{" * 65000]
        for frame in frames:
            began = time.process_time()
            with contextlib.suppress(Malformed):
                decode(frame)
            assert time.process_time() - began < 0.05

    @pytest.mark.parametrize(
        "payload", ["=", "AA", "AA=", "A===", "A-_A", "AA==AA==", "AAA A", "AAAA\\n", "ÿÿÿÿ", "////w"]
    )
    def test_c10_malformed_base64(self, payload):
        with pytest.raises(Malformed):
            decode(f'{{"event":"media","media":{{"payload":"{payload}"}}}}'.encode())

    @pytest.mark.parametrize(
        ("place", "sid"),
        [
            ("callSid", ""),
            ("callSid", "CA1"),
            ("callSid", ACCOUNT),
            ("callSid", "CA" + "g" * 32),
            ("callSid", CALL + "\n"),
            ("callSid", CALL + '"'),
            ("accountSid", CALL),
            ("accountSid", "AC" + "0" * 31),
            ("accountSid", "AC" + "٠" * 32),
            ("streamSid", "MZ"),
            ("streamSid", 'MZ","x":"' + "0" * 24),
        ],
    )
    def test_a_start_whose_sids_are_no_sids(self, place, sid):
        tree = json.loads(START)
        if place == "streamSid":
            tree["streamSid"] = sid
        tree["start"][place] = sid
        with pytest.raises(Malformed):
            decode(json.dumps(tree).encode())

    @pytest.mark.parametrize("parameters", [None, [], {"token": 5}, {"token": None}, {"token": {}}])
    def test_custom_parameters_are_strings(self, parameters):
        tree = json.loads(START)
        tree["start"]["customParameters"] = parameters
        with pytest.raises(Malformed):
            decode(json.dumps(tree).encode())

    def test_an_error_quotes_nothing(self):
        secret = b'{"event":"dtmf","dtmf":{"digit":{"secret":"4711"}}}'
        with pytest.raises(Malformed) as caught:
            decode(secret)
        assert "4711" not in f"{caught.value}{caught.value!r}"
        assert caught.value.__cause__ is None


class TestOutbound:
    out = Outbound(StreamSid(STREAM))

    def test_media_exactly_as_documented(self):
        assert self.out.media(b"\xff\xfe\x7f\x00") == (
            b'{"event":"media","streamSid":"MZ00000000000000000000000000000001","media":{"payload":"//5/AA=="}}'
        )

    def test_mark_exactly_as_documented(self):
        assert self.out.mark(MarkName("r7-0003")) == (
            b'{"event":"mark","streamSid":"MZ00000000000000000000000000000001","mark":{"name":"r7-0003"}}'
        )

    def test_clear_exactly_as_documented(self):
        assert self.out.clear == b'{"event":"clear","streamSid":"MZ00000000000000000000000000000001"}'

    @pytest.mark.parametrize("size", [0, 1, 2, 3, 160, 16000])
    def test_a_json_parser_reads_back_what_was_sent(self, size):
        audio = (bytes(range(256)) * 63)[:size]
        for given in (audio, memoryview(audio)):
            said = json.loads(self.out.media(given))
            assert said.keys() == {"event", "streamSid", "media"}
            assert said["media"].keys() == {"payload"}
            assert base64.b64decode(said["media"]["payload"], validate=True) == audio
