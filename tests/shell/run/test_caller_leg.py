"""Twilio's socket under abuse: frames no client would send, streams that never start, peers that ignore a close."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.kit.bridge import logged, settings
from tests.kit.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    WAIT_S,
    Line,
    RawServer,
    client_frame,
    status,
    until,
    upgrade,
)

from offhook.run.caller_leg import CallerLeg
from offhook.server import Server
from offhook.sim.identity import CallIdentity, fresh_sid

AUDIO = json.dumps({"event": "media", "sequenceNumber": "2", "media": {"payload": "/w=="}}).encode()


@dataclass(frozen=True, slots=True)
class Place:
    """A server without an agent behind it, and what it logged."""

    server: Server
    log: list[Any]

    def events(self, name: str) -> list[Any]:
        """Return the events of one name."""
        return [event for event in self.log if event["event"] == name]

    @asynccontextmanager
    async def line(self, **headers: str) -> AsyncIterator[Line]:
        """Open an upgraded connection."""
        async with await Line.open(self.server.port) as line:
            await line.send(upgrade("/twilio", {name.replace("_", "-"): value for name, value in headers.items()}))
            answer = await line.head()
            assert status(answer) == 101
            assert b"extensions" not in answer.lower()
            yield line


@asynccontextmanager
async def serving(**environ: str) -> AsyncIterator[Place]:
    """A server whose agent never answers, so that a call stays as it started."""
    async with RawServer(lambda line: line.to_the_end(60.0)) as agent:
        environ["DEEPGRAM_AGENT_URL"] = f"ws://127.0.0.1:{agent.port}/agent"
        with logged() as log:
            async with Server(settings(**environ)) as server:
                yield Place(server, log)
            assert CallerLeg.live == 0
        await agent.until(lambda: agent.live == 0)


@pytest.fixture
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """A patient server. Whatever comes is no defect of ours, but where a test makes one."""
    async with serving() as place:
        yield place
    assert request.node.name.startswith("test_p13") or not place.events("defect")


@pytest.fixture
async def hurried() -> AsyncIterator[Place]:
    """A server that does not wait long for `start`."""
    async with serving(OFFHOOK_TIMEOUTS__START_S="0.3") as place:
        yield place


def start(who: CallIdentity | None = None, stream: str = "") -> bytes:
    """Return Twilio's `start`."""
    who = who or CallIdentity()
    stream = stream or fresh_sid("MZ")
    facts = {"accountSid": who.account_sid, "callSid": who.call_sid, "streamSid": stream, "tracks": ["inbound"]}
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": facts}).encode()


BROKEN = {
    "unmasked": (client_frame(TEXT, b"{}", masked=False), 1002),
    "opcode 3": (client_frame(3, b"x"), 1002),
    "opcode 11": (client_frame(11, b"x"), 1002),
    "rsv1 fragment": (client_frame(TEXT, AUDIO, rsv=4, fin=False), 1002),
    "rsv3 fragment": (client_frame(BINARY, b"x", rsv=1, fin=False), 1002),
    "compressed": (client_frame(TEXT, zlib.compress(AUDIO), rsv=4), 1002),
    "binary": (client_frame(BINARY, b"\xff" * 160), 1003),
    "binary in fragments": (client_frame(BINARY, b"x", fin=False) + client_frame(CONTINUATION, b"y"), 1003),
    "ping in fragments": (client_frame(PING, b"x", fin=False), 1002),
    "long ping": (client_frame(PING, b"x" * 126), 1002),
    "continuation of nothing": (client_frame(CONTINUATION, b"x"), 1002),
    "text inside text": (client_frame(TEXT, b"{", fin=False) + client_frame(TEXT, b"}"), 1002),
    "text inside empty text": (client_frame(TEXT, b"", fin=False) + client_frame(TEXT, b"{}"), 1002),
    "binary inside text": (client_frame(TEXT, b"{", fin=False) + client_frame(BINARY, b"}"), 1002),
    "length not shortest": (b"\x81\xfe\x00\x05\0\0\0\0hello", 1002),
    "length of 64 bits with the top bit": (b"\x81\xff" + b"\xff" * 8, 1002),
    "1 MiB of text": (client_frame(TEXT, b"x" * 1048576), 1009),
    "1 GiB announced": (b"\x81\xff" + struct.pack("!Q", 1 << 30) + b"\0\0\0\0", 1009),
    "64 KiB and one": (client_frame(BINARY, b"x" * 65537), 1009),
    "endless fragments": (
        client_frame(TEXT, b"[" * 60000, fin=False) + client_frame(CONTINUATION, b"[" * 60000, fin=False),
        1009,
    ),
    "close of one byte": (client_frame(CLOSE, b"x"), 1002),
    **{f"close {c}": (client_frame(CLOSE, struct.pack("!H", c)), 1002) for c in (0, 999, 1004, 1005, 1006, 1015, 2999)},
    "close with a reason that is not UTF-8": (client_frame(CLOSE, b"\x03\xe8\xff"), 1007),
}


