"""`offhook load`: what it says of a relay is true, and it measures a server of its own by one command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from offhook.sim.load import Load, LoadPlan, LoadReport, is_local

RELAY = Path(__file__).parents[2] / "benchmarks" / "peers" / "picows_relay.py"
START_S = 20


@contextlib.asynccontextmanager
async def relay(agent_url: str, fault: str) -> AsyncIterator[str]:
    """A naive relay as a program of its own, with a fault; gives its stream URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(RELAY), "--agent", agent_url, "--fault", fault, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            port = json.loads(await process.stdout.readline())["port"]
        yield f"ws://127.0.0.1:{port}/twilio"
    finally:
        process.kill()
        await process.communicate()


async def loaded(fault: str, *, calls: int = 6, seconds: float = 2.0) -> LoadReport:
    async with Load() as load, relay(load.agent_url, fault) as url:
        return await load.run(LoadPlan(url, calls, seconds, starts_per_s=50, barge_in_s=0.6))


async def test_an_honest_relay_is_good() -> None:
    """Six calls in real time: all heard, exact, cleared, nothing left open, delays measured."""
    report = await loaded("none")

    assert report.is_good, report
    assert report.is_exact
    assert report.audible == 6
    assert report.up_delay.count >= 6 * 2 * 45
    assert report.clears_due == report.clear_round_trip.count > 0
    assert report.first_audio.count == 6


#: What a relay does wrong → what of the report must say so.
LIES: dict[str, Callable[[LoadReport], bool]] = {
    "drop=0.05": lambda r: r.up.lost > 0,
    "repeat=0.05": lambda r: r.up.repeated > 0,
    "corrupt=0.05": lambda r: r.up.corrupt > 0,
    "no-clear": lambda r: r.clears_missed > 0,
    "leak": lambda r: r.leaked_agent_sockets == 6,
}


async def test_a_lying_relay_is_not_good() -> None:
    """Each lie is named in the report."""
    reports = dict(zip(LIES, await asyncio.gather(*(loaded(lie, seconds=1.5) for lie in LIES)), strict=True))

    assert {lie: report for lie, report in reports.items() if not LIES[lie](report)} == {}
    assert [lie for lie, report in reports.items() if report.is_good] == []


async def test_nobody_answers() -> None:
    """A port where nothing listens fails every call with a reason and nothing hangs."""
    async with Load() as load:
        report = await load.run(LoadPlan("ws://127.0.0.1:9/twilio", calls=3, seconds=0.1, starts_per_s=50))

    assert sum(report.failures.values()) == 3
    assert not report.is_good


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8080/twilio/voice", True),
        ("ws://[::1]:8080/twilio", True),
        ("http://localhost/", True),
        ("https://bridge.example.com/twilio/voice", False),
        ("http://10.0.0.1/", False),
        ("not a url", False),
    ],
)
def test_load_goes_to_this_machine_only(url: str, local: bool) -> None:
    """Only loopback addresses are local."""
    assert is_local(url) is local


async def test_other_machines_are_refused() -> None:
    """Neither the command nor the library puts load on somebody else."""
    async with Load() as load:
        with pytest.raises(ValueError, match="this machine"):
            await load.run(LoadPlan("http://192.0.2.1/twilio/voice"))


@pytest.mark.slow
async def test_one_command_measures_a_server_of_its_own(tmp_path: Path) -> None:
    """`offhook load --json` starts the server, calls it by its signed webhook, and stops it again."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "load", "--calls", "4", "--seconds", "2", "--json"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        said, complained = await process.communicate()

    assert process.returncode == 0, complained.decode()
    report = json.loads(said)
    assert report["good"] is True
    assert report["exact"] is True
    assert report["audible"] == 4
    assert report["leaked_agent_sockets"] == 0
