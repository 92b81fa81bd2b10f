"""Performs one scenario: agent, server and caller on real sockets, and everything that passed. Judges nothing itself.

In a world of offhook's own each scenario has a server of its own, so that many run at once. A bridge is somebody
else's and runs already: there one scenario follows another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from offhook.call.actions import CallRecord
from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import History
from offhook.lab.judge.judge import judge
from offhook.lab.pulse import Pulse
from offhook.offline.ports import Mind
from offhook.offline.record import CallRecord as AgentCall
from offhook.offline.server import OfflineAgent
from offhook.scenario.agents import faults_of, manners_of, mind_of
from offhook.scenario.caller import options_of, steps_of
from offhook.scenario.lent import Lent
from offhook.scenario.others import others_on_the_line
from offhook.scenario.own import running_server
from offhook.scenario.reading import Named
from offhook.scenario.seen import Seen
from offhook.scenario.sounds import say
from offhook.scenario.target import Target
from offhook.scenario.world import Bridge, Own, Stage
from offhook.sim.call import SimulatedCall
from offhook.sim.options import CallOptions
from offhook.sim.report import CallReport
from offhook.trace import Entry

#: After the call: for its record to be written, and for a forgotten agent socket to be noticed as one.
RECORD_S: Final = 5.0
ORPHAN_S: Final = 2.5
#: `<Say>`, `<Pause>` and `<Dial>` pass this many times as fast: nobody listens to them here.
VERB_SPEED: Final = 10.0
_LOOK_S: Final = 0.01


@dataclass(slots=True)
class _Notes:
    """Everything that is written down while a scenario runs."""

    entries: list[Entry] = field(default_factory=list)
    records: list[CallRecord] = field(default_factory=list)


async def perform(named: Named, stage: Stage) -> Seen:
    """Perform a scenario.

    Raises `ScenarioError` for a file that asks for what cannot be, `ConfigError` for settings, `OSError` where a call
    cannot be kept.
    """
    notes = _Notes()
    async with AsyncExitStack() as props:
        agent = await props.enter_async_context(_agent(named, stage, notes))
        target = await props.enter_async_context(_target(named, stage, agent, notes))
        speak = stage.speech.caller if stage.speech is not None and is_spoken(named, stage) else say
        steps, options = await steps_of(named, speak), await options_of(named.scenario.who, target, speak)
        pulse = await props.enter_async_context(Pulse())
        await props.enter_async_context(others_on_the_line(named.scenario.who.lines_taken, target))
        began, known = time.monotonic(), _ids(agent)
        call = SimulatedCall(target.url, steps, _watched(options, named, notes))
        await call.run()
        if stage.keep is not None:
            call.write(stage.keep / named.name)
        is_own = isinstance(stage.world, Own)
        await _settle(call, agent, notes, known, is_own)
        agent_calls, until = _calls(agent, known), time.monotonic()
        entries = _passed(call.report(), agent_calls, notes, began)
        seen = _seen(call.report(), agent_calls, entries, notes)
        findings = await _judged(entries, until * 1000, list(pulse.lags))
        return replace(seen, findings=findings, is_own=is_own, took_s=until - began, lag_ms=pulse.worst_ms)


def _watched(options: CallOptions, named: Named, notes: _Notes) -> CallOptions:
    limit_s = named.scenario.expect.within_s
    return replace(options, limit_s=limit_s, verb_speed=VERB_SPEED, on_wire=notes.entries.append)


def is_spoken(named: Named, stage: Stage) -> bool:
    """Whether a scenario is performed in words that can be understood."""
    return named.scenario.agent.mind == "speaking" or (isinstance(stage.world, Own) and stage.world.is_real)


@asynccontextmanager
async def _agent(named: Named, stage: Stage, notes: _Notes) -> AsyncIterator[OfflineAgent | None]:
    world, part = stage.world, named.scenario.agent
    if isinstance(world, Own) and world.is_real:
        yield None
        return
    mind: Mind = stage.speech.mind if part.mind == "speaking" and stage.speech is not None else mind_of(named)
    port = world.agent_port if isinstance(world, Bridge) else 0
    agent = OfflineAgent(
        Lent(mind) if part.mind == "speaking" else mind,
        port=port,
        manners=manners_of(part),
        concurrency=part.concurrency,
        on_wire=notes.entries.append,
    )
    if part.faulty_from == "start" or isinstance(world, Bridge):
        agent.faults = faults_of(part, 0)
    async with agent:
        yield agent


@asynccontextmanager
async def _target(named: Named, stage: Stage, agent: OfflineAgent | None, notes: _Notes) -> AsyncIterator[Target]:
    world = stage.world
    if isinstance(world, Bridge):
        yield Target.of_bridge(world)
        return
    async with running_server(named, world, agent, notes.records.append) as target:
        if agent is not None and named.scenario.agent.faulty_from == "call":
            agent.faults = faults_of(named.scenario.agent, agent.handshakes)
        yield target


async def _settle(
    call: SimulatedCall, agent: OfflineAgent | None, notes: _Notes, known: set[str], is_own: bool
) -> None:
    """Wait for what must follow a call: its record, and the end of its agent sockets."""
    report = call.report()
    if is_own and report.stream_started_ms is not None:
        await _until(lambda: any(record.call_sid == report.call_sid for record in notes.records), RECORD_S)
    await _until(lambda: not any(one.is_live for one in _calls(agent, known) or ()), ORPHAN_S)


async def _until(fact: Callable[[], bool], within_s: float) -> None:
    until = time.monotonic() + within_s
    while not fact() and time.monotonic() < until:  # noqa: ASYNC110  # facts of three parties, none of them an event
        await asyncio.sleep(_LOOK_S)


def _ids(agent: OfflineAgent | None) -> set[str]:
    return set() if agent is None else {call.request_id for call in agent.calls}


def _calls(agent: OfflineAgent | None, known: set[str]) -> list[AgentCall] | None:
    return None if agent is None else [call for call in agent.calls if call.request_id not in known]


async def _judged(entries: list[Entry], until_ms: float, lags: list[tuple[float, float]]) -> list[Finding]:
    """Judge beside the loop: other scenarios are being performed on it."""
    with ThreadPoolExecutor(1, "judge") as thread:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(thread, lambda: judge(History.of(entries, until_ms, lags)))


def _passed(report: CallReport, agent_calls: list[AgentCall] | None, notes: _Notes, since: float) -> list[Entry]:
    """Return what passed on this call's connections; the others' on the line are nobody's business."""
    ids = {report.call_sid, *(one.request_id for one in agent_calls or ())}
    late = [entry for entry in notes.entries if entry.at_ms >= since * 1000]
    return [entry for entry in late if entry.call in ids or (entry.channel, entry.kind) == ("agent", "refused")]


def _seen(report: CallReport, agent_calls: list[AgentCall] | None, entries: list[Entry], notes: _Notes) -> Seen:
    return Seen(
        report=report,
        agent_calls=agent_calls,
        agent_refusals=sum((entry.channel, entry.kind) == ("agent", "refused") for entry in entries),
        record=next((record for record in notes.records if record.call_sid == report.call_sid), None),
    )