@pytest.mark.parametrize("started", [False, True], ids=["before start", "in a call"])
@pytest.mark.parametrize("name", BROKEN)
async def test_c11_c12_broken_frames(place: Place, name, started):
    """Closed with the code of RFC 6455, and a call is over as `caller_error`; nothing is left half alive."""
    raw, code = BROKEN[name]
    async with place.line() as line:
        if started:
            await line.send(client_frame(TEXT, start()))
            await until(lambda: place.events("call_started"))
        try:
            await line.send(raw)
        except ConnectionError:
            assert code == 1009  # refused while we still spoke
        assert await line.close_code() == code
        await line.to_the_end()
    oversize, told = code == 1009, "call_ended" if started else "refused"
    await until(lambda: place.events(told))
    (event,) = place.events(told)
    reason = "caller_oversize" if oversize else "caller_protocol"
    assert (event.get("cause") or event.get("reason")).split("/")[-1] == reason


@pytest.mark.parametrize("name", ["binary", "rsv1 fragment", "text inside text"])
async def test_who_answers_our_close_is_still_the_one_who_broke_the_protocol(place: Place, name):
    raw, code = BROKEN[name]
    async with place.line() as line:
        await line.send(client_frame(TEXT, start()))
        await until(lambda: place.events("call_started"))
        await line.send(raw)
        assert await line.close_code() == code
        await line.send(client_frame(CLOSE, struct.pack("!H", code)))
        await line.to_the_end()
    await until(lambda: place.events("call_ended"))
    assert [event["cause"] for event in place.events("call_ended")] == ["caller_error/caller_protocol"]


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999])
async def test_close_codes_are_answered(place: Place, code):
    async with place.line() as line:
        await line.send(client_frame(TEXT, start()))
        await until(lambda: place.events("call_started"))
        await line.send(client_frame(CLOSE, struct.pack("!H", code) + b"goodbye"))
        assert await line.close_code() in (1000, code)
        await line.to_the_end()
    await until(lambda: place.events("call_ended"))
    assert place.events("call_ended")[0]["cause"] == "completed/caller_hung_up"


async def test_c4_a_close_frame_without_a_code(place: Place):
    async with place.line() as line:
        await line.send(client_frame(TEXT, start()), client_frame(CLOSE))
        assert await line.close_code() in (1000, 1005)
        await line.to_the_end()
    await until(lambda: place.events("call_ended"))


async def test_fragments_are_put_together(place: Place):
    """Legal, if unusual: an empty first fragment, pings in between, one byte at a time."""
    text = start()
    pieces = [client_frame(TEXT, b"", fin=False), client_frame(PING, b"1")]
    pieces += [client_frame(CONTINUATION, text[n : n + 7], fin=False) for n in range(0, len(text), 7)]
    pieces += [client_frame(PING, b"2"), client_frame(CONTINUATION, b"")]
    async with place.line() as line:
        await line.send(b"".join(pieces))
        assert await line.frame() == (10, b"1")
        await until(lambda: place.events("call_started"))


async def test_c20_frames_byte_by_byte(place: Place):
    async with place.line() as line:
        raw = client_frame(TEXT, start()) + client_frame(TEXT, AUDIO) + client_frame(PING, b"x")
        await line.send(*(raw[n : n + 1] for n in range(len(raw))))
        await until(lambda: place.events("call_started"))
        while (await line.frame())[0] != 10:
            pass


