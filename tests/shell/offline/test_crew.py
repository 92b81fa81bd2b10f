"""Real worker processes: order, priority, death, silence after a close."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import psutil
import pytest

from offhook.errors import OurError
from offhook.offline.speech import crew as crew_module
from offhook.offline.speech import orders
from offhook.offline.speech.crew import Crew, Priority
from offhook.offline.speech.voice import SpokenVoice

pytestmark = pytest.mark.speech

DEADLINE_S = 60.0


def worker_of(kind: str) -> psutil.Process:
    for child in psutil.Process().children():
        if child.cmdline()[-1:] == [kind]:
            return child
    raise AssertionError(f"no {kind} worker")


async def test_a_voice_speaks_survives_its_worker_and_leaves_nothing() -> None:
    told: list[str] = []
    crew = Crew("voice", 1, told.append)
    async with asyncio.timeout(DEADLINE_S):
        await crew.start()
        voice = SpokenVoice(crew)
        first = b"".join([piece async for piece in voice.say("Good morning.")])
        assert crew.engine == "hibari heart"

        worker_of("voice").kill()
        again = b"".join([piece async for piece in voice.say("Good morning.")])
        assert again == first, "the same sentence, by the second worker, bit for bit"

        done: list[str] = []
        tickets = [
            crew.submit(orders.Synthesise("One."), Priority.SPECULATIVE, lambda _: done.append("speculative")),
            crew.submit(orders.Synthesise("Two."), Priority.SPECULATIVE, lambda _: done.append("stale")),
            crew.submit(orders.Synthesise("Three."), Priority.CONFIRMED, lambda _: done.append("confirmed")),
        ]
        tickets[1].cancel()
        assert b"".join([piece async for piece in voice.say("Last.")])
        while not tickets[0].is_over:  # noqa: ASYNC110  # polls a fact
            await asyncio.sleep(0.01)
        assert "stale" not in done
        assert done.index("confirmed") < done.index("speculative")
        await crew.close()
        assert told == []
        while psutil.Process().children():  # noqa: ASYNC110  # polls a fact
            await asyncio.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_ctrl_c_does_not_reach_a_worker() -> None:
    crew = Crew("voice", 1, lambda _: None)
    async with asyncio.timeout(DEADLINE_S):
        await crew.start()
        worker = worker_of("voice")
        assert os.getpgid(worker.pid) != os.getpgid(0)
        worker.send_signal(signal.SIGINT)
        assert [piece async for piece in SpokenVoice(crew).say("Still here.")]
        assert worker_of("voice").pid == worker.pid
        await crew.close()


async def test_a_worker_ends_when_its_parent_does() -> None:
    program = (
        "import asyncio, sys\n"
        "from offhook.offline.speech.crew import Crew\n"
        "async def main():\n"
        "    await Crew('voice', 1, lambda _: None).start()\n"
        "    print('up', flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await parent.stdout.readline() == b"up\n"
        (worker,) = psutil.Process(parent.pid).children()
        parent.kill()
        await parent.wait()
        while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110  # polls a fact
            await asyncio.sleep(0.02)


async def test_a_worker_that_cannot_start_is_an_error_and_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module.sys, "executable", str(os.devnull))
    crew = Crew("voice", 1, lambda _: None)
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(OurError):
            await crew.start()


async def test_what_nobody_can_do_fails_at_once() -> None:
    words = SpokenVoice(Crew("voice", 1, lambda _: None)).say("Nobody is there.")
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(OurError):
            await anext(words)
