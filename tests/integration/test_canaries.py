"""H18, I7: secrets, numbers, digits and words are planted everywhere; nothing a process says may hold one of them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from tests.kit.bridge import ACCOUNT, PATIENT, PUBLIC, voice_form
from tests.kit.process import Process, running
from tests.kit.raw import WAIT_S, Line, client_frame, request, until

from offhook.offline.faults import At, Die, Fail, Faults, Send
from offhook.offline.script import EarsPart, Script, Turn
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.sim import signing
from offhook.sim.behaviour import Behaviour
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity
from offhook.sim.stream import StreamClient

KEY, TOKEN, OLD = "c0ffee" * 6 + "beef", "decade" * 5 + "ad", "facade" * 5 + "ed"
HEADER = "canary-header-zanzibar"
GREETING, PROMPT, SAID, ANSWER = "Salutations marmalade.", "quincunx prompt", "halcyon gibbous", "perspicacious wombat"
CALLER, CALLED, DIAL = "+14155550199", "+441632960017", "+441632960018"
DIGITS = "7319"
FORM = "application/x-www-form-urlencoded"
WORDS = ("marmalade", "quincunx", "halcyon", "gibbous", "perspicacious", "wombat")
NUMBERS = (CALLER, CALLED, DIAL, CALLER[1:], CALLED[1:], CALLER[-7:], CALLED[-7:])

TOML = f"""
[agent]
greeting = "{GREETING}"
prompt = "{PROMPT}"
[agent.speak]
provider = "eleven_labs"
model = "m"
endpoint = {{ url = "wss://speak.example.com", headers = {{ xi-api-key = "${{CANARY_HEADER}}" }} }}
[call]
when_agent_fails = {{ say = "{ANSWER}", dial = "{DIAL}" }}
"""

SCRIPT = Script(
    ears=EarsPart(onset_ms=40, eager_ms=80, confirm_ms=120),
    turn=[Turn(SAID, [ANSWER]), Turn(SAID, [ANSWER])],
)


async def conversation(agent: OfflineAgent, port: int, *, faults: Faults) -> None:
    """Hold one call as Twilio does: webhook, stream, words, digits, end, and what is asked afterwards."""
    agent.faults = faults
    who = CallIdentity(account_sid=ACCOUNT, caller=CALLER, called=CALLED)
    form = voice_form(who)
    async with aiohttp.ClientSession() as session:

        async def post(path: str, **more: str) -> str:
            sent = {**form, **more}
            headers = {
                "X-Twilio-Signature": signing.sign_webhook(TOKEN, PUBLIC + path, sent.items()),
                "Content-Type": FORM,
            }
            async with session.post(f"http://127.0.0.1:{port}{path}", data=urlencode(sent), headers=headers) as answer:
                return await answer.text()

        text = await post("/twilio/voice")
        path = text.split("wss://voice.example.com", 1)[1].split('"', 1)[0]
        token = text.split('name="token" value="', 1)[1].split('"', 1)[0]
        await post("/twilio/stream-status", StreamEvent="stream-error", StreamError=f"31921 {CALLER} {SAID}")
        client = await StreamClient.open(
            f"ws://127.0.0.1:{port}{path}",
            auth_token=TOKEN,
            identity=who,
            behaviour=Behaviour(sign_as=f"wss://voice.example.com{path}", playback_speed=20.0),
        )
        async with client:
            await client.begin({"token": token, "caller": CALLER, "called": CALLED, "note": SAID})
            await until(lambda: client.heard or client.ended)
            for digit in DIGITS:
                await client.send_digit(digit)
            await client.send_text(json.dumps({"event": "dtmf", "dtmf": {"digit": SAID, "token": token}}))
            await client.send_text(f'{{"event": "media", "media": {{"payload": "{SAID}"}}')
            client.start_clock()
            saying = asyncio.create_task(client.say(bytes([0x10, 0x90] * 80) * 20))
            await until(lambda: client.ended or agent.calls[-1].received("FunctionCallResponse") or saying.done())
            await saying
            if faults == Faults():
                await until(lambda: ANSWER in str(agent.calls[-1].sent("ConversationText")))
            await client.hang_up()
        await post("/twilio/after")
        await post("/twilio/status", CallStatus="completed")


def mentioned(text: str) -> list[str]:
    """Return the canaries that a text holds."""
    return [canary for canary in (KEY, TOKEN, OLD, HEADER, *WORDS, *NUMBERS, DIGITS) if canary in text]


FUNCTION = json.dumps(
    {
        "type": "FunctionCallRequest",
        "functions": [{"id": "f", "name": SAID, "arguments": json.dumps({"n": CALLER}), "client_side": True}],
    }
)
FAULTS = [
    Faults(),
    Faults(at=((At("AgentStartedSpeaking"), Fail("FAILED_TO_SPEAK", f"{SAID} {KEY} {CALLER}")),)),
    Faults(at=((At("Settings"), Fail("INVALID_SETTINGS", f"{PROMPT} {KEY}")),), never_apply=True),
    Faults(at=((At("SettingsApplied"), Send(f"{SAID} not JSON {KEY}")), (At("SettingsApplied"), Send(FUNCTION)))),
    Faults(at=((At("AgentStartedSpeaking"), Die("close", 1011)),)),
    Faults(refuse=401),
]


@pytest.mark.parametrize(("form", "level"), [("json", "debug"), ("text", "info")])
async def test_h18_i7_nothing_is_said_of_what_is_secret(tmp_path: Path, form, level):
    (tmp_path / "offhook.toml").write_text(TOML, encoding="utf-8")
    async with OfflineAgent(ScriptedMind(SCRIPT)) as agent:
        environ = {
            "PORT": "0",
            "OFFHOOK_SERVER__HOST": "127.0.0.1",
            "OFFHOOK_PUBLIC_URL": PUBLIC,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "OFFHOOK_TWILIO__PREVIOUS_AUTH_TOKEN": OLD,
            "DEEPGRAM_API_KEY": KEY,
            "DEEPGRAM_AGENT_URL": agent.url,
            "CANARY_HEADER": HEADER,
            "OFFHOOK_LOG__LEVEL": level,
            "OFFHOOK_LOG__FORMAT": form,
            "OFFHOOK_TIMEOUTS__DIAL_PAUSE_MIN_S": "0.01",
            "OFFHOOK_TIMEOUTS__DIAL_PAUSE_MAX_S": "0.02",
            **PATIENT,
        }
        async with running(tmp_path, "serve", environ=environ) as process:
            port = await process.port()
            await process.says("agent_checked|agent_check_failed")
            for faults in FAULTS:
                await conversation(agent, port, faults=faults)
            await abuse(port)
            async with aiohttp.ClientSession() as session:
                for path in ("/metrics", "/readyz", "/livez"):
                    async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                        assert mentioned(await answer.text()) == []
            said = str([session.sent() + session.received() for session in agent.calls])
            assert [word for word in (SAID, ANSWER, GREETING) if word not in said] == [], "the canaries did not travel"
            await stopped(process)
            assert mentioned(process.text) == []
            assert "Traceback" not in process.text
            assert process.text.count("call_ended") == len(FAULTS)


async def abuse(port: int) -> None:
    """Do what is refused, with canaries in it."""
    for raw in (
        request("GET", f"/{KEY}?token={TOKEN}"),
        request(
            "POST", "/twilio/voice", {"Content-Type": "application/x-www-form-urlencoded"}, f"From={CALLER}".encode()
        ),
        request("POST", "/twilio/voice", {"X-Twilio-Signature": TOKEN, "Content-Type": "text/plain"}, SAID.encode()),
        request("GET", "/livez", {"Authorization": KEY, "Transfer-Encoding": KEY}),
        request("POST", "/twilio/voice", {"Transfer-Encoding": "chunked"}) + f"{KEY}\r\n".encode(),
        f"{KEY} {TOKEN} {CALLER}\r\n\r\n".encode(),
    ):
        async with await Line.open(port) as line:
            await line.send(raw)
            answer = (await line.to_the_end()).decode("latin-1")
            assert mentioned(answer) in ([], [KEY])  # nothing but what it said itself
    with pytest.raises(LineFault):
        await StreamClient.open(f"ws://127.0.0.1:{port}/twilio/{KEY}", auth_token=OLD[::-1])
    client = await StreamClient.open(
        f"ws://127.0.0.1:{port}/twilio", auth_token=OLD, behaviour=Behaviour(sign_as="wss://voice.example.com/twilio")
    )
    async with client:
        await client.begin({"token": f"{KEY}.{TOKEN}.{CALLER}"})
        await client.send_raw(client_frame(3, SAID.encode()))
        await client.wait_ended(WAIT_S)


async def stopped(process: Process) -> None:
    """Stop it; on Windows it is killed when its block ends."""
    if sys.platform != "win32":
        import signal

        process.signal(signal.SIGTERM)
        assert await process.ends() == 0


async def test_h18_what_config_shows_and_complains_of(tmp_path: Path):
    (tmp_path / "offhook.toml").write_text(TOML, encoding="utf-8")
    environ = {"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT, "DEEPGRAM_API_KEY": KEY}
    environ |= {"OFFHOOK_TWILIO__PREVIOUS_AUTH_TOKEN": OLD, "CANARY_HEADER": HEADER, "PORT": KEY}
    for command in (("config", "show"), ("config", "check"), ("serve",)):
        for more in ({}, {"PORT": "0"}):
            async with running(tmp_path, *command, environ={**environ, **more}) as process:
                await process.ends()
                assert [c for c in (KEY, TOKEN, OLD, HEADER) if c in process.text] == [], command
