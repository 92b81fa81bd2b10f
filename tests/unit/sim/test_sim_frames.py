"""RFC 6455 frames: any segmentation, and every rule a server can break."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode

from offhook.sim.complaints import LineFault
from offhook.sim.frames import BINARY, CLOSE, PING, TEXT, FrameFault, FrameReader, Message, frame
from offhook.sim.handshake import check_upgrade, upgrade_request


def served(opcode: Opcode, payload: bytes, fin: bool = True) -> bytes:
    return TheirFrame(opcode, payload, fin).serialize(mask=False)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 300) | st.sampled_from([125, 126, 65535, 65536]), max_size=8),
    st.integers(1, 9000),
)
def test_messages_survive_any_segmentation(sizes, cut):
    payloads = [bytes((number + 1,)) * size for number, size in enumerate(sizes)]
    stream = b"".join(served(Opcode.BINARY, payload) for payload in payloads)
    reader = FrameReader()
    read = [message for at in range(0, len(stream), cut) for message in reader.feed(stream[at : at + cut])]
    assert read == [Message(BINARY, payload) for payload in payloads]


def test_fragments_are_joined_and_control_frames_may_lie_between():
    stream = (
        served(Opcode.TEXT, b"ab", fin=False)
        + served(Opcode.PING, b"?")
        + served(Opcode.CONT, b"", fin=False)
        + served(Opcode.CONT, b"cd")
    )
    assert list(FrameReader().feed(stream)) == [Message(PING, b"?"), Message(TEXT, b"abcd")]


@pytest.mark.parametrize(
    "stream",
    [
        b"\xc1\x00",  # reserved bit
        b"\x83\x00",  # unknown opcode
        b"\x81\x80\x00\x00\x00\x00",  # masked
        b"\x09\x00",  # fragmented ping
        b"\x89\x7e\x00\x80" + b"x" * 128,  # long ping
        b"\x80\x00",  # continuation of nothing
        b"\x01\x00\x81\x00",  # new message inside one
        b"\x82\x7f\x00\x00\x00\x40\x00\x00\x00\x00",  # 256 GiB announced
        b"\x88\x01\x03",  # half a close code
        b"\x88\x02\x03\xed",  # 1005, which only says that there was none
        b"\x88\x02\x03\xe7",  # 999
        b"\x88\x03\x03\xe8\xff",  # a reason that is not UTF-8
    ],
)
def test_what_breaks_the_protocol(stream):
    with pytest.raises(FrameFault):
        list(FrameReader().feed(stream))


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1014, 3000, 4400])
def test_a_close_with_a_code_that_may_be_sent(code):
    payload = code.to_bytes(2, "big") + "grüße".encode()
    assert list(FrameReader().feed(served(Opcode.CLOSE, payload))) == [Message(CLOSE, payload)]


def test_endless_fragments_are_bounded():
    reader = FrameReader(max_message_bytes=1000)
    list(reader.feed(b"\x01\x7e\x02\x58" + b"x" * 600))
    with pytest.raises(FrameFault):
        list(reader.feed(b"\x00\x7e\x02\x58"))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=20), st.sampled_from([0, 105, 106, 125, 126, 65515, 65536]))
def test_our_frames_are_read_by_their_parser(start, padding):
    from websockets.streams import StreamReader

    payload = start + b"\x5a" * padding

    reader = StreamReader()
    reader.feed_data(frame(BINARY, payload, mask=b"\x01\x02\xfe\xff"))
    parsing = TheirFrame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert done.value.value == TheirFrame(Opcode.BINARY, payload)


def test_the_request_has_the_headers_of_a_twilio_handshake_and_no_more():
    request = upgrade_request("wss://h.example/a/b", "KEY==", {"User-Agent": "Twilio.TmeWs/1.0"}).decode()
    line, *headers = request.rstrip("\r\n").split("\r\n")
    assert line == "GET /a/b HTTP/1.1"
    assert sorted(header.partition(":")[0].lower() for header in headers) == [
        "connection",
        "host",
        "sec-websocket-key",
        "sec-websocket-version",
        "upgrade",
        "user-agent",
    ]


KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455, section 1.3
GOOD = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)


def test_a_right_answer_to_the_upgrade():
    check_upgrade(GOOD.encode(), KEY)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("HTTP/1.1 403 Forbidden", 403),
        ("HTTP/1.1 302 Found\r\nLocation: /other", 302),
        ("SSH-2.0-OpenSSH_9", None),
        ("HTTP/1.1 1²1 Odd", None),
        (GOOD.replace("s3p", "xxx"), 101),
        (GOOD.replace("Upgrade: websocket\r\n", ""), 101),
        (GOOD + "\r\nSec-WebSocket-Extensions: permessage-deflate", 101),
        (GOOD + "\r\nSec-WebSocket-Protocol: audio", 101),
    ],
)
def test_anything_else_is_a_failed_handshake(answer, status):
    with pytest.raises(LineFault) as refused:
        check_upgrade(answer.encode("latin-1"), KEY)
    assert (refused.value.code, refused.value.status) == (31920, status)
