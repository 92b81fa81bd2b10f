"""`offhook serve` as a process: what it says, how it ends, and that it always says why."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from tests.kit.bridge import API_KEY, AUTH_TOKEN, PATIENT, SIGNED, logged
from tests.kit.ports import free_port
from tests.kit.process import Process, running
from tests.kit.process import started as started_process
from tests.kit.raw import WAIT_S, Line, until, upgrade

from offhook import lifecycle
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.sim.behaviour import Behaviour
from offhook.sim.identity import CallIdentity
from offhook.sim.stream import StreamClient

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGTERM: the process is killed")
LOUD = bytes([0x10, 0x90] * 80)


def events(process: Process, name: str) -> list[dict[str, object]]:
    """Return the JSON log events of one name."""
    found = [json.loads(line) for line in process.lines if line.startswith("{")]
    return [event for event in found if event["event"] == name]


class TestP7Configuration:
    async def test_every_problem_at_once(self, tmp_path: Path):
        wrong = {
            "TWILIO_AUTH_TOKEN": "your-auth-token",
            "DEEPGRAM_AGENT_URL": "https://agent.deepgram.com/",
            "PORT": "eighty",
            "OFFHOOK_LIMITS__CALLS": "-1",
            "OFFHOOK_LIMIT__CALLS": "1",
        }
        async with running(tmp_path, "serve", environ=wrong) as process:
            assert await process.ends() == 2
            assert "Traceback" not in process.text
            for said in ("auth_token", "agent_url", "port", "limits.calls", "OFFHOOK_LIMIT__CALLS"):
                assert said in process.text, said
            assert all(line.startswith("config: ") for line in process.lines if line)
            assert "listens" not in process.text

    async def test_half_configured_never_listens(self, tmp_path: Path):
        for environ, said in (
            ({"TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_ACCOUNT_SID": SIGNED["TWILIO_ACCOUNT_SID"]}, "PUBLIC_URL"),
            ({"OFFHOOK_SERVER__HOST": "0.0.0.0"}, "server.host"),
            ({"RAILWAY_ENVIRONMENT_ID": "x"}, "auth_token"),
        ):
            async with running(tmp_path, "serve", environ={"PORT": "0", **environ}) as process:
                assert await process.ends() == 2
                assert said in process.text
                assert "listens" not in process.text
                assert "Traceback" not in process.text

    async def test_every_reason_not_to_serve_at_once(self, tmp_path: Path):
        """Valid one by one, wrong together: nothing of it is told only after the first is corrected."""
        wrong = {**SIGNED, "PORT": "0", "RAILWAY_PROJECT_ID": "p", "OFFHOOK_PUBLIC_URL": ""}
        async with running(tmp_path, "serve", environ=wrong) as process:
            assert await process.ends() == 2
            assert [line.split(" ")[1] for line in process.lines if line.startswith("config: ")] == [
                "server.host:",
                "OFFHOOK_PUBLIC_URL",
            ]
            assert "listens" not in process.text


class TestP8Port:
    async def test_in_use(self, tmp_path: Path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            async with running(tmp_path, "serve", environ={"PORT": port}) as process:
                assert await process.ends() in (1, 2)
                assert "Traceback" not in process.text
                (reason,) = [line for line in process.lines if line.startswith("config: ")]
                assert port in reason
                assert "PORT" in reason

    @pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "a..b", "a" * 80])
    async def test_no_such_interface(self, tmp_path: Path, host):
        environ = {**SIGNED, "PORT": "0", "OFFHOOK_SERVER__HOST": host}
        async with running(tmp_path, "serve", environ=environ) as process:
            assert await process.ends() == 2
            assert "Traceback" not in process.text
            (reason,) = [line for line in process.lines if line.startswith("config: ")]
            assert reason.startswith("config: server.host: cannot listen on ")

    async def test_ipv6(self, tmp_path: Path):
        if not socket.has_ipv6 or not _has_ipv6_loopback():
            pytest.skip("no IPv6 on this machine")
        async with running(tmp_path, "serve", environ={"PORT": "0", "OFFHOOK_SERVER__HOST": "[::1]"}) as process:
            said = await process.says(r"listens on (http://\[::1\]:\d+) ")
            async with aiohttp.ClientSession() as session, session.get(f"{said[1]}/livez") as answer:
                assert answer.status == 200


def _has_ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.fixture
async def agent():
    """An agent beside the process."""
    async with OfflineAgent(ScriptedMind()) as agent:
        yield agent


def environ(agent: OfflineAgent, **more: str) -> dict[str, str]:
    """Return the environment of a server of this machine only."""
    return {"PORT": "0", "DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url, **PATIENT, **more}


async def call(port: int, **behaviour: object) -> StreamClient:
    """Make a call and wait until the agent is heard."""
    client = await StreamClient.open(
        f"ws://127.0.0.1:{port}/twilio", identity=CallIdentity(), behaviour=Behaviour(**behaviour)
    )
    await client.begin()
    await client.wait_until(lambda: client.heard, WAIT_S)
    return client


@on_posix
class TestSignals:
    async def test_an_idle_server_stops_at_once(self, tmp_path: Path, agent):
        for number in (signal.SIGTERM, signal.SIGINT):
            async with running(tmp_path, "serve", environ=environ(agent)) as process:
                await process.port()
                await process.says("agent_checked")
                process.signal(number)
                assert await process.ends() == 0
                (stopped,) = events(process, "stopped")
                assert number.name in str(stopped["why"])
                assert "Traceback" not in process.text

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT] if sys.platform != "win32" else [])
    async def test_signals_that_would_end_it_silently(self, tmp_path: Path, agent, number):
        async with running(tmp_path, "serve", environ=environ(agent)) as process:
            await process.port()
            await process.says("agent_checked")
            process.signal(number)
            assert await process.ends() == 0
            (stopped,) = events(process, "stopped")
            assert str(stopped["why"]).startswith(number.name)

    async def test_whoever_started_it_may_have_it_outlive_the_terminal(self, tmp_path: Path, agent):
        """Under nohup the terminal's end is ignored, and so it stays."""
        started = [sys.executable, "-c", _NOHUP]
        async with started_process(started, tmp_path, {"PATH": os.environ["PATH"], **environ(agent)}) as process:
            await process.port()
            await process.says("agent_checked")
            process.signal(signal.SIGHUP)
            process.signal(signal.SIGTERM)
            assert await process.ends() == 0
            (stopped,) = events(process, "stopped")
            assert str(stopped["why"]).startswith("SIGTERM")

    async def test_on_a_platform_the_line_says_who_usually_sends_it(self, tmp_path: Path, agent):
        railway = {
            "RAILWAY_PROJECT_ID": "p",
            "RAILWAY_SERVICE_ID": "s",
            "RAILWAY_DEPLOYMENT_ID": "d-1",
            "RAILWAY_REPLICA_ID": "r-1",
            "RAILWAY_PUBLIC_DOMAIN": "voice.example.com",
        }
        signed = {**SIGNED, "OFFHOOK_SERVER__HOST": "", "OFFHOOK_PUBLIC_URL": ""}
        async with running(tmp_path, "serve", environ=environ(agent, **signed, **railway)) as process:
            await process.port()
            await process.says("agent_checked")
            process.signal(signal.SIGTERM)
            assert await process.ends() == 0
            (begun,) = events(process, "listening")
            assert (begun["deployment"], begun["replica"]) == ("d-1", "r-1")
            (stopped,) = events(process, "stopped")
            assert "SIGTERM on Railway" in str(stopped["why"])
            assert "drainingSeconds" in str(stopped["why"])
            assert str(stopped["message"]).startswith("stopped: SIGTERM on Railway")

    async def test_asked_to_stop_before_it_listens(self, tmp_path: Path, agent):
        """Whenever the signal comes, the process ends, and it says why: a line before it listens, the log's after."""
        started = [sys.executable, "-c", _STOPPED_WHILE_STARTING]
        async with started_process(started, tmp_path, {"PATH": os.environ["PATH"], **environ(agent)}) as process:
            assert await process.ends() == 0
            assert "stopped before it listened: SIGTERM" in process.text
            assert "Traceback" not in process.text

    async def test_a_signal_before_anything_is_ready(self, tmp_path: Path, agent):
        """Stopped while the first handshake with the agent is still under way."""
        from offhook.offline.faults import Faults

        agent.faults = Faults(never_upgrade=True)
        async with running(tmp_path, "serve", environ=environ(agent)) as process:
            await process.port()
            process.signal(signal.SIGTERM)
            assert await process.ends() == 0
            assert "Traceback" not in process.text

    async def test_p1_calls_go_on_and_it_ends_with_the_last(self, tmp_path: Path, agent):
        """Twenty live calls: none loses a frame, and the exit comes when the last one ends."""
        live = 20
        async with running(tmp_path, "serve", environ=environ(agent, OFFHOOK_LIMITS__CALLS_BURST="30")) as process:
            port = await process.port()
            await process.says("agent_checked")  # so that the probe is the agent's first call
            clients = await asyncio.gather(*(call(port) for _ in range(live)))
            await until(lambda: len(agent.calls) == live + 1 and all(c.sent("SettingsApplied") for c in agent.calls))
            sessions = list(agent.calls)[1:]
            frames = [bytes([n % 256]) * 160 for n in range(100)]
            sent = b"".join(frames)
            for n, frame in enumerate(frames):
                if n == 20:
                    process.signal(signal.SIGTERM)
                for client in clients:
                    await client.send_media(frame)
                await asyncio.sleep(0.005)
            await process.says('"draining"')
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    assert answer.status == 503
                form = {"CallSid": CallIdentity().call_sid, "AccountSid": CallIdentity().account_sid}
                async with session.post(f"http://127.0.0.1:{port}/twilio/voice", data=form) as answer:
                    assert [verb.tag for verb in ET.fromstring(await answer.text())] == ["Pause", "Redirect"]
            await until(lambda: all(bytes(s.heard).endswith(frames[-1]) for s in sessions))
            assert all(client.ended is None for client in clients)
            for client in clients:
                await client.hang_up()
                await client.aclose()
            assert await process.ends() == 0
            lost = [s for s in sessions if sent not in bytes(s.heard)]
            assert not lost, events(process, "call_ended")
            assert [e["cause"] for e in events(process, "call_ended")] == live * ["completed/caller_hung_up"]
            assert events(process, "waiting_for_calls")
            assert not agent.live

    async def test_p2_the_deadline_of_a_drain(self, tmp_path: Path, agent):
        async with running(tmp_path, "serve", environ=environ(agent, OFFHOOK_TIMEOUTS__DRAIN_S="0.3")) as process:
            port = await process.port()
            clients = [await call(port, playback_speed=20.0) for _ in range(2)]
            for client in clients:
                client.start_clock()  # frames keep coming: closing in their face would be answered with a reset
            process.signal(signal.SIGTERM)
            for client in clients:
                ended = await client.wait_ended(WAIT_S)
                assert (ended.how, ended.code) == ("closed", 1001)
                await client.aclose()
            assert await process.ends() == 0
            assert [e["cause"] for e in events(process, "call_ended")] == 2 * ["completed/drained"]

    @pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
    async def test_p3_the_second_signal_stops_now(self, tmp_path: Path, agent, second):
        async with running(tmp_path, "serve", environ=environ(agent)) as process:
            port = await process.port()
            clients = [await call(port) for _ in range(3)]
            for client in clients:
                client.start_clock()
            process.signal(signal.SIGTERM)
            await process.says('"draining"')
            process.signal(second)
            for client in clients:
                ended = await client.wait_ended(WAIT_S)
                assert (ended.how, ended.code) == ("closed", 1001)
                await client.aclose()
            assert await process.ends() == 0
            assert len(events(process, "call_ended")) == 3
            assert not agent.live

    async def test_ctrl_c_with_live_calls(self, tmp_path: Path, agent):
        async with running(tmp_path, "serve", environ=environ(agent)) as process:
            client = await call(await process.port())
            process.signal(signal.SIGINT)
            assert (await client.wait_ended(WAIT_S)).code == 1001
            await client.aclose()
            assert await process.ends() == 0
            assert "Traceback" not in process.text