async def test_c11_no_compression_is_negotiated(place: Place):
    async with place.line(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"):
        pass  # `line` has seen that the answer names no extension


async def _talk(line: Line) -> None:
    """Send audio until the connection is no more."""
    async with asyncio.timeout(WAIT_S):
        with contextlib.suppress(ConnectionError):
            while True:
                await line.send(client_frame(TEXT, AUDIO))


class TestC1NoStart:
    async def test_closed_1008_at_the_deadline(self, hurried: Place):
        async with hurried.line() as line:
            await line.send(client_frame(TEXT, b'{"event":"connected","protocol":"Call","version":"1.0.0"}'))
            assert await line.close_code() == 1008
            await line.to_the_end()
        assert hurried.events("call_started") == hurried.events("call_ended") == []
        assert [event["reason"] for event in hurried.events("refused")] == ["caller_hung_up"]

    async def test_gone_even_where_the_close_is_not_answered(self, hurried: Place):
        async with hurried.line() as line:
            await line.to_the_end()  # reads, and answers nothing
        await until(lambda: CallerLeg.live == 0)

    async def test_gone_even_where_the_peer_goes_on_talking(self, hurried: Place):
        async with hurried.line() as line:
            talking = asyncio.create_task(_talk(line))
            await until(lambda: CallerLeg.live == 0)
            await talking

    async def test_stop_first(self, place: Place):
        async with place.line() as line:
            await line.send(client_frame(TEXT, b'{"event":"stop"}'))
            assert await line.close_code() == 1008

    async def test_ten_bad_messages(self, place: Place):
        async with place.line() as line:
            await line.send(*(10 * [client_frame(TEXT, b"garbage")]))
            assert await line.close_code() == 1008
        assert len(place.events("refused")) == 1


async def test_who_was_turned_away_cannot_try_again_on_the_same_socket(place: Place):
    """A close was said: a `start` behind it must not be looked at, or a token could be guessed at leisure."""
    bad = start().replace(b'"tracks"', b'"mediaFormat": {"encoding": "audio/x-alaw"}, "tracks"')
    async with place.line() as line:
        await line.send(client_frame(TEXT, bad) + client_frame(TEXT, bad) + client_frame(TEXT, start()))
        assert await line.close_code() == 1008
        await line.to_the_end()
    assert len(place.events("refused")) == 1
    assert place.events("call_started") == []


@pytest.mark.parametrize("behind", [client_frame(PING, b"x"), client_frame(3, b"x"), client_frame(CLOSE, b"\x03\xe8")])
async def test_what_comes_behind_our_close_is_no_defect(place: Place, behind):
    """picows parses one frame ahead: a fault in the second is told before the first is looked at."""
    bad = start().replace(b'"tracks"', b'"mediaFormat": {"encoding": "audio/x-alaw"}, "tracks"')
    async with place.line() as line:
        await line.send(client_frame(TEXT, bad) + behind + behind)
        assert await line.close_code() in (1002, 1008)
        await line.to_the_end()
    await until(lambda: place.events("refused"))


async def test_c2_media_before_start_is_ignored(place: Place):
    async with place.line() as line:
        await line.send(*(30 * [client_frame(TEXT, AUDIO)]), client_frame(TEXT, start()))
        await until(lambda: place.events("call_started"))


async def test_c5_what_comes_after_stop_is_ignored(place: Place):
    who = CallIdentity()
    async with place.line() as line:
        stop = client_frame(TEXT, b'{"event":"stop"}')
        await line.send(client_frame(TEXT, start(who)) + stop + client_frame(TEXT, AUDIO) + stop + stop)
        assert await line.close_code() == 1000
        await line.to_the_end()
    (ended,) = place.events("call_ended")
    assert ended["call"] == who.call_sid


async def test_c3_a_second_start(place: Place):
    who, stream = CallIdentity(), fresh_sid("MZ")
    async with place.line() as line:
        await line.send(*(3 * [client_frame(TEXT, start(who, stream))]))
        await until(lambda: place.events("call_started"))
        await line.send(client_frame(TEXT, start(who, fresh_sid("MZ"))))
        assert await line.close_code() == 1008
    await until(lambda: place.events("call_ended"))
    assert len(place.events("call_started")) == 1


async def test_p13_a_defect_while_the_call_is_found(place: Place, monkeypatch: pytest.MonkeyPatch):
    """It ends that stream, is logged once under our name without its text, is counted, and the server goes on."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret +441632960001")

    with monkeypatch.context() as patch:
        patch.setattr(place.server.switchboard, "_begin", broken)
        async with place.line() as line:
            await line.send(client_frame(TEXT, start()))
            assert await line.close_code() in (1008, 1011)
            await line.to_the_end()
    assert len(place.events("defect")) == 1
    assert "offhook_defects_total 1.0" in place.server.metrics.text().decode()
    async with place.line() as line:
        await line.send(client_frame(TEXT, start()))
        await until(lambda: place.events("call_started"))


@pytest.mark.parametrize("started", [False, True], ids=["before start", "in a call"])
async def test_p13_a_defect_in_a_socket_callback(place: Place, monkeypatch: pytest.MonkeyPatch, started):
    """It ends that socket with 1011, is told once, without its text, and is counted."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret +441632960001")

    async with place.line() as line:
        if started:
            await line.send(client_frame(TEXT, start()))
            await until(lambda: place.events("call_started"))
        monkeypatch.setattr(CallerLeg, "text", broken)
        await line.send(client_frame(TEXT, b"garbage"))
        assert await line.close_code() == 1011
        await line.to_the_end()
    await until(lambda: len(place.events("call_ended")) == started)
    (defect,) = place.events("defect")
    assert str(defect["exc_info"]) == "RuntimeError"
    assert "offhook_defects_total 1.0" in place.server.metrics.text().decode()


async def test_who_leaves_before_start_is_told_of(place: Place):
    async with place.line() as line:
        await line.send(client_frame(CLOSE, b"\x03\xe8"))
        await line.to_the_end()
    await until(lambda: place.events("refused"))
    (event,) = place.events("refused")
    assert event["why"] == "closed before start"
