"""Puts calls in real time on the offline agent, which has one core, and reads what they cost it. Judges no bridge.

    python benchmarks/twin_load.py --calls 200 --seconds 10

The agent is a process of its own on the first core (`offhook agent --scripted`), this client is on another. Every call
sends a frame of caller audio each 20 ms: two seconds of speech, then silence for the rest of ten; the agent greets,
hears, and answers, so about half of the time its audio is on the way. Linux, for the pinning.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from typing import Any, Final

import psutil
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from offhook.offline.scripted import tone

TICK_S: Final = 0.02
FRAME: Final = 160
SPEECH: Final = tone("two seconds of somebody who speaks, loudly")[: 8000 * 2]
ROUND: Final = SPEECH + b"\xff" * (8000 * 10 - len(SPEECH))
FRAMES: Final = [ROUND[n : n + FRAME] for n in range(0, len(ROUND), FRAME)]
#: After this much silence the scripted ears take a turn as over.
CONFIRM_S: Final = 0.7
SETTINGS: Final = json.dumps(
    {
        "type": "Settings",
        "audio": {
            "input": {"encoding": "mulaw", "sample_rate": 8000},
            "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
        },
        "agent": {"greeting": "Hello, this is the offline agent. How can I help you today?"},
    }
).encode()


class Call(WSListener):
    """One client of the agent."""

    def __init__(self, number: int) -> None:
        self.at = (number * 37) % len(FRAMES)  # not everybody speaks at once
        self.audio_bytes = 0
        self.turns = 0
        self.is_ready = False
        self.is_open = True
        self.silent_at: float | None = None
        self.delays_s: list[float] = []
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        transport.send(WSMsgType.TEXT, SETTINGS)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self.audio_bytes += frame.payload_size
            return
        if frame.msg_type != WSMsgType.TEXT:
            self.is_open = False
            return
        text = frame.get_payload_as_bytes()
        self.is_ready = self.is_ready or b'"SettingsApplied"' in text
        if b'"role":"user"' in text and b"ConversationText" in text and self.silent_at is not None:
            self.turns += 1
            self.delays_s.append(time.perf_counter() - self.silent_at - CONFIRM_S)
            self.silent_at = None

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.is_open = False

    def tick(self) -> None:
        """Send the next frame."""
        assert self.transport is not None
        self.transport.send(WSMsgType.BINARY, FRAMES[self.at])
        self.at = (self.at + 1) % len(FRAMES)
        if self.at * FRAME == len(SPEECH):
            self.silent_at = time.perf_counter()


async def ticking(calls: list[Call], seconds: float) -> float:
    """Send everybody's frames for so long; return the worst lateness of this client."""
    due, worst = time.perf_counter(), 0.0
    end = due + seconds
    while due < end:
        worst = max(worst, time.perf_counter() - due)
        for call in calls:
            if call.is_ready:
                call.tick()
        due += TICK_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return worst


async def measured(url: str, agent: psutil.Process, count: int, seconds: float) -> dict[str, Any]:
    """Open the calls, warm up, measure."""
    calls = []
    for number in range(count):
        call = Call(number)
        await ws_connect(lambda call=call: call, url, extra_headers={"Authorization": "Token x"})
        calls.append(call)
    await ticking(calls, 3.0)
    for call in calls:
        call.audio_bytes, call.turns = 0, 0
        call.delays_s.clear()
    before, began = agent.cpu_times(), time.perf_counter()
    late_s = await ticking(calls, seconds)
    after, took_s = agent.cpu_times(), time.perf_counter() - began
    cpu_s = after.user + after.system - before.user - before.system
    delays = sorted(delay for call in calls for delay in call.delays_s)
    answer = {
        "calls": count,
        "open at the end": sum(call.is_open for call in calls),
        "seconds": round(took_s, 2),
        "core used": f"{cpu_s / took_s:.0%}",
        "CPU ms per call-second": round(cpu_s * 1000 / count / took_s, 3),
        "turns": sum(call.turns for call in calls),
        "agent audio, share of the time": f"{sum(c.audio_bytes for c in calls) / 8000 / count / took_s:.0%}",
        "confirmation late, ms": {
            "median": round(statistics.median(delays) * 1000, 1) if delays else None,
            "p99": round(delays[int(len(delays) * 0.99)] * 1000, 1) if delays else None,
        },
        "client late at worst, ms": round(late_s * 1000, 1),
        "MB": round(agent.memory_info().rss / 1e6),
    }
    for call in calls:
        assert call.transport is not None
        call.transport.send_close()
        call.transport.disconnect()
    return answer


def main() -> None:
    """Start the agent, measure it, stop it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--seconds", type=float, default=10.0)
    asked = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "offhook", "agent", "--scripted", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            agent = psutil.Process(process.pid)
            agent.cpu_affinity(cores[:1])
            os.sched_setaffinity(0, set(cores[1:]) or set(cores))
            assert process.stderr is not None
            url = re.search(r"ws://\S+", process.stderr.readline())
            assert url is not None
            print(json.dumps(asyncio.run(measured(url.group(), agent, asked.calls, asked.seconds)), indent=1))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
