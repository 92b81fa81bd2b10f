"""Load on one local server: many callers in real time, and the agent they talk to. Not the simulated Twilio of a call.

Both ends share one clock, so the delay that the server adds is known for every frame::

    async with Load() as load:                     # the agent listens: point the server at load.agent_url
        report = await load.run(LoadPlan("http://127.0.0.1:8080/twilio/voice", calls=50, seconds=10))

The load itself is Python: its own lateness is measured and is part of every delay. For figures see `benchmarks/`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import urlsplit

from picows import WSError, ws_create_server

from offhook.sim.complaints import LineFault
from offhook.sim.load_ends import CONNECT_S, AgentCall, Caller
from offhook.sim.load_state import LoadPlan, LoadRun
from offhook.sim.stamp import StampReader
from offhook.sim.webhook import Webhooks

__all__ = ["Load", "LoadPlan", "LoadReport", "is_local"]

CALLS_MOST: Final = 1000
SECONDS_MOST: Final = 3600.0
#: The agent stops speaking this long before the callers hang up, so that no frame is under way then.
QUIET_S: Final = 0.7
#: An agent socket that is open this long after its caller has gone is leaked.
LEAK_S: Final = 1.0


def is_local(url: str) -> bool:
    """Say whether ``url`` leads to this machine: load goes nowhere else."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Delays:
    """Figures of one kind of delay, in milliseconds; ``None`` where nothing was measured."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None

    @classmethod
    def of(cls, measured_us: Sequence[int]) -> Self:
        """Summarise microseconds."""
        ranked = sorted(measured_us)
        if not ranked:
            return cls(0, None, None, None)
        last = len(ranked) - 1
        return cls(len(ranked), *(ranked[int(last * share)] / 1000 for share in (0.5, 0.99, 1)))


@dataclass(frozen=True, slots=True)
class Heard:
    """One direction of all calls. ``frames`` 0: nothing stamped arrived, so nothing is proven."""

    frames: int = 0
    lost: int = 0
    repeated: int = 0
    corrupt: int = 0

    @classmethod
    def of(cls, readers: Sequence[StampReader]) -> Self:
        """Add up what each call heard."""
        return cls(*(sum(getattr(r, name) for r in readers) for name in ("frames", "lost", "repeated", "corrupt")))

    @property
    def is_exact(self) -> bool:
        """Whether audio came, and every frame of it once, in order, unchanged."""
        return self.frames > 0 and not (self.lost or self.repeated or self.corrupt)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a run showed."""

    calls: int
    seconds: float
    audible: int
    failures: dict[str, int]
    up: Heard
    down: Heard
    up_delay: Delays
    down_delay: Delays
    clear_round_trip: Delays
    first_audio: Delays
    load_lateness: Delays
    clears_due: int
    clears_missed: int
    crossed: int
    bad_messages: int
    leaked_agent_sockets: int
    agent_was_reached: bool
    cpu_ms_per_call_second: float | None

    @property
    def is_exact(self) -> bool:
        """Whether every frame of both ways was right, and every barge-in cleared in time."""
        return self.up.is_exact and self.down.is_exact and not (self.clears_missed or self.crossed)

    @property
    def is_good(self) -> bool:
        """Whether all calls came to their end as they should; exactness counts where it could be seen."""
        ended = not (self.failures or self.leaked_agent_sockets or self.bad_messages)
        return ended and self.audible == self.calls and (self.is_exact or not self.agent_was_reached)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {**asdict(self), "exact": self.is_exact, "good": self.is_good}