@pytest.mark.skipif(sys.platform != "linux", reason="the most memory a process ever had is in /proc")
async def test_c11_what_follows_an_oversized_header_is_not_kept(tmp_path: Path, agent):
    """Eight peers announce 1 GiB and send as fast as they can until they are shut out; and the log stays a log."""

    async def flood(port: int) -> None:
        async with await Line.open(port) as line:
            await line.send(upgrade("/twilio"))
            await line.head()
            with contextlib.suppress(ConnectionError):
                await line.send(b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0")
                while True:
                    await line.send(b"x" * 1_000_000)

    async with running(tmp_path, "serve", environ=environ(agent)) as process:
        port = await process.port()
        await process.says("agent_checked")
        await flood(port)
        before = most_kib(process.pid)
        await asyncio.gather(*(flood(port) for _ in range(8)))
        assert most_kib(process.pid) - before < 8 * 256
        process.signal(signal.SIGTERM)
        assert await process.ends() == 0
        assert [event["reason"] for event in events(process, "refused")] == 9 * ["caller_oversize"]
        assert not [line for line in process.lines if not line.startswith(("{", "note:", "offhook listens"))]


def most_kib(pid: int) -> int:
    """Return the most resident memory that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


_NOHUP = """
import runpy, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.argv = ["offhook", "serve"]
runpy.run_module("offhook", run_name="__main__")
"""

#: SIGTERM in the middle of importing the settings: between the command's first line and its listening.
_STOPPED_WHILE_STARTING = """
import os, runpy, signal, sys
import pydantic
class Stopping:
    def find_spec(self, name, path=None, target=None):
        if name == "offhook.config.settings":
            os.kill(os.getpid(), signal.SIGTERM)
            while True:
                signal.pause()
sys.meta_path.insert(0, Stopping())
sys.argv = ["offhook", "serve"]
runpy.run_module("offhook", run_name="__main__")
"""

_BROKEN_LOOP = """
import asyncio, sys
from offhook.config.load import load
from offhook.observe.log import configure
from offhook import lifecycle

class Returns:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *_):
        pass
    async def drain(self):
        pass

