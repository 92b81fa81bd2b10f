"""The benchmark measures what it says: an honest relay is exact, and each lie of a relay is seen."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit.ports import free_port

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RUN_S = 40

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The C programs, freshly built; a skip that says what is missing where they cannot be."""
    spec = importlib.util.spec_from_file_location("offhook_benchmark_build", BENCHMARKS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    try:
        yield build.build(tmp_path_factory.mktemp("build"))
    except build.NoCompiler as missing:
        pytest.skip(str(missing))


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process, key: str) -> dict[str, Any]:
    """The next JSON line of a program that has this key."""
    assert process.stdout is not None
    async with asyncio.timeout(RUN_S):
        async for line in process.stdout:
            message: dict[str, Any] = json.loads(line)
            if key in message:
                return message
    pytest.fail(f"{key} was never said")


async def call(load: Path, relay: list[str], calls: int, seconds: float, *options: str) -> dict[str, Any]:
    """Run the load through a relay that `relay` starts ({agent} is the agent's address), give its result."""
    ports = [str(free_port()) for _ in range(2)]
    address = f"127.0.0.1:{ports[0]}/v1/agent/converse"
    command = [part.replace("{agent}", address).replace("{port}", ports[1]) for part in relay]
    asked = [
        "--calls",
        str(calls),
        "--seconds",
        str(seconds),
        "--ramp",
        "100",
        "--settle",
        "0.2",
        "--barge",
        "0.5",
        *options,
    ]
    async with running(*command) as bridge:
        await said(bridge, "port")
        target = ["--target", f"127.0.0.1:{ports[1]}", "--agent-port", ports[0]]
        async with running(str(load), *target, *asked) as process:
            result = await said(process, "exact")
            async with asyncio.timeout(RUN_S):
                result["exit"] = await process.wait()
            return result


def liar(fault: str, direction: str = "up") -> list[str]:
    script = BENCHMARKS / "peers" / "picows_relay.py"
    return [sys.executable, str(script), "--agent", "ws://{agent}", "--port", "{port}", "--fault", fault,
            "--direction", direction]  # fmt: skip


@pytest.mark.parametrize("agent", ["realtime", "burst"])
async def test_the_c_relay_is_byte_exact(programs: dict[str, Path], agent: str) -> None:
    """Twenty calls in real time through the bare relay, by its webhook: every frame of both ways, once, in order."""
    relay = [str(programs["relay"]), "--agent", "{agent}", "--port", "{port}"]

    result = await call(programs["load"], relay, 20, 3, "--agent", agent, "--webhook", "/twilio/voice")

    assert result["exact"] is True, result
    assert result["exit"] == 0
    assert result["leaked_agent_sockets"] == 0
    assert result["up"]["frames"] >= 20 * 3 * 50
    assert result["down"]["frames"] >= 20 * 1.5 * 50
    assert result["clears"]["due"] >= 20
    assert result["clear_round_trip"]["count"] == result["clears"]["due"]


async def test_hang_ups_at_random_leave_no_agent_socket(programs: dict[str, Path]) -> None:
    """A hundred short calls, a third of them reset without a word: the agent's sockets all end within a second."""
    relay = [str(programs["relay"]), "--agent", "{agent}", "--port", "{port}"]

    result = await call(programs["load"], relay, 100, 2, "--shortest", "0.1", "--abrupt", "0.3")

    assert result["failed"] == 0
    assert result["leaked_agent_sockets"] == 0
    assert result["agent_sockets"] == 100


#: Fault and direction → what of the result must say so.
FAULTS: dict[tuple[str, str], Callable[[dict[str, Any]], bool]] = {
    ("none", "up"): lambda r: r["exact"] and r["exit"] == 0,
    ("drop=0.02", "up"): lambda r: r["up"]["lost"] > 0,
    ("drop=0.02", "down"): lambda r: r["down"]["lost"] > 0 and r["up"]["lost"] == 0,
    ("repeat=0.02", "up"): lambda r: r["up"]["repeated"] > 0 and r["up"]["lost"] == 0,
    ("swap=0.02", "up"): lambda r: r["up"]["lost"] > 0 and r["up"]["repeated"] > 0,
    ("late=0.02", "up"): lambda r: r["up"]["lost"] > 0 and r["up"]["repeated"] > 0,
    ("corrupt=0.02", "up"): lambda r: r["up"]["corrupt"] > 0,
    ("corrupt=0.02", "down"): lambda r: r["down"]["corrupt"] > 0,
    ("shorten=0.02", "down"): lambda r: r["down"]["corrupt"] > 0,
    ("cross=0.05", "up"): lambda r: r["crossed"] > 0,
    ("no-clear", "up"): lambda r: r["clears"]["late"] + r["clears"]["missed"] == r["clears"]["due"] > 0,
    ("late-clear", "up"): lambda r: r["clears"]["late"] > 0,
    ("leak", "up"): lambda r: r["leaked_agent_sockets"] == 12,
}


async def test_each_fault_of_a_relay_is_reported(programs: dict[str, Path]) -> None:
    """One frame in fifty spoiled, or one promise broken: the load says which, and does not call the run good."""
    room = asyncio.Semaphore(4)

    async def judge(fault: str, direction: str) -> dict[str, Any]:
        async with room:
            return await call(programs["load"], liar(fault, direction), 12, 1.5)

    results = await asyncio.gather(*(judge(*lie) for lie in FAULTS))

    unseen = {lie: result for lie, result in zip(FAULTS, results, strict=True) if not FAULTS[lie](result)}
    assert unseen == {}
    assert {lie[0] for lie, result in zip(FAULTS, results, strict=True) if result["exit"] == 0} == {"none"}