class Load:
    """The agent side of a load, and the callers while they run. Use as an async context manager."""

    def __init__(self, agent_port: int = 0) -> None:
        self._port = agent_port
        self._run: LoadRun | None = None
        self._stack = AsyncExitStack()

    @property
    def agent_url(self) -> str:
        """Where the server under load must look for its agent (DEEPGRAM_AGENT_URL)."""
        return f"ws://127.0.0.1:{self._port}/v1/agent/converse"

    async def __aenter__(self) -> Self:
        self._run = LoadRun(LoadPlan(""), asyncio.get_running_loop())
        server = await ws_create_server(self._accept, "127.0.0.1", self._port)
        self._stack.callback(server.close)
        self._port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop_all()
        await self._stack.aclose()

    def _accept(self, _request: object) -> AgentCall:
        assert self._run is not None
        agent = AgentCall(self._run, len(self._run.agents))
        self._run.agents.append(agent)
        return agent

    async def _drop_all(self) -> None:
        run = self._run
        if run is None:
            return
        run.quiet = True
        ends: list[Caller | AgentCall] = [*run.callers, *run.agents]
        for end in ends:
            end.drop()
        async with asyncio.timeout(CONNECT_S):
            while any(end.transport is not None for end in ends):
                run.changed.clear()
                await run.changed.wait()

    async def run(self, plan: LoadPlan, cpu_s: Callable[[], float | None] = lambda: None) -> LoadReport:
        """Make the calls, let them talk, hang up. ``cpu_s`` tells the CPU time of the server, where it is known."""
        if not is_local(plan.url) or not 1 <= plan.calls <= CALLS_MOST or not 0 < plan.seconds <= SECONDS_MOST:
            raise ValueError(f"a load goes to this machine, has 1 to {CALLS_MOST} calls and lasts up to an hour")
        await self._drop_all()
        run = self._run = LoadRun(plan, asyncio.get_running_loop(), quiet=False)
        run.callers = [Caller(run, number) for number in range(plan.calls)]
        async with Webhooks(plan.auth_token, sign_as=plan.sign_as) as webhooks:
            await asyncio.gather(*(_start(run, caller, webhooks) for caller in run.callers))
        cpu, begun_s = cpu_s(), time.monotonic()
        run.tally.steady = True
        await asyncio.sleep(plan.seconds)
        run.tally.steady = False
        used, lasted_s = cpu_s(), time.monotonic() - begun_s
        leaked = await _hang_up(run)
        each = None if cpu is None or used is None else (used - cpu) * 1000 / lasted_s / plan.calls
        return _report(run, leaked, each)


async def _start(run: LoadRun, caller: Caller, webhooks: Webhooks) -> None:
    await asyncio.sleep(caller.number / run.plan.starts_per_s)
    try:
        async with asyncio.timeout(2 * CONNECT_S):
            await caller.start(webhooks)
    except LineFault as fault:
        run.tally.failed(str(fault))
    except TimeoutError:
        run.tally.failed("no stream in time")
    except (WSError, OSError) as broken:
        run.tally.failed(f"the stream was refused ({type(broken).__name__})")


async def _hang_up(run: LoadRun) -> int:
    """Hang up every call; return how many agent sockets stay open."""
    run.quiet = True
    await asyncio.sleep(QUIET_S)
    for caller in run.callers:
        caller.hang_up()
    try:
        async with asyncio.timeout(LEAK_S):
            while any(agent.transport is not None for agent in run.agents):
                run.changed.clear()
                await run.changed.wait()
    except TimeoutError:
        pass
    return sum(agent.transport is not None for agent in run.agents)


def _report(run: LoadRun, leaked: int, cpu_ms: float | None) -> LoadReport:
    tally = run.tally
    bound = [agent for agent in run.agents if agent.caller is not None]
    for agent in bound:
        assert agent.caller is not None
        agent.heard.lost += agent.caller.sent - agent.heard.expected  # what never came at the end
        if agent.caller.agent is agent:
            agent.caller.heard.lost += max(0, agent.sent - agent.caller.heard.expected)
    everywhere = [agent.heard for agent in run.agents] + [caller.heard for caller in run.callers]
    return LoadReport(
        calls=run.plan.calls,
        seconds=run.plan.seconds,
        audible=sum(caller.audible for caller in run.callers),
        failures=tally.failures,
        up=Heard.of([agent.heard for agent in run.agents]),
        down=Heard.of([caller.heard for caller in run.callers]),
        up_delay=Delays.of(tally.up),
        down_delay=Delays.of(tally.down),
        clear_round_trip=Delays.of(tally.clear),
        first_audio=Delays.of(tally.first_audio),
        load_lateness=Delays.of(tally.late),
        clears_due=tally.clears_due,
        clears_missed=tally.clears_missed,
        crossed=tally.crossed + sum(reader.foreign for reader in everywhere),
        bad_messages=tally.bad_messages,
        leaked_agent_sockets=leaked,
        agent_was_reached=bool(bound),
        cpu_ms_per_call_second=cpu_ms,
    )
