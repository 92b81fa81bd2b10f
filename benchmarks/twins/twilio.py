"""What one simulated call costs: many of them in real time in this process, on a server that echoes every frame.

python -m benchmarks.twins.twilio [CALLS] [SECONDS]: prints CPU per call-second and whether every frame went out. On
Linux the echo gets a core of its own. Every caller speaks half of the time, so both sides' hearing has work to do.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import uvloop

from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Pause, Say, Step
from offhook.sim.tones import tone


def _steps(number: int, seconds: float) -> list[Step]:
    """Speak one second of every two, each caller at its own pitch."""
    voice = tone(200 + number, 1000)
    steps: list[Step] = []
    for _ in range(int(seconds / 2)):
        steps += [Say(voice), Pause(1.0)]
    return [*steps, HangUp()]


async def measured(port: int, calls: int, seconds: float) -> dict[str, float]:
    """Make the calls; return the figures."""
    made = [SimulatedCall(f"ws://127.0.0.1:{port}/", _steps(number, seconds), CallOptions()) for number in range(calls)]

    async def later(call: SimulatedCall, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await call.run()

    cpu_s, wall_s = time.process_time(), time.monotonic()
    await asyncio.gather(*(later(call, number / 200) for number, call in enumerate(made)))
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    reports = [call.report() for call in made]
    lasted_s = sum(report.ended.at_ms - (report.stream_started_ms or 0.0) for report in reports) / 1000
    heard_s = sum(report.heard_ms for report in reports) / 1000
    sent = sum(report.frames_sent for report in reports)
    return {
        "calls": calls,
        "seconds": round(wall_s, 2),
        "cpu_ms_per_call_second": round(1000 * cpu_s / lasted_s, 3),
        "core_share": round(cpu_s / wall_s, 3),
        "frames_sent": sent,
        "frames_due": round(lasted_s * 50),
        "frames_dropped": sum(report.frames_dropped for report in reports),
        "complaints": sum(len(report.complaints) for report in reports),
        "said_s": round(calls * (seconds // 2)),
        "heard_s": round(heard_s, 1),
    }


async def main(calls: int, seconds: float) -> None:
    """Start the echo, measure, print."""
    echo = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("echo.py")), stdout=asyncio.subprocess.PIPE
    )
    assert echo.stdout is not None
    port = int(await echo.stdout.readline())
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {0})
        os.sched_setaffinity(echo.pid, {1})
    try:
        print(json.dumps(await measured(port, calls, seconds)))
    finally:
        echo.terminate()
        await echo.communicate()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, float(sys.argv[2]) if len(sys.argv) > 2 else 10.0))
