"""Either side may send anything at any moment: no defect of ours, one ending per call, nothing left, on either loop."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.kit.bridge import Bridge, bridged, voice_form
from tests.kit.raw import (
    BINARY,
    CLOSE,
    TEXT,
    Line,
    RawServer,
    client_frame,
    server_frame,
    switching,
    until,
    upgrade,
)

from offhook.run.agent_leg import AgentLeg
from offhook.run.caller_leg import CallerLeg
from offhook.sim.identity import CallIdentity, fresh_sid

LOOPS: list[Callable[[Coroutine[Any, Any, None]], None]] = [asyncio.run]
try:
    import uvloop

    LOOPS.append(uvloop.run)
except ImportError:  # Windows
    pass

CODES = (999, 1000, 1001, 1005, 1011, 4000)
GARBAGE = (b"", b"{", b"null", b"\xff", b"[" * 3000, b'{"event":5}', b'{"event":"media","media":{"payload":"="}}')
AGENT_SAYS = (
    *(b'{"type":"%b"}' % kind for kind in (b"Welcome", b"SettingsApplied", b"UserStartedSpeaking", b"New")),
    *(b'{"type":"%b"}' % kind for kind in (b"AgentStartedSpeaking", b"AgentAudioDone", b"UserStartedSpeaking")),
    *(b'{"type":"ConversationText","role":"%b","content":"yes, there"}' % who for who in (b"user", b"assistant")),
    b'{"type":"ConversationText","role":5}',
    b'{"type":"FunctionCallRequest","functions":[{"id":"1","name":"a"},{"id":"1","name":"b"}]}',
    b'{"type":"FunctionCallCancelled","functions":[{"id":"1"}]}',
    b'{"type":"LatencyReport","total_latency":"nan"}',
    b'{"type":"Warning","code":"MAXIMUM_SESSION_LENGTH_APPROACHING"}',
    b'{"type":"Error","code":"MAXIMUM_SESSION_LENGTH_REACHED"}',
    b'{"type":"Error","code":"INVALID_SETTINGS","description":"agent.think"}',
    *GARBAGE,
)
QUICK = {
    "ADMITTED_S": "0.5",
    "CALLER_SILENT_S": "1",
    "DIAL_PAUSE_MAX_S": "0.02",
    "DIAL_PAUSE_MIN_S": "0",
    "GOODBYE_S": "0.3",
    "HOLD_S": "0.1",
    "SETTINGS_S": "0.3",
    "START_S": "0.5",
    "TOOL_S": "0.1",
}


def started(who: CallIdentity, stream: str) -> bytes:
    """Return Twilio's `start`."""
    facts = {"accountSid": who.account_sid, "callSid": who.call_sid, "streamSid": stream}
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": facts}).encode()


def caller_says(chance: random.Random, who: CallIdentity, stream: str, number: int) -> bytes:
    """Return one message, as it should be or not."""
    at = chance.choice([*[number] * 20, 0, 1, number - 3, number + 7, 2**63, -5, 2**70])
    audio = base64.b64encode(chance.randbytes(chance.choice((0, 1, 160, 160, 160, 3000, 20000)))).decode()
    media = {"track": chance.choice(("inbound",) * 9 + ("outbound",)), "payload": audio}
    said: list[dict[str, Any]] = 10 * [{"event": "media", "sequenceNumber": str(at), "media": media}]
    said += 2 * [
        {"event": "mark", "sequenceNumber": str(at), "mark": {"name": chance.choice(("0-1", "0-2", "1-2", ""))}}
    ]
    said += 2 * [{"event": "dtmf", "dtmf": {"digit": chance.choice("0#Ae")}}, {"event": "connected"}]
    said += [{"event": "stop"}, {"event": "new"}]
    again = started(who, chance.choice((stream, stream, fresh_sid("MZ"))))
    return chance.choice([*(json.dumps(one).encode() for one in said), again, chance.choice(GARBAGE)])


async def pause(chance: random.Random) -> None:
    """Let something else happen, mostly."""
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() * 0.02)


async def call(bridge: Bridge, chance: random.Random) -> None:
    """Make one call and break every rule on the way."""
    who, stream = CallIdentity(), fresh_sid("MZ")
    if chance.random() < 0.4:
        await bridge.post("/twilio/voice", voice_form(who))
    async with await Line.open(bridge.server.port) as line:
        try:
            await line.send(upgrade("/twilio"))
            await line.head()
            if chance.random() < 0.9:
                await line.send(client_frame(TEXT, started(who, stream)))
            for number in range(2, chance.randint(3, 80)):
                odd = (
                    client_frame(chance.choice((0, 1, 2, 9, 10)), b"abc", fin=chance.random() < 0.5),
                    client_frame(CLOSE, chance.choice(CODES).to_bytes(2, "big")),
                    chance.randbytes(30),
                )
                right = client_frame(TEXT, caller_says(chance, who, stream, number))
                await line.send(chance.choice([*40 * [right], *odd]))
                await pause(chance)
            for path in ("/twilio/voice", "/twilio/status"):
                if chance.random() < 0.2:
                    await bridge.post(path, {**voice_form(who), "CallStatus": "completed"})
        except (ConnectionError, asyncio.IncompleteReadError):
            return


async def agent(chance: random.Random, line: Line) -> None:
    """Be an agent that breaks every rule."""
    head = await line.head()
    if chance.random() < 0.1:
        await line.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % chance.choice((401, 429, 503, 200)))
        return
    await line.send(switching(head) + server_frame(TEXT, b'{"type":"Welcome","request_id":"r"}'))
    await pause(chance)
    if chance.random() < 0.85:
        await line.send(server_frame(TEXT, b'{"type":"SettingsApplied"}'))
    for _ in range(chance.randint(0, 80)):
        odd = (
            server_frame(chance.choice((3, 9, 10, 0)), b"x", fin=chance.random() < 0.5),
            server_frame(CLOSE, chance.choice(CODES).to_bytes(2, "big")),
            chance.randbytes(20),
        )
        says = server_frame(TEXT, chance.choice(AGENT_SAYS))
        sounds = server_frame(BINARY, chance.randbytes(chance.choice((0, 1, 160, 960, 8000, 100_000))))
        await line.send(chance.choice([*20 * [says], *20 * [sounds], *odd]))
        await pause(chance)
    if chance.random() < 0.5:
        await line.to_the_end()


@pytest.mark.parametrize("seed", [11, 13])
@pytest.mark.parametrize("run", LOOPS, ids=lambda run: run.__module__.split(".")[0])
def test_whatever_either_side_sends(run: Callable[[Coroutine[Any, Any, None]], None], seed: int) -> None:
    chance = random.Random(seed)

    async def main() -> None:
        async with RawServer(lambda line: agent(chance, line)) as agents:
            environ = {f"OFFHOOK_TIMEOUTS__{name}": value for name, value in QUICK.items()}
            address = f"ws://127.0.0.1:{agents.port}/v1/agent/converse"
            async with bridged(signed=False, **environ, DEEPGRAM_AGENT_URL=address, DEEPGRAM_API_KEY="") as bridge:
                for _ in range(2):
                    await asyncio.gather(*(call(bridge, chance) for _ in range(20)))
                await until(lambda: not bridge.server.switchboard.live)
                await until(lambda: AgentLeg.live == CallerLeg.live == 0)
                assert bridge.events("defect") == bridge.events("request_defect") == []
                begun = Counter(event["call"] for event in bridge.events("call_started"))
                ended = Counter(event["call"] for event in bridge.events("call_ended"))
                assert begun
                assert begun <= ended, "every call that began has ended"

    run(main())
