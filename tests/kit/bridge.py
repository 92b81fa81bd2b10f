"""A whole server with both fakes, in this process: what an integration test starts, asks and reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
from structlog.testing import capture_logs
from tests.kit.raw import until

from offhook.config.load import load
from offhook.config.settings import Settings
from offhook.offline.faults import Faults
from offhook.offline.record import CallRecord
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.server import Server
from offhook.sim import signing
from offhook.sim.behaviour import Behaviour
from offhook.sim.identity import CallIdentity
from offhook.sim.stream import StreamClient

API_KEY = "0123456789abcdef" * 2 + "01234567"
AUTH_TOKEN = "fedcba9876543210" * 2
ACCOUNT = CallIdentity().account_sid
PUBLIC = "https://voice.example.com"
SIGNED: Mapping[str, str] = {
    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "OFFHOOK_PUBLIC_URL": PUBLIC,
    "OFFHOOK_SERVER__HOST": "127.0.0.1",
}
#: Deadlines that only make a test wait.
QUICK: Mapping[str, str] = {
    "OFFHOOK_TIMEOUTS__CLOSE_S": "0.3",
    "OFFHOOK_LIMITS__CALLS_PER_SECOND": "1000",
    "OFFHOOK_LIMITS__CALLS_BURST": "1000",
}
#: Deadlines that no test is about unless it says so: on a crowded machine none of them may decide how a test ends.
PATIENT: Mapping[str, str] = {
    **QUICK,
    "OFFHOOK_TIMEOUTS__ADMITTED_S": "600",
    "OFFHOOK_TIMEOUTS__CALLER_SILENT_S": "600",
    "OFFHOOK_TIMEOUTS__DIAL_S": "60",
    "OFFHOOK_TIMEOUTS__DIAL_TOTAL_S": "120",
    "OFFHOOK_TIMEOUTS__GOODBYE_S": "60",
    "OFFHOOK_TIMEOUTS__HOLD_S": "600",
    "OFFHOOK_TIMEOUTS__REQUEST_S": "60",
    "OFFHOOK_TIMEOUTS__SETTINGS_S": "60",
    "OFFHOOK_TIMEOUTS__START_S": "60",
}


def settings(**environ: str) -> Settings:
    """Load settings as from this environment; any free port."""
    return load(environ={"PORT": "0", "OFFHOOK_CONFIG": "", **PATIENT, **environ}).settings


@dataclass(slots=True)
class Bridge:
    """One server and its agent. ``log`` holds every event logged meanwhile."""

    server: Server
    agent: OfflineAgent
    log: list[Any]
    probes: int = 0
    auth_token: str | None = None
    session: aiohttp.ClientSession = field(init=False)

    @property
    def base(self) -> str:
        """The server's address as this machine sees it."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def dials(self) -> int:
        """How often the agent was dialled for calls."""
        return self.agent.handshakes - self.probes

    @property
    def sessions(self) -> list[CallRecord]:
        """What the agent knows of its calls, in the order they came; without the probe."""
        return list(self.agent.calls)[self.probes :]

    def events(self, name: str, call_sid: str | None = None) -> list[Any]:
        """Return the log events of one name (of one call)."""
        return [e for e in self.log if e["event"] == name and call_sid in (None, e.get("call"))]

    def causes(self, call_sid: str) -> list[str]:
        """Return the hangup causes of one call; there must be exactly one in the end."""
        return [event["cause"] for event in self.events("call_ended", call_sid)]

    async def cause(self, call_sid: str) -> str:
        """Wait for the end of a call and return its one cause."""
        await until(lambda: self.causes(call_sid))
        (cause,) = self.causes(call_sid)
        return str(cause)

    async def post(
        self, path: str, form: Mapping[str, str], *, token: str | None = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Post a webhook, signed as Twilio does (``token`` None: unsigned); return status and text."""
        key = self.auth_token if token == "" else token
        signed = {} if key is None else {"X-Twilio-Signature": signing.sign_webhook(key, PUBLIC + path, form.items())}
        sent = {"Content-Type": "application/x-www-form-urlencoded", **signed, **(headers or {})}
        async with self.session.post(self.base + path, data=urlencode(form), headers=sent) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str) -> tuple[int, str]:
        """Get a page."""
        async with self.session.get(self.base + path) as answer:
            return answer.status, await answer.text()

    async def voice(self, who: CallIdentity, **options: Any) -> Ticket:
        """Ask for the call's TwiML; return where the stream is to go."""
        status, text = await self.post("/twilio/voice", voice_form(who), **options)
        assert status == 200, text
        stream = ET.fromstring(text).find("./Connect/Stream")
        assert stream is not None, text
        said = {str(p.get("name")): str(p.get("value")) for p in stream}
        return Ticket(str(stream.get("url")), said)

    async def stream(
        self, who: CallIdentity, path: str = "/twilio", *, behaviour: Mapping[str, Any] | None = None, **options: Any
    ) -> StreamClient:
        """Open a stream, signed for the public address."""
        signed = {"sign_as": PUBLIC.replace("https", "wss") + path, **(behaviour or {})}
        options.setdefault("auth_token", self.auth_token)
        url = f"ws://127.0.0.1:{self.server.port}{path}"
        return await StreamClient.open(url, identity=who, behaviour=Behaviour(**signed), **options)

    async def call(self, who: CallIdentity | None = None, **options: Any) -> StreamClient:
        """Make a whole call up to `start`: webhook, handshake, token."""
        who = who or CallIdentity()
        ticket = await self.voice(who)
        client = await self.stream(who, ticket.path, **options)
        await client.begin(ticket.parameters)
        return client


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the TwiML says about the stream."""

    url: str
    parameters: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path of the stream."""
        return "/" + self.url.split("/", 3)[3]


def voice_form(who: CallIdentity) -> dict[str, str]:
    """Return the form of an incoming call."""
    return {
        "AccountSid": who.account_sid,
        "CallSid": who.call_sid,
        "From": who.caller,
        "To": who.called,
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


@contextmanager
def logged() -> Iterator[list[Any]]:
    """Collect what is logged."""
    with capture_logs() as log:
        yield log


@asynccontextmanager
async def bridged(
    *, faults: Faults | None = None, mind: ScriptedMind | None = None, signed: bool = True, **environ: str
) -> AsyncIterator[Bridge]:
    """Start the agent and a server that is pointed at it and ready. ``faults`` hold for calls, not for the probe."""
    async with OfflineAgent(mind or ScriptedMind()) as agent:
        named = {"DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url, **(SIGNED if signed else {}), **environ}
        with logged() as log:
            async with Server(settings(**named)) as server:
                await server.ready()
                bridge = Bridge(server, agent, log, agent.handshakes, AUTH_TOKEN if signed else None)
                if faults is not None:
                    agent.faults = faults
                async with aiohttp.ClientSession() as bridge.session:
                    yield bridge
