"""The front door under abuse: heads, bodies, targets, slowness, numbers. On asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from tests.kit.bridge import logged, settings
from tests.kit.raw import WAIT_S, Line, client_frame, request, status, until, upgrade

from offhook.run.caller_leg import CallerLeg
from offhook.server import Server

LOOPS: list[Any] = [asyncio.run]
try:
    import uvloop

    LOOPS.append(uvloop.run)
except ImportError:  # Windows
    pass

Run = Callable[[Coroutine[Any, Any, None]], None]
on_each_loop = pytest.mark.parametrize("run", LOOPS, ids=lambda run: run.__module__.split(".")[0])
FORM = "application/x-www-form-urlencoded"
CALL = f"CallSid=CA{'1' * 32}&AccountSid=AC{'2' * 32}".encode()


@asynccontextmanager
async def serving(**environ: str) -> AsyncIterator[Server]:
    """A server of this machine only, without an agent behind it: nobody listens on port 1."""
    with logged():
        async with Server(settings(DEEPGRAM_AGENT_URL="ws://127.0.0.1:1/agent", **environ)) as server:
            yield server


async def ask(server: Server, *pieces: bytes) -> bytes:
    """Send and return everything until the server closes."""
    async with await Line.open(server.port) as line:
        with contextlib.suppress(ConnectionError):  # it was refused while we still spoke
            await line.send(*pieces)
        return await line.to_the_end()


def head(*lines: bytes) -> bytes:
    """Return a head of raw lines."""
    return b"\r\n".join((b"GET /livez HTTP/1.1", *lines)) + b"\r\n\r\n"


H7 = {
    "9 KiB line": (head(b"Host: x", b"A: " + b"x" * 9216), 431),
    "200 lines": (head(b"Host: x", *(b"A%d: x" % n for n in range(200))), 431),
    "60 KiB in 30 lines": (head(b"Host: x", *(b"A%d: %b" % (n, b"x" * 2000) for n in range(30))), 431),
    "40 KiB cookie": (head(b"Host: x", b"Cookie: " + b"x" * 40960), 431),
    "NUL": (head(b"Host: x", b"A: \0"), 400),
    "bare CR": (head(b"Host: x", b"A: x\ry"), 400),
    "bare LF": (head(b"Host: x\nB: y"), 400),
    "LF before the request": (b"\n" + head(b"Host: x"), 400),
    "obs-fold": (head(b"Host: x", b"A: x", b" y"), 400),
    "tab fold": (head(b"Host: x", b"A: x", b"\ty"), 400),
    "blank before the colon": (head(b"Host : x"), 400),
    "no colon": (head(b"Host: x", b"nothing"), 400),
    "no name": (head(b"Host: x", b": x"), 400),
    "two Host": (head(b"Host: x", b"hOST: y"), 400),
    "two Content-Length": (head(b"Host: x", b"Content-Length: 1", b"content-length: 1"), 400),
    "two lengths in one": (head(b"Host: x", b"Content-Length: 1, 1"), 400),
    "signed length": (head(b"Host: x", b"Content-Length: +1"), 400),
    "hex length": (head(b"Host: x", b"Content-Length: 0x1"), 400),
    "length and chunked": (head(b"Host: x", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
    "two encodings": (head(b"Host: x", b"Transfer-Encoding: chunked", b"transfer-encoding: chunked"), 400),
    "odd encoding": (head(b"Host: x", b"Transfer-Encoding: xchunked"), 400),
    "two Upgrade": (head(b"Host: x", b"Upgrade: websocket", b"Upgrade: h2c"), 400),
    "no version": (b"GET /livez\r\n\r\n", 400),
    "version 2": (b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n", 400),
    "small method": (b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "two blanks": (b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "tab": (b"GET\t/livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    "nothing": (b"\r\n\r\n", 400),
    "only garbage": (b"\xff" * 20000, 431),
}


@on_each_loop
@pytest.mark.parametrize("name", H7)
def test_h7_heads_that_two_parsers_could_read_differently(run: Run, name):
    raw, expected = H7[name]

    async def main() -> None:
        async with serving() as server:
            answer = await ask(server, raw + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            # A client that is still speaking when it is refused may see a reset in place of the refusal.
            assert status(answer) in (expected, *((0,) if len(raw) > 16384 else ()))
            assert answer.count(b"HTTP/1.") <= 1
            assert status(await ask(server, request("GET", "/livez"))) == 200

    run(main())


@on_each_loop
@pytest.mark.parametrize(
    "first",
    [
        request("GET", "/livez"),
        request("GET", "/nothing-here"),
        request("GET", "/livez", {"Connection": "keep-alive"}),
        request("POST", "/twilio/status", {"Content-Type": FORM}, CALL),
        request("POST", "/twilio/status", {"Content-Type": FORM, "Transfer-Encoding": "chunked"})
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(CALL), CALL),
        request("GET", "/livez", {"Content-Length": "0"}),
        upgrade("/twilio", {"Sec-WebSocket-Version": "8"}),
        upgrade("/twilio", {"Content-Length": "5"}),
        upgrade("/elsewhere"),
        request("POST", "/twilio", {"Upgrade": "websocket", "Connection": "Upgrade"}),
    ],
    ids=lambda raw: raw.split(b"\r\n")[0].decode().replace("/", "|") + f"-{len(raw)}",
)
def test_a_second_request_on_a_connection_is_never_answered(run: Run, first):
    """One head per connection: what comes behind it has not been through the front door."""

    async def main() -> None:
        async with serving() as server:
            answer = await ask(server, first + request("GET", "/metrics"))
            assert answer.count(b"HTTP/1.") == 1
            assert b"offhook_" not in answer

    run(main())


@on_each_loop
def test_every_answer_closes_its_connection(run: Run):
    async def main() -> None:
        async with serving() as server:
            answer = await ask(server, request("GET", "/livez", {"Connection": "keep-alive"}))
            assert status(answer) == 200
            assert b"connection: close" in answer.lower()

    run(main())


@on_each_loop
def test_h8_slow_senders_are_gone_at_the_deadline(run: Run):
    async def main() -> None:
        async with serving(OFFHOOK_TIMEOUTS__REQUEST_S="0.4") as server, AsyncExitStack() as lines:
            starts = {
                "idle": b"",
                "half a line": b"GET /li",
                "half a head": b"GET /livez HTTP/1.1\r\nHost: x\r\n",
                "half a handshake": upgrade("/twilio")[:-2],
                "half a body": request("POST", "/twilio/voice", {"Content-Type": FORM, "Content-Length": "9999"}),
                "half a chunk": request("POST", "/twilio/voice", {"Content-Type": FORM, "Transfer-Encoding": "chunked"})
                + b"ff\r\na",
            }
            opened = []
            for name, start in starts.items():
                for _ in range(8):
                    line = await lines.enter_async_context(await Line.open(server.port))
                    await line.send(start)
                    opened.append((name, line))
            async with asyncio.TaskGroup() as group:
                dripping = [group.create_task(_drip(line)) for _, line in opened]
                while status(await ask(server, request("GET", "/livez"))) != 200:  # served meanwhile
                    pass
                answers = await asyncio.gather(*(line.to_the_end() for _, line in opened))
                for task in dripping:
                    task.cancel()
            for (name, _), answer in zip(opened, answers, strict=True):
                assert status(answer) in (0, 408), name

    run(main())


async def _drip(line: Line) -> None:
    """Send a byte now and then: activity is not progress."""
    while True:
        await asyncio.sleep(0.05)
        try:
            await line.send(b"a")
        except ConnectionError:
            return


@on_each_loop
def test_h9_bodies(run: Run):
    async def main() -> None:
        async with serving() as server:
            path, mega = "/twilio/voice", b"a" * 1_000_000
            long = request("POST", path, {"Content-Type": FORM, "Content-Length": "10000000"})
            assert status(await ask(server, long, *(10 * [mega]))) in (413, 0)
            chunked = request("POST", path, {"Content-Type": FORM, "Transfer-Encoding": "chunked"})
            assert status(await ask(server, chunked, *(200 * [b"1000\r\n" + b"a" * 4096 + b"\r\n"]))) in (413, 0)
            for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
                assert status(await ask(server, request("POST", path, {"Content-Type": kind}, CALL))) == 415
            for body in (b"CallSid=%FF%FE&AccountSid=x", b"&".join(b"a%d=1" % n for n in range(300)), b"\xff", b"x"):
                assert status(await ask(server, request("POST", path, {"Content-Type": FORM}, body))) == 400

    run(main())


@on_each_loop
def test_h9_a_long_body_is_refused_whether_or_not_its_sender_listens(run: Run):
    """413 is heard by a client that stops speaking to listen, as honest ones do."""

    async def main() -> None:
        async with serving() as server, await Line.open(server.port) as line:
            await line.send(request("POST", "/twilio/voice", {"Content-Type": FORM, "Content-Length": "10000000"}))
            await line.send(b"a" * 70_000)
            assert status(await line.head()) == 413
            await line.to_the_end()

    run(main())


TARGETS = [
    "/",
    "/..",
    "/../etc/passwd",
    "/twilio/../livez/../../etc/passwd",
    "/twilio/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/livez%00",
    "/twilio/%00",
    "/livez/",
    "//livez",
    "/LIVEZ",
    "/" + "a" * 7900,
    "/twilio/" + "%41" * 2000,
    "http://evil.example/livez2",
    "*",
    "livez",
    "/\\windows\\win.ini",
    "/static/../../server.py",
    "/twilio",
    "/twilio/",
    "/twilio/aaaaaaaaaaaa",
    "/twilio/voice",
]


@on_each_loop
def test_h10_targets_and_methods(run: Run):
    async def main() -> None:
        async with serving() as server:
            for target in TARGETS:
                answer = await ask(server, request("GET", target))
                assert status(answer) in (400, 403, 404, 405), target
                assert b"root:" not in answer
            for method in ("PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH", "BREW", "X" * 20):
                for target in ("/twilio/voice", "/livez", "/metrics", "/twilio"):
                    answer = await ask(server, request(method, target))
                    assert status(answer) in (400, 404, 405), (method, target)
            assert status(await ask(server, request("POST", "/livez", {"Content-Type": FORM}, CALL))) == 405
            for target in ("/twilio/x", "/twilio/" + "a" * 65, "/twilio/aaaaaaaaaaa%41", "/twiliox", "/", "/livez"):
                assert status(await ask(server, upgrade(target))) == 404, target

    run(main())


@on_each_loop
def test_o3_the_cap_on_connections(run: Run):
    async def main() -> None:
        async with serving(OFFHOOK_LIMITS__CONNECTIONS="6") as server, AsyncExitStack() as lines:
            held = [await lines.enter_async_context(await Line.open(server.port)) for _ in range(4)]
            for _ in range(2):
                line = await lines.enter_async_context(await Line.open(server.port))
                await line.send(upgrade("/twilio"))
                assert status(await line.head()) == 101
            before = CallerLeg.live
            assert status(await ask(server, request("GET", "/livez"))) == 503
            assert status(await ask(server, upgrade("/twilio"))) == 503
            assert CallerLeg.live == before
            held[0].writer.transport.abort()

            async def served() -> bool:
                return status(await ask(server, request("GET", "/livez"))) == 200

            async with asyncio.timeout(WAIT_S):
                while not await served():
                    pass

    run(main())


@on_each_loop
def test_c20_heads_and_frames_byte_by_byte(run: Run):
    async def main() -> None:
        async with serving() as server:
            raw = request("POST", "/twilio/status", {"Content-Type": FORM}, CALL)
            assert status(await ask(server, *(raw[n : n + 1] for n in range(len(raw))))) == 204
            async with await Line.open(server.port) as line:
                raw = upgrade("/twilio")
                await line.send(*(raw[n : n + 1] for n in range(len(raw))))
                assert status(await line.head()) == 101
                raw = client_frame(9, b"are you there")
                await line.send(*(raw[n : n + 1] for n in range(len(raw))))
                assert await line.frame() == (10, b"are you there")

    run(main())


@on_each_loop
def test_frames_in_the_segment_of_the_handshake(run: Run):
    """Nothing a client sends right behind its handshake is lost, however much it is."""

    async def main() -> None:
        async with serving() as server, await Line.open(server.port) as line:
            pings = [b"%d" % n for n in range(300)]
            await line.send(upgrade("/twilio") + b"".join(client_frame(9, ping) for ping in pings))
            assert status(await line.head()) == 101
            for ping in pings:
                assert await line.frame() == (10, ping)

    run(main())


@on_each_loop
def test_a_stop_turns_away_who_has_not_finished_asking(run: Run):
    async def main() -> None:
        async with serving() as server:
            line = await Line.open(server.port)
            await line.send(b"GET /livez HTTP/1.1\r\n")
            await until(lambda: server._door is not None and server._door.waiting)
        async with line:
            assert status(await line.to_the_end()) == 503

    run(main())
