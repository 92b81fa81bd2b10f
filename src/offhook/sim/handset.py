"""The caller's telephone: mouth, ear, keys, and the network behind it. Not a stream: streams listen to it.

Its clock runs from the moment the call is answered, whatever Twilio does with the sound.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import Wire
from offhook.sim.circuit import Circuit
from offhook.sim.events import DigitPressed
from offhook.sim.hearing import Hearing
from offhook.sim.life import Remark
from offhook.sim.mouth import FrameClock, Mouth
from offhook.sim.network import Network, Uplink
from offhook.sim.wheel import wheel_of

#: Takes a caller's frame as Twilio gets it; ``None`` stands for a lost one.
Listener = Callable[[bytes | None], None]

#: Keys pressed that nothing has read.
KEYS_KEPT: Final = 64


class Handset:
    """One telephone. It is a caller's `Line` and what a `Life` notices.

    A caller who was called (``speaks_at_once``) talks into whatever there is; one who calls waits until something
    listens: a stream, a recording, another person.
    """

    def __init__(
        self, circuit: Circuit, behaviour: Behaviour, network: Network, *, speaks_at_once: bool, background: bytes = b""
    ) -> None:
        self.keys: list[str] = []
        #: Where keys go instead of ``keys`` while a stream of `<Connect>` is open.
        self.on_key: Callable[[str], None] | None = None
        #: The stream of `<Connect>` while it is open, for what no telephone does.
        self.wire: Wire | None = None
        self._circuit = circuit
        self._witness = circuit.witness
        self._network = network
        self._speaks_at_once = speaks_at_once
        self._mouth = Mouth(background)
        self._uplink = None if network.is_clear else Uplink(network, behaviour.seed)
        self._listeners: list[Listener] = []
        self._is_dead = False
        self._clock = FrameClock(
            self._frame,
            circuit.now_ms,
            pace=behaviour.pace,
            jitter_ms=network.jitter_ms if self._uplink else behaviour.jitter_ms,
            chance=random.Random(f"clock {behaviour.seed}"),  # noqa: S311 - repeatable jitter, not a secret
        )

    # -- Twilio's side of the wire --------------------------------------------------------------------------------

    @property
    def frames_lost(self) -> int:
        """Frames that the network lost."""
        return self._uplink.lost if self._uplink is not None else 0

    def lift(self) -> None:
        """Connect it: frames flow from now on. Safe to repeat."""
        if self._circuit.over is None:
            self._clock.start()

    def put_down(self) -> None:
        """Disconnect it; whoever speaks into it is told that nobody hears."""
        self._clock.stop()
        self._mouth.shut()

    def attach(self, listener: Listener) -> None:
        """Let something hear the caller."""
        self._listeners.append(listener)

    def detach(self, listener: Listener) -> None:
        """Let it hear no more. Safe to repeat."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def _frame(self, start_ms: float) -> None:
        if self._is_dead:
            return
        audio = self._mouth.next_frame()
        self._witness.said(start_ms, audio)
        arrived: Sequence[bytes | None] = (audio,) if self._uplink is None else self._uplink.carry(audio)
        for listener in tuple(self._listeners):
            for frame in arrived:
                listener(frame)

    # -- the caller's side: `Line` --------------------------------------------------------------------------------

    @property
    def is_answered(self) -> bool:
        """Whether the call was answered."""
        return self._circuit.is_answered

    @property
    def agent(self) -> Hearing:
        """What is heard of the agent."""
        return self._witness.agent

    def now_ms(self) -> float:
        """Return the time of the call."""
        return self._circuit.now_ms()

    async def say(self, audio: bytes, text: str) -> None:
        """Speak; return when said. Raises `LineOver`."""
        await self._circuit.wait_until(self._is_heard, 1e9)
        self._witness.speaks(text)
        await self._mouth.say(audio)
        self._witness.caller.cut()
        await self._circuit.wait_until(lambda: True, 0)

    def _is_heard(self) -> bool:
        return bool(self._listeners) or (self._speaks_at_once and self._circuit.is_answered)

    async def press(self, digit: str) -> None:
        """Press a key: it goes to the stream of `<Connect>`, or else to whatever reads keys."""
        self._witness.tell(DigitPressed(self.now_ms()))
        if self.on_key is not None:
            self.on_key(digit)
        elif len(self.keys) < KEYS_KEPT:
            self.keys.append(digit)

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact; ``False`` when the time is up. Raises `LineOver`."""
        return await self._circuit.wait_until(fact, timeout_s)

    def lose(self) -> None:
        """Lose the network for good: nothing of the caller arrives any more, and nothing says so."""
        self._is_dead = True
        wheel_of().after_ms(self._network.rtp_timeout_s * 1000, self._give_up)

    def _give_up(self) -> None:
        if self._circuit.over is None:
            self._witness.complain(31953, f"nothing came for {self._network.rtp_timeout_s:g} s")
            self._circuit.end("twilio", "the caller's audio stopped")

    # -- the caller's side: what a `Life` notices -----------------------------------------------------------------

    def last_sound_ms(self) -> float:
        """Return when either side was last heard, or 0."""
        return max(self._witness.agent.last_audible_ms or 0.0, self._witness.caller.last_audible_ms or 0.0)

    def agent_speaks(self) -> bool:
        """Say whether the agent is being heard right now."""
        speaking = self._witness.agent.speaking
        return speaking is not None and self.now_ms() - speaking.end_ms < 200

    async def remark(self, remark: Remark) -> None:
        """Say something at once, unless the caller is speaking already. Raises `LineOver`."""
        if self._mouth.is_speaking or not self._is_heard():
            return
        await self.say(remark.audio, remark.text)
