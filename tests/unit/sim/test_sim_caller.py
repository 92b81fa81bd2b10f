"""The caller's decisions, on a line whose time is ours."""

from collections.abc import Callable

import pytest

from offhook.sim.caller import Caller, HangUp, Interrupt, LineOver, Pause, Press, Say, WaitForAgent, WaitForHangUp
from offhook.sim.hearing import Hearing
from offhook.wire.ulaw import silence

LOUD = b"\x10\x90" * 80  # 20 ms


class VirtualLine:
    """A line in virtual time: the agent is audible in the given spans; each wait moves time by 10 ms."""

    def __init__(self, *spans: tuple[int, int], ends_ms: float = 1e9, answered_ms: float = 0.0) -> None:
        self._answered_ms = answered_ms
        self.agent = Hearing()
        self.did: list[tuple[float, str]] = []
        self._now = 0.0
        self._spans = list(spans)
        self._ends_ms = ends_ms

    def now_ms(self) -> float:
        return self._now

    @property
    def is_answered(self) -> bool:
        return self._now >= self._answered_ms

    def _pass(self, ms: float) -> None:
        for _ in range(round(ms / 10)):
            audible = any(start <= self._now < end for start, end in self._spans)
            self.agent.feed(self._now, LOUD[:80] if audible else silence(10))
            self._now += 10

    async def say(self, audio: bytes, text: str) -> None:
        self.did.append((self._now, f"say {text}"))
        self._pass(len(audio) / 8)

    async def press(self, digit: str) -> None:
        self.did.append((self._now, f"press {digit}"))

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        until = self._now + timeout_s * 1000
        while not fact():
            if self._now >= self._ends_ms:
                raise LineOver
            if self._now >= until:
                return False
            self._pass(10)
        return True


ONE_SECOND = b"\x10" * 8000


async def test_however_long_it_rings_a_caller_listens_from_the_answer_on():
    line = VirtualLine((20_500, 21_000), answered_ms=20_000)
    caller = Caller([WaitForAgent(timeout_s=1.0), Say(ONE_SECOND, "hi")])
    await caller.talk(line)
    assert [what for _, what in line.did] == ["say hi"]
    assert caller.problems == []


async def test_a_caller_speaks_after_the_greeting_and_its_pauses():
    line = VirtualLine((500, 1000), (1500, 2000))
    caller = Caller([WaitForAgent(quiet_ms=800), Say(ONE_SECOND, "hi"), HangUp(), Say(ONE_SECOND, "never")])
    await caller.talk(line)
    assert line.did == [(pytest.approx(2800, abs=20), "say hi")]
    assert (caller.problems, caller.steps_done) == ([], 2)


async def test_dead_air_is_given_up():
    line = VirtualLine()
    caller = Caller([WaitForAgent(timeout_s=5), Say(ONE_SECOND, "hi")])
    await caller.talk(line)
    assert caller.dead_air
    assert line.did == []
    assert line.now_ms() == pytest.approx(5000, abs=20)
    assert "dead air" in caller.problems[0]


async def test_the_greeting_does_not_count_as_the_answer():
    line = VirtualLine((0, 1000))
    caller = Caller([WaitForAgent(), Say(ONE_SECOND, "hi"), WaitForAgent(timeout_s=5)])
    await caller.talk(line)
    assert caller.dead_air


async def test_an_interruption_comes_after_so_much_was_heard():
    line = VirtualLine((1000, 9000))
    await Caller([Interrupt(700, ONE_SECOND, "no")]).talk(line)
    assert line.did == [(pytest.approx(1700, abs=20), "say no")]


async def test_an_agent_too_short_to_be_interrupted_is_said():
    line = VirtualLine((1000, 1200))
    caller = Caller([Interrupt(900, ONE_SECOND, "no")])
    await caller.talk(line)
    assert len(line.did) == 1
    assert caller.problems == ["nothing to interrupt: the agent spoke for less than 900 ms"]


async def test_keys_and_pauses_take_their_time():
    line = VirtualLine()
    await Caller([Press("1#", gap_ms=100), Pause(2), Press("2")]).talk(line)
    assert line.did == [(0, "press 1"), (100, "press #"), (2200, "press 2")]


async def test_a_server_that_does_not_hang_up_is_a_problem():
    caller = Caller([WaitForHangUp(3)])
    await caller.talk(VirtualLine())
    assert caller.problems == ["the server did not hang up within 3 s"]


async def test_a_server_that_hangs_up_ends_everything():
    caller = Caller([WaitForHangUp(3), Say(ONE_SECOND)])
    with pytest.raises(LineOver):
        await caller.talk(VirtualLine(ends_ms=1000))
    assert caller.problems == []
