"""One call through the small bridge, between both twins, and the judge's word on it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import replace

from tests.kit.bridge import API_KEY, SIGNED, settings
from tests.kit.bridge import PUBLIC as SERVER
from tests.kit.known_bad.bridge import Bridge
from tests.kit.known_bad.defects import Defect, Shape

from offhook.lab.judge import Finding, History, Patience, Probed, judge
from offhook.lab.probes import Door, probe
from offhook.lab.pulse import Pulse
from offhook.offline.faults import Faults
from offhook.offline.manners import Manners
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.server import Server
from offhook.sim.behaviour import Behaviour
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Interrupt, Pause, Say, Step, WaitForAgent, WaitForHangUp
from offhook.sim.reach import Reach
from offhook.trace import Entry

PUBLIC = "https://bridge.example.com"
TOKEN = "fedcba9876543210" * 2
LONG = "This answer is long enough to be interrupted."


def noise(seed: int, seconds: float) -> bytes:
    """Return sound that repeats nowhere: loud µ-law, seeded."""
    chance = random.Random(seed)
    loud = [byte for byte in range(256) if byte & 0x7F < 0x50]
    return bytes(chance.choices(loud, k=int(seconds * 50) * 160))


def mind(shape: Shape, seed: int, greeting_s: float) -> ScriptedMind:
    """Return an agent that greets, calls two functions, and speaks at length."""
    calls = (
        [ScriptedCall("slow", id="call_slow")]
        if shape == "slow function"
        else [ScriptedCall("one"), ScriptedCall("two")]
    )
    script = Script(
        turn=[Turn("first", [], calls=calls, then=["Both are done."]), Turn("second", [LONG]), Turn("third", ["Good."])]
    )
    spoken = {"Hello.": greeting_s, "Both are done.": 2.5, LONG: 2.5, "Good.": 0.4}
    return ScriptedMind(script, {text: noise(seed * 7 + n, s) for n, (text, s) in enumerate(spoken.items())})


def steps(shape: Shape, seed: int) -> list[Step]:
    """Return what the caller does."""
    words = [noise(seed * 7 + 100 + n, 0.5) for n in range(3)]
    match shape:
        case "greeting":
            return [WaitForAgent(quiet_ms=300, timeout_s=6), Pause(0.3), HangUp()]
        case "slow function":
            return [WaitForAgent(quiet_ms=300), Say(words[0], "first"), Pause(2.2), HangUp()]
        case "early":
            return [Say(words[0], "first"), WaitForAgent(quiet_ms=300, timeout_s=6), HangUp()]
        case "listen":
            return [WaitForHangUp(timeout_s=6)]
        case "talk":
            talk: list[Step] = [WaitForAgent(quiet_ms=300, timeout_s=4), Say(words[0], "first")]
            talk += [Interrupt(300, words[1], "second", timeout_s=4)]
            return [*talk, WaitForAgent(quiet_ms=300, timeout_s=4), HangUp()]


async def judged(
    bridge_defect: str | None,
    defect: Defect,
    *,
    seed: int = 1,
    manners: Manners | None = None,
    behaviour: Behaviour | None = None,
    caller: Sequence[Step] | None = None,
) -> tuple[list[Finding], list[Entry]]:
    """Make the call of ``defect`` through a bridge with ``bridge_defect``; return the findings and what passed."""
    seen: list[Entry] = []
    patience = replace(Patience(), **defect.patience)
    agent_mind = mind(defect.shape, seed, defect.greeting_s)
    twin = OfflineAgent(agent_mind, faults=defect.faults, manners=manners, on_wire=seen.append)
    async with Pulse() as pulse, twin as agent, Bridge(agent.url, TOKEN, PUBLIC, bridge_defect) as bridge:
        reach = Reach(PUBLIC, f"http://127.0.0.1:{bridge.port}")
        probed = Probed()
        if defect.probes:
            agent.faults = Faults()
            probed = await probe(Door(f"{PUBLIC}/voice", TOKEN, reach))
            agent.faults = defect.faults
            await _ended(agent, 5.0)
            seen.clear()
        shape = behaviour or Behaviour(seed=seed)
        options = CallOptions(auth_token=TOKEN, behaviour=shape, reach=reach, on_wire=seen.append)
        call = SimulatedCall(f"{PUBLIC}/voice", caller or steps(defect.shape, seed), options)
        await call.run()
        await _ended(agent, patience.close_ms / 1000 + 4.0)
        until_ms = time.monotonic() * 1000
        entries = list(seen)
    return judge(History.of(entries, until_ms, pulse.lags), probed, patience), entries


async def _ended(agent: OfflineAgent, patience_s: float) -> None:
    """Look until every agent socket is closed, or until that is overdue."""
    until = time.monotonic() + patience_s
    while agent.live and time.monotonic() < until:  # noqa: ASYNC110  # the twin tells nobody that a socket is gone
        await asyncio.sleep(0.01)


def talking_mind(seed: int) -> ScriptedMind:
    """Return an agent that greets and speaks at length, and calls no function."""
    script = Script(turn=[Turn("first", [LONG]), Turn("second", [LONG]), Turn("third", ["Good."])])
    spoken = {"Hello.": 1.2, LONG: 2.5, "Good.": 0.4}
    return ScriptedMind(script, {text: noise(seed * 7 + n, s) for n, (text, s) in enumerate(spoken.items())})


async def judged_offhook(
    seed: int, faults: Faults, behaviour: Behaviour, caller: Sequence[Step]
) -> tuple[list[Finding], list[Entry]]:
    """Make a call through offhook's own server; return the findings and what passed."""
    seen: list[Entry] = []
    async with Pulse() as pulse, OfflineAgent(talking_mind(seed), on_wire=seen.append) as agent:
        named = {**SIGNED, "DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url}
        async with Server(settings(**named, OFFHOOK_AGENT__GREETING="Hello.")) as server:
            await server.ready()
            await _ended(agent, 5.0)
            seen.clear()
            agent.faults = faults
            reach = Reach(SERVER, f"http://127.0.0.1:{server.port}")
            options = CallOptions(auth_token=TOKEN, behaviour=behaviour, reach=reach, on_wire=seen.append)
            await SimulatedCall(f"{SERVER}/twilio/voice", caller, options).run()
            await _ended(agent, Patience().close_ms / 1000 + 4.0)
            until_ms, entries = time.monotonic() * 1000, list(seen)
    return judge(History.of(entries, until_ms, pulse.lags)), entries
