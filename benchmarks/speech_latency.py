"""How fast the offline agent answers: caller's last audible sample → first audible sample of the reply.

Measured where a client stands: on the agent's real WebSocket, in real time, 20 ms frames both ways, on the audio
itself. A reply counts from when its first audible sample could be played: arrival of its first bytes plus whatever
silence is in front of it. Run from the repository, with the `offline` extra: ``python benchmarks/speech_latency.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from offhook.offline.speech import sound
from offhook.offline.speech.synthesise import Hibari
from offhook.wire import ulaw

LINES = (
    "What time do you open on Saturday?",
    "And where exactly are you located?",
    "I would like to book an appointment.",
    "Next Friday, please.",
    "Half past three would be great.",
    "My name is Alice Brown.",
    "Yes, that is correct.",
    "Can you tell me your opening hours on Monday?",
    "How are you today?",
    "Thank you very much.",
)
SETTINGS = {
    "type": "Settings",
    "audio": {
        "input": {"encoding": "mulaw", "sample_rate": 8000},
        "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
    },
    "agent": {"think": {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "prompt": ""}},
}
REPLY_S = 15.0
AUDIBLE_DBFS = -45.0


@dataclass
class Caller:
    """One call that speaks its lines and notes when it was answered."""

    socket: aiohttp.ClientWebSocketResponse
    lines: list[bytes]
    waits: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unanswered: int = 0
    reply_at: float | None = None
    plays_until: float = 0.0
    is_done: bool = False
    armed: bool = False

    async def listen(self) -> None:
        async for message in self.socket:
            now = time.perf_counter()
            if message.type is aiohttp.WSMsgType.TEXT:
                said = json.loads(message.data)
                if said["type"] == "UserStartedSpeaking":
                    self.plays_until = now
                elif said["type"] == "ConversationText" and said["role"] == "user":
                    self.texts.append(said["content"])
                elif said["type"] == "Error":
                    raise SystemExit(f"agent: {said}")
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._hear(message.data, now)

    def _hear(self, audio: bytes, now: float) -> None:
        starts = max(now, self.plays_until)
        start, end = sound.audible_span(sound.from_ulaw(audio), AUDIBLE_DBFS)
        if self.armed and self.reply_at is None and end:
            self.reply_at = starts + start / 8000
        self.plays_until = starts + len(audio) / 8000

    async def speak(self, rng: random.Random) -> None:
        await self.send(ulaw.silence(int(rng.uniform(200, 1500))))
        for line in self.lines:
            self.reply_at, self.armed = None, True
            _, end = sound.audible_span(sound.from_ulaw(line), AUDIBLE_DBFS)
            silent_at = time.perf_counter() + end / 8000
            await self.send(line)
            asked = time.perf_counter()
            while self.reply_at is None and time.perf_counter() - asked < REPLY_S:
                await self.send(ulaw.silence(20))
            if self.reply_at is None:
                self.unanswered += 1
                continue
            self.waits.append(self.reply_at - silent_at)
            while time.perf_counter() < self.plays_until:
                await self.send(ulaw.silence(20))
            self.armed = False
            await self.send(ulaw.silence(int(rng.uniform(300, 1200))))
        self.is_done = True

    async def send(self, audio: bytes) -> None:
        """Send in real time; the clock runs on over calls, so that no delay adds up."""
        started = time.perf_counter()
        for at in range(0, len(audio), 160):
            await self.socket.send_bytes(audio[at : at + 160])
            left = started + (at + 160) / 8000 - time.perf_counter()
            if left > 0:
                await asyncio.sleep(left)


@asynccontextmanager
async def agent(url: str | None):
    if url:
        yield url
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "agent", "--port", "0", stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(180):
            while b"listening on" not in (line := await process.stderr.readline()):
                if not line:
                    raise SystemExit("the agent did not start")
                sys.stderr.buffer.write(line)
        yield line.split(b"listening on ")[1].split()[0].decode()
    finally:
        process.terminate()
        await process.wait()


async def measure(url: str, calls: int, lines: list[bytes], rng: random.Random) -> list[Caller]:
    async with aiohttp.ClientSession() as session:

        async def call(number: int) -> Caller:
            headers = {"Authorization": "Token offline"}
            async with session.ws_connect(url, headers=headers, max_msg_size=0) as socket:
                await socket.send_json(SETTINGS)
                while (await socket.receive_json())["type"] != "SettingsApplied":
                    pass
                # Every call says the same lines, each beginning with another one.
                caller = Caller(socket, lines[number % len(lines) :] + lines[: number % len(lines)])
                listening = asyncio.create_task(caller.listen())
                await caller.speak(rng)
                await socket.close()
                await listening
                return caller

        return await asyncio.gather(*(call(n) for n in range(calls)))


def words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="an agent that runs already; else `offhook agent` is started")
    parser.add_argument("--calls", type=int, nargs="*", default=[1, 8], help="how many at once, one run each")
    parser.add_argument("--verbose", action="store_true", help="every wait, and what was heard")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    voice = Hibari()
    lines = [b"".join(voice(text, caller=True)) for text in LINES]
    rng = random.Random(1)
    rows = []
    async with agent(args.url) as url:
        for calls in args.calls:
            callers = await measure(url, calls, lines, rng)
            waits = sorted(w for c in callers for w in c.waits)
            wanted = {words(line) for line in LINES}
            exact = sum(words(t) in wanted for c in callers for t in c.texts)
            if args.verbose:
                for caller in callers:
                    print([round(w, 2) for w in caller.waits], caller.texts)
            rows.append(
                {
                    "calls": calls,
                    "turns": len(waits),
                    "median_s": round(statistics.median(waits), 3),
                    "p90_s": round(waits[int(0.90 * (len(waits) - 1))], 3),
                    "p95_s": round(waits[int(0.95 * (len(waits) - 1))], 3),
                    "max_s": round(waits[-1], 3),
                    "unanswered": sum(c.unanswered for c in callers),
                    "exact": exact,
                    "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
                }
            )
    heads = list(rows[0])
    print("  ".join(f"{h:>10}" for h in heads))
    for row in rows:
        print("  ".join(f"{row[h]!s:>10}" for h in heads))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
