"""A voice application for the simulated Twilio to call: documents by path, an agent on a stream, all on aiohttp."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import Say, Step, WaitForAgent
from offhook.sim.events import Event
from offhook.sim.report import CallReport
from offhook.wire.ulaw import level_dbfs

TOKEN = "0123456789abcdef0123456789abcdef"
LOUD = b"\x10\x90" * 80  # 20 ms


class Office:
    """A voice application in one object: documents by path, and an agent that answers every 300 ms of silence."""

    def __init__(self) -> None:
        self.documents: dict[str, str | Callable[[MultiDict[str]], Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.unsigned: list[str] = []
        self.agents: set[str] = set()
        #: Of the webhook that is asked right now.
        self.headers: Mapping[str, str] = {}
        #: Takes streams instead of this office's own agent.
        self.stream_with: Callable[[web.Request], Awaitable[web.WebSocketResponse]] | None = None
        self.greeting_ms = 400
        self.answer_ms = 500
        self.answers = 0
        self.hangs_up_after = 99
        #: Says nothing, as the server of a one-way stream must.
        self.is_mute = False
        self.started: list[dict[str, Any]] = []
        self.digits = ""
        #: `media` messages by track.
        self.media: dict[str, int] = {}
        self.audio: dict[str, bytes] = {}
        #: Talks on a one-way stream, which a server must not.
        self.talks_anyway = False
        self.port = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    def stream_document(self, rest: str = "", connect: str = "", stream: str = "") -> str:
        return (
            f'<Response><Connect{connect}><Stream url="{self.ws}"{stream}><Parameter name="a" value="b"/></Stream>'
            f"</Connect>{rest}</Response>"
        )

    async def webhook(self, request: web.Request) -> web.Response:
        form = (await request.post()) if request.method == "POST" else MultiDict()
        validator = RequestValidator(TOKEN)
        url = f"http://127.0.0.1:{self.port}{request.raw_path}"
        if not validator.validate(url, MultiDict(form), request.headers.get("X-Twilio-Signature", "")):
            self.unsigned.append(request.path)
        self.agents.add(request.headers["User-Agent"])
        asked = {**form, **request.query}
        self.asked.append((request.path, {name: str(value) for name, value in asked.items()}))
        self.headers = request.headers
        document = self.documents.get(request.path)
        if document is None:
            return web.Response(status=404)
        if callable(document):
            answer = document(asked)
            return await answer if inspect.isawaitable(answer) else answer
        return web.Response(text=document, content_type="text/xml")

    def of(self, path: str) -> list[dict[str, str]]:
        return [form for asked, form in self.asked if asked == path]

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        if self.stream_with is not None:
            return await self.stream_with(request)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sid, quiet_ms, speaking = "", 0, False
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            heard = json.loads(message.data)
            if heard["event"] == "start":
                sid = heard["streamSid"]
                self.started.append(heard["start"])
                if heard["start"]["tracks"] == ["inbound"] and not self.is_mute:
                    await self.say(socket, sid, self.greeting_ms)
            elif heard["event"] == "dtmf":
                self.digits += heard["dtmf"]["digit"]
            elif heard["event"] == "media":
                track = heard["media"]["track"]
                self.media[track] = self.media.get(track, 0) + 1
                self.audio[track] = self.audio.get(track, b"") + base64.b64decode(heard["media"]["payload"])
                if self.talks_anyway and self.media[track] == 1:
                    await socket.send_json({"event": "clear", "streamSid": sid})
                loud = level_dbfs(base64.b64decode(heard["media"]["payload"])) > -40
                if self.is_mute or "outbound" in self.started[-1]["tracks"]:
                    continue
                if loud and not speaking:
                    await socket.send_json({"event": "clear", "streamSid": sid})
                speaking, quiet_ms = speaking or loud, 0 if loud else quiet_ms + 20
                if speaking and quiet_ms >= 300:
                    speaking = False
                    self.answers += 1
                    if self.answers >= self.hangs_up_after:
                        break
                    await self.say(socket, sid, self.answer_ms)
        await socket.close()
        return socket

    async def say(self, socket: web.WebSocketResponse, sid: str, ms: int) -> None:
        payload = base64.b64encode(LOUD * (ms // 20)).decode()
        if ms:
            await socket.send_json({"event": "media", "streamSid": sid, "media": {"payload": payload}})
            await socket.send_json({"event": "mark", "streamSid": sid, "mark": {"name": f"m{self.answers}"}})


@asynccontextmanager
async def open_office() -> AsyncIterator[Office]:
    office = Office()
    app = web.Application()
    app.router.add_get("/stream", office.stream)
    app.router.add_route("*", "/{path:.*}", office.webhook)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office.port = runner.addresses[0][1]
    yield office
    await runner.cleanup()


async def called(
    target: str, *steps: Step, on_event: Callable[[Event], None] = lambda _: None, **options: Any
) -> tuple[CallReport, SimulatedCall]:
    options = {"auth_token": TOKEN, "verb_speed": 20.0, "limit_s": 60.0, **options}
    call = SimulatedCall(target, steps, CallOptions(**options), on_event)
    return await call.run(), call


LISTEN = WaitForAgent(quiet_ms=300, timeout_s=30)
ASK = Say(LOUD * 20, "When are you open?")
