"""The person on the line: a list of steps, carried out by what is *heard*. Not Twilio, and does no I/O itself.

A caller who asks, interrupts once and leaves after the goodbye::

    steps = [
        WaitForAgent(),                                   # the greeting, until 0.8 s of silence were heard after it
        Say(opening_hours, "When are you open?"),         # µ-law bytes; the text is for the report
        Interrupt(after_ms=900, audio=wait, text="No, on Sunday."),
        WaitForAgent(),
        Say(goodbye, "Thank you, goodbye."),
        WaitForAgent(),
        HangUp(),
    ]
    report = await SimulatedCall("http://127.0.0.1:8080/twilio/voice", steps).run()     # offhook.sim.call
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

from offhook.sim.hearing import Hearing
from offhook.sim.tones import tone

#: For a stream to be there that a step disturbs.
STREAM_S: Final = 15.0
#: How long it may ring is not the caller's business but the call's, and their patience's.
NEVER_S: Final = 1e9


@dataclass(frozen=True, slots=True)
class WaitForAgent:
    """Listen until the agent has spoken and then been silent for ``quiet_ms``.

    Nothing audible within ``timeout_s`` of an answer is dead air: the caller gives up. One who talks longer than
    ``longest_s`` is not waited for.
    """

    quiet_ms: float = 800.0
    timeout_s: float = 15.0
    longest_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Say:
    """Speak µ-law audio."""

    audio: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Speak as soon as one utterance of the agent has been heard for ``after_ms``."""

    after_ms: float
    audio: bytes
    text: str = ""
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, one every ``gap_ms``."""

    digits: str
    gap_ms: float = 200.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Be silent."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class WaitForHangUp:
    """Expect the other side to end the call."""

    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Beep:
    """Beep, as a voicemail does after its greeting."""

    hz: float = 1000.0
    ms: float = 500.0


@dataclass(frozen=True, slots=True)
class LoseLine:
    """Drive into a tunnel: nothing of the caller arrives any more, and nobody says so."""


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Have the stream carry what Twilio never sends, ``times`` times; ``{streamSid}`` in the text is filled in."""

    text: str
    as_binary: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class ReadSlowly:
    """Have Twilio's side of the stream take no more than this from the server."""

    bytes_per_s: float


Step = (
    WaitForAgent | Say | Interrupt | Press | Pause | HangUp | WaitForHangUp | Beep | LoseLine | SendFrame | ReadSlowly
)


def voicemail(greeting: bytes, text: str = "", records_s: float = 30.0) -> tuple[Step, ...]:
    """Return what an answering machine does: its greeting (µ-law), a beep, and then it records."""
    return (Pause(0.3), Say(greeting, text), Beep(), Pause(records_s), HangUp())


class Wire(Protocol):
    """What can be done to an open stream that no telephone does."""

    @property
    def stream_sid(self) -> str:
        """The stream's id."""
        ...

    async def send_text(self, text: str) -> None:
        """Send any text frame."""
        ...

    async def send_binary(self, payload: bytes) -> None:
        """Send a binary frame."""
        ...

    def read_slowly(self, bytes_per_s: float) -> None:
        """Take at most this many bytes per second from the server."""
        ...


