"""Messages: what Twilio sends to the letter, and what it warns about."""

import itertools
import json
import random

import pytest

from offhook.sim.identity import CallIdentity
from offhook.sim.messages import InvalidMessage, ServerClear, ServerMark, ServerMedia, read_server_message
from offhook.sim.outgoing import Outgoing

SID = "MZ00000000000000000000000000000001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{{"event":"media","streamSid":"{SID}","media":{{"payload":"//8="}}}}', ServerMedia(b"\xff\xff")),
        (f'{{"event":"mark","streamSid":"{SID}","mark":{{"name":"r7-0003"}}}}', ServerMark("r7-0003")),
        (f'{{ "streamSid": "{SID}", "event": "clear" }}', ServerClear()),
    ],
)
def test_the_three_messages_of_a_server(text, message):
    assert read_server_message(text, SID) == message


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ('{"event":NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "`event` is missing"),
        ('{"event":7}', "`event` is missing"),
        (f'{{"event":"stop","streamSid":"{SID}"}}', "unknown event `stop`"),
        ('{"event":"connected","protocol":"Call"}', "unknown event `connected`"),
        ('{"event":"clear"}', "`clear` lacks `streamSid`"),
        ('{"event":"clear","streamSid":"MZ2"}', "`clear` has another streamSid"),
        (f'{{"event":"clear","streamSid":"{SID}","x":1}}', "`clear` has an extra field `x`"),
        (f'{{"event":"media","streamSid":"{SID}","media":"//8="}}', "`media` is not an object"),
        (f'{{"event":"media","streamSid":"{SID}","media":{{}}}}', "`media` lacks `media.payload`"),
        (
            f'{{"event":"media","streamSid":"{SID}","media":{{"payload":"//8=","track":"outbound"}}}}',
            "`media` has an extra field `media.track`",
        ),
        (f'{{"event":"media","streamSid":"{SID}","media":{{"payload":7}}}}', "`media.payload` is not a string"),
        (f'{{"event":"media","streamSid":"{SID}","media":{{"payload":"//8"}}}}', "`media.payload` is not base64"),
        (f'{{"event":"media","streamSid":"{SID}","media":{{"payload":"__8="}}}}', "`media.payload` is not base64"),
        (f'{{"event":"mark","streamSid":"{SID}","mark":{{}}}}', "`mark` lacks `mark.name`"),
        (f'{{"event":"mark","streamSid":"{SID}","mark":{{"name":1}}}}', "`mark.name` is not a string"),
        (f'{{"event":"mark","streamSid":"{SID}"}}', "`mark` lacks `mark`"),
        (f'{{"event":"a\\nb{"c" * 90}","streamSid":"{SID}"}}', "unknown event `a?b" + "c" * 29 + "`"),
    ],
)
def test_what_twilio_warns_about(text, rule):
    with pytest.raises(InvalidMessage) as broken:
        read_server_message(text, SID)
    assert str(broken.value) == rule


def outgoing() -> Outgoing:
    who = CallIdentity(account_sid="AC" + "0" * 31 + "1", call_sid="CA" + "0" * 31 + "1")
    return Outgoing(SID, who, random.Random(1))


def test_connected_and_start_to_the_letter():
    out = outgoing()
    assert json.loads(out.connected()) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert json.loads(out.start({"token": "k7Q"})) == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": SID,
        "start": {
            "accountSid": "AC" + "0" * 31 + "1",
            "streamSid": SID,
            "callSid": "CA" + "0" * 31 + "1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "k7Q"},
        },
    }


def test_numbers_are_strings_and_the_first_timestamp_is_not_zero():
    out = outgoing()
    out.start({})
    media = [json.loads(out.media(b"\xff" * 160)) for _ in range(500)]
    assert [message["sequenceNumber"] for message in media] == [str(number) for number in range(2, 502)]
    assert [message["media"]["chunk"] for message in media] == [str(number) for number in range(1, 501)]
    times = [int(message["media"]["timestamp"]) for message in media]
    assert 100 <= times[0] <= 170
    assert {later - sooner for sooner, later in itertools.pairwise(times)} <= {18, 19, 20, 21, 22}
    assert all(abs(at - times[0] - 20 * chunk) <= 1 for chunk, at in enumerate(times))
    assert media[0]["media"]["track"] == "inbound"
    assert len(media[0]["media"]["payload"]) == 216


def test_keys_marks_and_the_end():
    out = outgoing()
    assert json.loads(out.dtmf("5")) == {
        "event": "dtmf",
        "streamSid": SID,
        "sequenceNumber": "1",
        "dtmf": {"track": "inbound_track", "digit": "5"},
    }
    assert json.loads(out.mark("a b")) == {
        "event": "mark",
        "streamSid": SID,
        "sequenceNumber": "2",
        "mark": {"name": "a b"},
    }
    assert set(json.loads(out.stop())["stop"]) == {"accountSid", "callSid"}