def listening_now():
    raise RuntimeError("secret words")

configure("json", "info")
asyncio.run(lifecycle.serve(Returns(), listening_now))
"""


async def test_an_end_that_nobody_asked_for_says_so(tmp_path: Path):
    """A defect of ours on the way: exit code not 0, one line that says what it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BROKEN_LOOP, cwd=tmp_path, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode == 70
    lines = [json.loads(line) for line in (out + err).decode().splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["stopped"]
    assert "RuntimeError" in lines[0]["why"]


async def test_ctrl_c_before_the_signals_are_ours_is_explained():
    """asyncio's own answer to Ctrl-C is to cancel."""

    class Starting:
        async def __aenter__(self):
            await asyncio.sleep(3600)
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def drain(self) -> None:
            pass

    with logged() as log:
        serving = asyncio.create_task(lifecycle.serve(Starting(), lambda: None))
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    (stopped,) = log
    assert stopped["why"].startswith("before it listened: SIGINT")


@on_posix
@pytest.mark.parametrize("reader", ["gone", "asleep"])
async def test_x5_t6_a_server_whose_output_nobody_reads_goes_on(tmp_path: Path, reader):
    """Its standard error is a pipe without a reader, or with one that does not read: neither is waited for."""
    environ = {**os.environ, **SIGNED, "OFFHOOK_CONFIG": "", "PORT": str(free_port())}
    ours, theirs = os.pipe()
    if reader == "gone":
        os.close(ours)
    command = (sys.executable, "-m", "offhook", "serve")
    child = await asyncio.create_subprocess_exec(*command, stderr=theirs, cwd=tmp_path, env=environ)
    os.close(theirs)
    base = f"http://127.0.0.1:{environ['PORT']}"
    async with aiohttp.ClientSession() as session:
        assert await answers(session, f"{base}/livez")
        for _ in range(1000):  # each is a line of the log, and a pipe holds a few hundred
            async with session.post(f"{base}/twilio/voice", data={"CallSid": "x"}) as refused:
                assert refused.status == 403
        async with session.get(f"{base}/metrics") as metrics:
            dropped = re.search(r"offhook_log_lines_dropped ([0-9.e+]+)", await metrics.text())
        assert dropped is not None
        assert float(dropped[1]) > 0
    child.send_signal(signal.SIGTERM)
    assert await child.wait() == 0
    if reader != "gone":
        os.close(ours)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
class TestFullDisk:
    """What it says goes to a full disk, or to a stream that was closed: the exit code is what it would be otherwise."""

    @pytest.mark.parametrize(
        ("command", "where", "code"),
        [
            ("config path", ">/dev/full", 1),
            ("serve --port 99999", ">/dev/full 2>/dev/full", 2),
            ("config path", ">&- 2>&-", 0),
        ],
    )
    async def test_commands(self, tmp_path: Path, command, where, code):
        shell = f'"{sys.executable}" -m offhook {command} {where}'
        environ = {"PATH": os.environ["PATH"]}
        child = await asyncio.create_subprocess_exec(
            "sh", "-c", shell, cwd=tmp_path, env=environ, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(child.communicate(), WAIT_S)
        assert child.returncode == code
        assert b"Traceback" not in said

    @pytest.mark.parametrize("where", [">/dev/full 2>/dev/full", ">&- 2>&-"])
    async def test_a_server_goes_on_and_ends_well(self, tmp_path: Path, where):
        port = free_port()
        environ = {"PATH": os.environ["PATH"], "PORT": str(port)}
        shell = f'exec "{sys.executable}" -m offhook serve {where}'
        child = await asyncio.create_subprocess_exec("sh", "-c", shell, cwd=tmp_path, env=environ)
        async with aiohttp.ClientSession() as session:
            assert await answers(session, f"http://127.0.0.1:{port}/livez")
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), WAIT_S) == 0


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Ask until somebody answers, or nobody does for long."""
    for _ in range(200):
        try:
            async with session.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    return False