class Line(Protocol):
    """What a caller can do with a telephone. ``wire`` is the stream of `<Connect>` while there is one."""

    @property
    def wire(self) -> Wire | None:
        """The open stream."""
        ...

    @property
    def is_answered(self) -> bool:
        """Whether somebody has answered: before that there is nobody to listen to."""
        ...

    @property
    def agent(self) -> Hearing:
        """What is heard of the agent."""
        ...

    def now_ms(self) -> float:
        """Return the time of the call."""
        ...

    async def say(self, audio: bytes, text: str) -> None:
        """Speak; return when said."""
        ...

    async def press(self, digit: str) -> None:
        """Press one key."""
        ...

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact; ``False`` when the time is up. Raises `LineOver` when the call is over."""
        ...

    def lose(self) -> None:
        """Lose the network."""
        ...


class LineOver(Exception):
    """The call is over; a caller stops here."""


class Caller:
    """Carries out steps on a line. ``problems`` tells in plain words what did not go as a caller may expect."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        self._answered_ms = -1.0
        self.problems: list[str] = []
        self.dead_air = False
        self.steps_done = 0

    async def talk(self, line: Line) -> None:
        """Do all steps; return when the caller would hang up. Raises `LineOver` when the other side did."""
        for step in self._steps:
            if not await self._do(step, line):
                return
            self.steps_done += 1

    async def _do(self, step: Step, line: Line) -> bool:
        match step:
            case WaitForAgent():
                return await self._listen(step, line)
            case Say(audio, text):
                await self._say(audio, text, line)
            case Interrupt():
                return await self._interrupt(step, line)
            case Press(digits, gap_ms):
                for digit in digits:
                    await line.press(digit)
                    await line.wait_until(lambda: False, gap_ms / 1000)
            case Pause(seconds):
                await line.wait_until(lambda: False, seconds)
            case HangUp():
                return False
            case Beep(hz, ms):
                await line.say(tone(hz, ms), "")
            case LoseLine():
                line.lose()
            case SendFrame() | ReadSlowly():
                await line.wait_until(lambda: line.wire, STREAM_S)
                await self._disturb(step, line.wire)
            case WaitForHangUp(timeout_s):
                await line.wait_until(lambda: False, timeout_s)
                self.problems.append(f"the server did not hang up within {timeout_s:g} s")
            case _:
                assert_never(step)
        return True

    async def _disturb(self, step: SendFrame | ReadSlowly, wire: Wire | None) -> None:
        if wire is None:
            self.problems.append("there was no stream to disturb")
        elif isinstance(step, ReadSlowly):
            wire.read_slowly(step.bytes_per_s)
        else:
            text = step.text.replace("{streamSid}", wire.stream_sid)
            for _ in range(step.times):
                await (wire.send_binary(text.encode()) if step.as_binary else wire.send_text(text))

    async def _say(self, audio: bytes, text: str, line: Line) -> None:
        await line.say(audio, text)
        self._answered_ms = line.now_ms()

    async def _listen(self, step: WaitForAgent, line: Line) -> bool:
        await line.wait_until(lambda: line.is_answered, NEVER_S)
        began = await line.wait_until(lambda: self._heard_since(line), step.timeout_s)
        if not began:
            return self._give_up(step.timeout_s)

        def quiet() -> bool:
            last_ms = line.agent.last_audible_ms
            return last_ms is not None and line.now_ms() - last_ms >= step.quiet_ms

        if not await line.wait_until(quiet, step.longest_s):
            self.problems.append(f"the agent talked for more than {step.longest_s:g} s")
        self._answered_ms = line.now_ms()
        return True

    async def _interrupt(self, step: Interrupt, line: Line) -> bool:
        await line.wait_until(lambda: line.is_answered, NEVER_S)
        if not await line.wait_until(lambda: self._heard_since(line), step.timeout_s):
            return self._give_up(step.timeout_s)

        def long_enough() -> bool:
            speaking = line.agent.speaking
            return speaking is None or line.now_ms() - speaking.start_ms >= step.after_ms

        await line.wait_until(long_enough, step.after_ms / 1000 + step.timeout_s)
        last_ms = line.agent.last_audible_ms
        if line.agent.speaking is None or last_ms is None or line.now_ms() - last_ms > step.after_ms:
            self.problems.append(f"nothing to interrupt: the agent spoke for less than {step.after_ms:g} ms")
        await self._say(step.audio, step.text, line)
        return True

    def _heard_since(self, line: Line) -> bool:
        last_ms = line.agent.last_audible_ms
        return last_ms is not None and last_ms > self._answered_ms

    def _give_up(self, timeout_s: float) -> bool:
        self.dead_air = True
        self.problems.append(f"dead air: nothing was heard for {timeout_s:g} s, the caller gave up")
        return False
