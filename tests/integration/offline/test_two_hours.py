"""A call of two hours with the offline agent, every frame of it, on a loop that skips what everybody waits for."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import websockets
from tests.shell.offline.client import connected, settings

from offhook.offline.clock import WoundLoop, hurried
from offhook.offline.manners import Manners, Timers
from offhook.offline.script import Script, Turn
from offhook.offline.scripted import ScriptedMind, tone
from offhook.offline.server import OfflineAgent
from offhook.wire import ulaw

ANSWER = "It is a quarter past something, as it was before."
MIND = ScriptedMind(Script(otherwise=Turn("Utterance {n}.", [ANSWER])))
#: One caller frame; 100 ms is within what the vendor recommends.
FRAME_MS = 100
#: What the caller does, over and over: a second of speech, then silence.
SPEECH = tone("somebody speaks for a second")[:8000]
ROUND_S = 60


async def one_call() -> tuple[list[tuple[float, str]], list[str], int, float]:
    """Return when each code came, all kinds, audio bytes, and how long the call was; times in wound seconds."""
    loop = asyncio.get_running_loop()
    codes: list[tuple[float, str]] = []
    async with OfflineAgent(MIND, keep_audio=False) as agent, connected(agent, limit_s=8000) as client:
        opened = loop.time()
        await client.sends(settings())
        await client.gets("SettingsApplied")
        half = ulaw.silence(ROUND_S * 500 - 500)
        heard = half + SPEECH + half
        frames = [heard[n : n + FRAME_MS * 8] for n in range(0, len(heard), FRAME_MS * 8)]
        due, sent = loop.time(), 0
        while client.closed is None:
            with contextlib.suppress(websockets.ConnectionClosed):  # the end may be on its way
                await client.sends(frames[sent % len(frames)])
            sent += 1
            due += FRAME_MS / 1000
            await asyncio.sleep(due - loop.time())
            known = len(codes)
            codes += [(loop.time() - opened, m["code"]) for m in client.messages if "code" in m][known:]
        return codes, client.kinds(), len(client.audio), loop.time() - opened


@pytest.mark.slow
def test_a_two_hour_call_is_warned_ended_and_talks_all_the_way() -> None:
    with asyncio.Runner(loop_factory=WoundLoop) as runner:
        codes, kinds, audio_bytes, length_s = runner.run(one_call())
    assert [code for _, code in codes] == ["MAXIMUM_SESSION_LENGTH_APPROACHING", "MAXIMUM_SESSION_LENGTH_REACHED"]
    assert [at for at, _ in codes] == pytest.approx([6900, 7200], abs=1)
    assert length_s == pytest.approx(7200, abs=1)
    turns = 7200 // ROUND_S
    assert kinds.count("AgentAudioDone") == turns
    assert kinds.count("UserStartedSpeaking") == turns
    assert audio_bytes == turns * len(tone(ANSWER))
    assert kinds[-1] == "Error"


async def left_alone() -> tuple[list[str], float, float]:
    """Return the codes that came, and how long it took in wound and in real seconds."""
    loop = asyncio.get_running_loop()
    manners = Manners(timers=Timers(settings_s=6))
    async with OfflineAgent(ScriptedMind(), manners=manners) as agent:
        began, really = loop.time(), time.monotonic()
        async with connected(agent) as client:
            await client.is_closed()
            codes = [m["code"] for m in client.messages if "code" in m]
            return codes, loop.time() - began, time.monotonic() - really


def test_a_hurried_loop_keeps_the_wound_time() -> None:
    with asyncio.Runner(loop_factory=hurried(20)) as runner:
        codes, passed_s, really_s = runner.run(left_alone())
    assert codes == ["CLIENT_MESSAGE_TIMEOUT"]
    assert passed_s >= 6
    assert passed_s / really_s == pytest.approx(20, rel=0.1)
