"""The lab bench: both twins, a bridge between them, and the calls that are made. No HTTP of its own, no page."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from offhook.lab.judge import Probed
from offhook.lab.probes import Door, probe
from offhook.lab.pulse import Pulse
from offhook.lab.watched import Watched
from offhook.offline.faults import Action, Faults
from offhook.offline.manners import Manners
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.scenario import catalogue
from offhook.scenario.agents import faults_of, manners_of, mind_of
from offhook.scenario.caller import options_of, steps_of
from offhook.scenario.reading import Named
from offhook.scenario.shape import AgentPart
from offhook.scenario.sounds import say
from offhook.scenario.target import Target
from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import HangUp, Interrupt, Pause, Say, Step, WaitForAgent
from offhook.sim.reach import Reach
from offhook.sim.rest.lines import NotReached, Telephony
from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, PhoneNumber
from offhook.sim.switch import Phone
from offhook.trace import Entry, TraceWriter

#: The number that leads to the bridge, from a range nobody owns.
NUMBER: Final = "+15005550006"
PLAIN: Final = "a plain call"
CALLS_KEPT: Final = 50
#: For a bridge to close its agent sockets after a call.
SETTLE_S: Final = 2.5


@dataclass(frozen=True, slots=True)
class Wiring:
    """Ports (0: any free one), credentials, and where the bridge is. ``deepgram_key`` None: any key is good."""

    account_sid: str
    auth_token: str = field(repr=False)
    deepgram_key: str | None = field(default=None, repr=False)
    twilio_port: int = 0
    deepgram_port: int = 0
    traces: Path | None = None


class Bench:
    """Both twins. Use as an async context manager; then say with `connect` where the bridge is."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.calls: deque[Watched] = deque(maxlen=CALLS_KEPT)
        self.probed = Probed()
        self.pulse = Pulse()
        self.bridge_url = ""
        self._reach: Reach | None = None
        self._is_knocking = False
        self._number = PhoneNumber(NUMBER)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()
        key = wiring.deepgram_key
        self.agent = OfflineAgent(
            ScriptedMind(),
            port=wiring.deepgram_port,
            keys=None if key is None else [key],
            on_wire=self._passed,
            keep_audio=False,
        )
        self.twilio: RestTwin
        self._account: Account

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.pulse)
            await stack.enter_async_context(self.agent)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def connect(self, bridge_url: str, reach: Reach | None = None) -> None:
        """Start Twilio's side with its number led to the bridge's voice webhook."""
        self.bridge_url, self._reach = bridge_url, reach
        self._number.fields |= {"voice_url": bridge_url, "voice_method": "POST"}
        self._account = Account(self.wiring.account_sid, self.wiring.auth_token).own(self._number)
        telephony = Telephony(reach=reach, on_wire=self._passed)
        options = RestOptions(port=self.wiring.twilio_port, telephony=telephony)
        self.twilio = await self._stack.enter_async_context(RestTwin([self._account], options))

    @property
    def live(self) -> Watched | None:
        """The call that is on."""
        return next((call for call in self.calls if call.status == "running"), None)

    def call(self, call_sid: str) -> Watched | None:
        """Return a call by its SID."""
        return next((call for call in self.calls if call.call_sid == call_sid), None)

    async def place(self, scenario: str, wrong: AgentPart | None = None) -> Watched:
        """Have somebody call the bridge's number; ``wrong``: faults of the agent instead of the scenario's.

        Raises `ScenarioError`; `ValueError` while a call is on.
        """
        if self._is_knocking:
            raise ValueError("strangers are knocking; call when they are gone")
        if self.live is not None:
            raise ValueError("a call is on; one follows the other, so that each agent socket is known to be its own")
        phone = await self._cast(scenario)
        if wrong is not None:
            self.agent.faults = faults_of(wrong, self.agent.handshakes)
        return await self._ring(scenario, phone)

    async def knock(self) -> Probed:
        """Knock at the bridge as strangers would; later verdicts tell whom it let in. `ValueError` during a call."""
        if self.live is not None:
            raise ValueError("a call is on; knock when it is over")
        door = Door(self.bridge_url, self.wiring.auth_token, self._reach, self.wiring.account_sid)
        self._is_knocking = True
        try:
            self.probed = await probe(door)
        finally:
            self._is_knocking = False
        return self.probed

    def inject(self, action: Action) -> int:
        """Let a fault of the agent's happen now; return on how many sockets."""
        return self.agent.inject(action)

    async def hang_up(self, call: Watched) -> None:
        """Let the caller's side end the call."""
        sid, token = self.wiring.account_sid, self.wiring.auth_token
        url = f"{self.twilio.url}/2010-04-01/Accounts/{sid}/Calls/{call.call_sid}.json"
        ending = aiohttp.ClientTimeout(total=5.0)
        session = aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(sid, token)}, timeout=ending
        )
        async with session, session.post(url, data={"Status": "completed"}) as answer:
            answer.raise_for_status()

    async def _cast(self, scenario: str) -> Phone:
        """Set up the agent for a scenario; return the caller's telephone."""
        if scenario == PLAIN:
            self.agent.mind, self.agent.manners, self.agent.faults = ScriptedMind(), Manners(), Faults()
            return Phone(tuple(await _plain()))
        (named,) = catalogue.find(scenario)
        target = Target(self.bridge_url, self.wiring.auth_token, self.wiring.account_sid)
        options = await options_of(named.scenario.who, target, say)
        part = named.scenario.agent
        self.agent.mind, self.agent.manners = mind_of(named), manners_of(part)
        self.agent.faults = faults_of(part, self.agent.handshakes)
        return Phone(tuple(await steps_of(named, say)), life=options.life, network=options.network)

    async def _ring(self, scenario: str, phone: Phone) -> Watched:
        watched = Watched("", scenario)
        self.calls.append(watched)
        known = set(self._account.calls)
        task = asyncio.create_task(self._run(phone, watched))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.sleep(0)  # the call gets its SID with its task's first step, before anything passes
        watched.call_sid = next(sid for sid in self._account.calls if sid not in known)
        return watched

    async def _run(self, phone: Phone, watched: Watched) -> None:
        try:
            await self.twilio.dial(NUMBER, phone=phone)
            watched.status = "over"
        except NotReached:
            watched.status = "not reached"
        until = time.monotonic() + SETTLE_S
        while watched.open_agents and time.monotonic() < until:  # noqa: ASYNC110  # the bridge tells nobody
            await asyncio.sleep(0.02)
        watched.judge(self.probed, self.pulse.lags)
        self._keep(watched)

    def _keep(self, watched: Watched) -> None:
        if self.wiring.traces is None:
            return
        try:
            with TraceWriter(self.wiring.traces / f"{watched.call_sid}.jsonl", "offhook lab") as write:
                for entry in sorted(watched.entries, key=lambda entry: entry.at_ms):
                    write(entry)
        except OSError as error:
            watched.status = f"over, and its trace was not kept: {error.strerror}"

    def _passed(self, entry: Entry) -> None:
        owner = self._owner(entry)
        if owner is not None:
            owner.add(entry)

    def _owner(self, entry: Entry) -> Watched | None:
        """Return whose entry it is: by CallSid; an agent socket belongs to the call that is on when it is opened.

        One that a stranger's knock opens belongs to no call.
        """
        if entry.channel != "agent":
            return self.call(entry.call) or self._by_rest(entry)
        found = next((call for call in self.calls if entry.call in call.agents), None)
        if found is None and entry.kind in ("open", "refused") and self.calls and not self._is_knocking:
            found = self.live or self.calls[-1]
            found.agents.add(entry.call)
        return found

    def _by_rest(self, entry: Entry) -> Watched | None:
        """Take in a call that the bridge has placed over REST."""
        if entry.call not in self._account.calls:
            return None
        self.calls.append(placed := Watched(entry.call, "placed over REST", status="placed over REST"))
        return placed


def playable() -> list[Named]:
    """Return the scenarios of the library that need no server of their own, no words and no odd line."""
    found = []
    for named in catalogue.library() if catalogue.names() else []:
        scenario, who = named.scenario, named.scenario.who
        if scenario.server or scenario.agent.mind != "scripted" or who.auth != "signed" or who.trial != "no":
            continue
        line: dict[str, Any] = {name: getattr(who.line, name) for name in who.line.__struct_fields__}
        if all(getattr(Behaviour(), name, value) == value for name, value in line.items()):
            found.append(named)
    return found


async def _plain() -> list[Step]:
    """Return what the caller of the plain call does: ask, break in once, listen, hang up."""
    asks, breaks_in = await say("When are you open?"), await say("And where are you?")
    wait = WaitForAgent(quiet_ms=600, timeout_s=8)
    return [
        *(wait, Say(asks, "When are you open?"), Interrupt(500, breaks_in, "And where are you?", timeout_s=6)),
        *(wait, Pause(0.5), HangUp()),
    ]
