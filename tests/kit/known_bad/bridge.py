"""The bridge: aiohttp on both legs, Twilio's own validator at the door. Correct unless ``defect`` says otherwise."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self
from xml.sax.saxutils import quoteattr

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

FRAME = 160
ALIVE_S = 0.5
GATHERED = 400 * 8


class Bridge:
    """One bridge on a free port of this machine, known to the world as ``public``."""

    def __init__(self, agent_url: str, auth_token: str, public: str, defect: str | None = None) -> None:
        self.agent_url = agent_url
        self.public = public
        self.defect = defect
        self.port = 0
        self._validator = RequestValidator(auth_token)
        self._nonces: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialled: asyncio.Task[aiohttp.ClientWebSocketResponse] | None = None
        self._session: aiohttp.ClientSession
        self._runner: web.AppRunner
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_post("/voice", self._voice)
        app.router.add_get("/media/{nonce}", self._media)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await self._session.close()

    def has(self, *defects: str) -> bool:
        """Whether it has one of these defects."""
        return self.defect in defects

    # -- the door

    async def _voice(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers.get("X-Twilio-Signature", "")
        is_twilio = self._validator.validate(f"{self.public}/voice", form, signature)
        if not is_twilio and not self.has("webhook unsigned"):
            return web.Response(status=403)
        if self.has("blocking webhook"):
            await asyncio.sleep(1.2)
        nonce = secrets.token_urlsafe(9)
        self._nonces.add(nonce)
        return web.Response(text=self._twiml(nonce, form), content_type="text/xml")

    def _twiml(self, nonce: str, form: dict[str, str]) -> str:
        is_plain = self.has("ws url") or self.public.startswith("http:")  # on this machine there is no TLS
        scheme = "ws" if is_plain else "wss"
        url = f"{scheme}://{self.public.partition('://')[2]}/media/{nonce}"
        if self.has("query string"):
            url += "?caller=1"
        value = "x" * 500 if self.has("long parameter") else nonce
        verb = "Start" if self.has("start instead of connect") else "Connect"
        first = "<Say>Please hold, please hold, please hold.</Say>" if self.has("no keep-alive") else ""
        last = '<Pause length="1"/>' if self.has("trailing pause") else ""
        if self.has("no keep-alive"):
            self._dialled = asyncio.create_task(self._dial())
        parameter = f'<Parameter name="token" value={quoteattr(value)}/>'
        stream = f"<Stream url={quoteattr(url)}>{parameter}</Stream>"
        return f"<Response>{first}<{verb}>{stream}</{verb}>{last}</Response>"

    async def _media(self, request: web.Request) -> web.StreamResponse:
        nonce = request.match_info["nonce"]
        if nonce not in self._nonces:
            return web.Response(status=403)
        if not self.has("token reused"):
            self._nonces.discard(nonce)
        scheme = "https" if self.has("signature over https") else "wss"
        signed = f"{scheme}://{self.public.partition('://')[2]}/media/{nonce}"
        given = request.headers.get("X-Twilio-Signature", "")
        if not self.has("stream unsigned") and self._validator.compute_signature(signed, {}) != given:
            self._nonces.add(nonce)
            return web.Response(status=403)
        caller = web.WebSocketResponse()
        await caller.prepare(request)
        call = Call(self, caller)
        try:
            await call.run()
        finally:
            await caller.close()
        return caller

    # -- the agent

    async def dial(self) -> aiohttp.ClientWebSocketResponse:
        """Open the agent, or take the one that was opened while the caller heard an announcement."""
        if self._dialled is not None:
            return await self._dialled
        return await self._dial()

    async def _dial(self) -> aiohttp.ClientWebSocketResponse:
        agent = await self._session.ws_connect(self.agent_url, headers={"Authorization": "Token key"})
        await self._wait_for("Welcome", agent)
        if self.has("keep-alive before settings"):
            await agent.send_json({"type": "KeepAlive"})
        if self.has("settings late"):
            await asyncio.sleep(1.5)
        await agent.send_json(self._settings())
        if self.has("audio before settings applied"):
            await agent.send_bytes(b"\xff" * FRAME)
        await self._wait_for("SettingsApplied", agent)
        if self.has("settings twice"):
            await agent.send_json(self._settings())
        return agent

    async def _wait_for(self, kind: str, agent: aiohttp.ClientWebSocketResponse) -> None:
        while (await agent.receive_json(timeout=5))["type"] != kind:
            if self.has("unknown message ends the call"):
                await agent.close()
                raise ConnectionError

    def _settings(self) -> dict[str, Any]:
        encoding = {"encoding": "mulaw", "sample_rate": 8000}
        output = {**encoding, "container": "wav" if self.has("container wav") else "none"}
        listen = {"provider": {"type": "deepgram", "version": "v1", "model": "nova-3"}}
        functions = [
            {"name": name, "description": "d", "parameters": {"type": "object", "properties": {}}}
            for name in ("one", "two", "slow")
        ]
        think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "prompt": "p", "functions": functions}
        speak = {"provider": {"type": "deepgram", "version": "v1", "model": "aura-2-thalia-en"}}
        agent = {"listen": listen, "think": think, "speak": speak, "greeting": "Hello."}
        return {"type": "Settings", "audio": {"input": encoding, "output": output}, "agent": agent}

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def keep_open(self, agent: aiohttp.ClientWebSocketResponse) -> None:
        """Leak an agent until the bridge itself ends."""

        async def hold() -> None:
            async with aiohttp.ClientSession():
                while not agent.closed:
                    with suppress(TimeoutError, TypeError):
                        await agent.receive(timeout=ALIVE_S)
                    if not agent.closed:
                        await agent.send_json({"type": "KeepAlive"})

        self._start(hold())


class Call:
    """One call of the bridge."""

    def __init__(self, bridge: Bridge, caller: web.WebSocketResponse) -> None:
        self._has = bridge.has
        self._bridge = bridge
        self._caller = caller
        self._agent: aiohttp.ClientWebSocketResponse | None = None
        self._sid = ""
        self._frames_up = self._frames_down = self._marks = 0
        self._held: list[bytes] = []
        self._held_down: list[bytes] = []
        self._is_discarding = False
        self._is_drained = asyncio.Event()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._functions: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Serve until either side ends."""
        if self._has("message before start"):
            await self._caller.send_json({"event": "mark", "streamSid": "MZ", "mark": {"name": "early"}})
        from_agent: asyncio.Task[None] | None = None
        try:
            async for frame in self._caller:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    break
                message = json.loads(frame.data)
                if message["event"] == "start":
                    self._sid = message["streamSid"]
                    from_agent = asyncio.create_task(self._serve_agent())
                    if self._has("stale audio"):
                        self._functions.append(asyncio.create_task(self._pace()))
                elif message["event"] == "media":
                    await self._up(base64.b64decode(message["media"]["payload"]))
                elif message["event"] == "mark" and message["mark"].get("name", "").startswith("end"):
                    self._is_drained.set()
                elif message["event"] == "stop":
                    break
        finally:
            if from_agent is not None:
                await self._end(from_agent)

    async def _end(self, from_agent: asyncio.Task[None]) -> None:
        for task in (from_agent, *self._functions):
            task.cancel()
        await asyncio.gather(from_agent, *self._functions, return_exceptions=True)
        if self._agent is None:
            return
        if self._has("agent leaked"):
            self._bridge.keep_open(self._agent)
        else:
            await self._agent.close()

    # -- caller to agent

    async def _up(self, audio: bytes) -> None:
        self._frames_up += 1
        agent = self._agent
        if agent is None or agent.closed:
            if self._has("pre-roll replayed"):
                self._held.append(audio)
            return
        for piece in self._shaped_up(audio):
            with suppress(ConnectionError):
                await agent.send_bytes(piece)

    def _shaped_up(self, audio: bytes) -> Iterator[bytes]:
        n = self._frames_up
        if self._has("gathers 400 ms"):
            self._held.append(audio)
            if sum(map(len, self._held)) < GATHERED:
                return
            audio = b"".join(self._held)
            self._held.clear()
        if self._has("caller audio late"):
            self._held.append(audio)
            if len(self._held) < 50:
                return
            audio = self._held.pop(0)
        if self._has("pre-roll replayed") and self._held:
            yield from self._held
            self._held.clear()
        if self._has("caller frames dropped") and n % 10 == 0:
            return
        if self._has("caller frames reordered"):
            self._held.append(audio)
            if len(self._held) == 10:
                self._held[4], self._held[5] = self._held[5], self._held[4]
                yield from self._held
                self._held.clear()
            return
        if self._has("caller audio altered"):
            audio = bytes(byte ^ 0x03 for byte in audio)
        if self._has("caller samples lost") and n % 10 == 0:
            audio = audio[:-1]
        if self._has("caller silence held back") and len(set(audio)) == 1:
            return
        if self._has("zero as silence") and n % 50 == 0:
            yield bytes(FRAME)
        yield audio
        if self._has("caller frames repeated") and n % 10 == 0:
            yield audio

    # -- agent to caller

    async def _serve_agent(self) -> None:
        try:
            self._agent = await self._bridge.dial()
            if self._has("message invalid"):
                await self._send({"event": "mark", "streamSid": "MZ0", "mark": {"name": "other"}})
            async for frame in self._agent:
                if frame.type is aiohttp.WSMsgType.BINARY:
                    if self._is_discarding:
                        continue
                    for piece in self._shaped_down(frame.data):
                        await self._play(piece)
                elif frame.type is aiohttp.WSMsgType.TEXT:
                    await self._hear(json.loads(frame.data))
        except (aiohttp.ClientError, AssertionError, TypeError, ConnectionError):
            pass
        if not self._has("line left open"):
            await self._hang_up()

    async def _hang_up(self) -> None:
        if self._has("fixed sleep before hang-up"):
            await asyncio.sleep(4)
        elif self._frames_down:
            await self._send({"event": "mark", "streamSid": self._sid, "mark": {"name": "end"}})
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._is_drained.wait()
        elif self._has("dead air"):
            await asyncio.sleep(4)
        await self._caller.close()

    def _shaped_down(self, audio: bytes) -> Iterator[bytes]:
        self._frames_down += 1
        n = self._frames_down
        if self._has("agent frames dropped") and n % 10 == 0:
            return
        if self._has("agent frames reordered"):
            self._held_down.append(audio)
            if len(self._held_down) == 10:
                self._held_down[4], self._held_down[5] = self._held_down[5], self._held_down[4]
                yield from self._held_down
                self._held_down.clear()
            return
        if self._has("wav header") and n == 1:
            audio = b"RIFF\x24\x00\x00\x00WAVEfmt \x12\x00\x00\x00data\x00\x00\x00\x00" + audio
        if self._has("agent audio altered"):
            audio = bytes(byte ^ 0x03 for byte in audio)
        if self._has("agent samples lost") and n % 10 == 0:
            audio = audio[:-1]
        if self._has("agent audio halved"):
            audio = audio[::2]
        if self._has("agent audio stuffed") and n % 2 == 0:
            yield b"\xff" * FRAME
        yield audio
        if self._has("agent frames repeated") and n % 10 == 0:
            yield audio

    async def _play(self, audio: bytes) -> None:
        if self._has("agent audio late"):
            await asyncio.sleep(0.5 if self._frames_down == 1 else 0)
        if self._has("agent audio paced"):
            await asyncio.sleep(len(audio) / 8000 * 0.98)  # and nothing of Deepgram's is read meanwhile
        if self._has("stale audio"):
            self._queue.put_nowait(audio)
        else:
            await self._send_audio(audio)

    async def _pace(self) -> None:
        """Hold what is not due yet, and forget to throw it away when the caller breaks in."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            audio = await self._queue.get()
            due = max(due, loop.time() - 0.2)
            await asyncio.sleep(due - loop.time())
            due += len(audio) / 8000
            await self._send_audio(audio)

    async def _send_audio(self, audio: bytes) -> None:
        media: dict[str, Any] = {"payload": base64.b64encode(audio).decode()}
        if self._has("payload not base64"):
            media["payload"] = "%%%"
        if self._has("extra fields"):
            media["track"] = "outbound"
        await self._send({"event": "media", "streamSid": self._sid, "media": media})
        if self._frames_down % 10 == 0:
            self._marks += 1
            name = "m" if self._has("mark names repeat") else f"m{self._marks}"
            mark = {} if self._has("mark without name") else {"name": name}
            await self._send({"event": "mark", "streamSid": self._sid, "mark": mark})
        if self._has("binary frame") and self._frames_down == 5:
            await self._caller.send_bytes(b"\xff" * 4)

    async def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ConversationText" | "AgentStartedSpeaking" | "AgentAudioDone" if message.get("role") != "user":
                self._is_discarding = False
            case "UserStartedSpeaking":
                self._is_discarding = not self._has("left-overs passed on")
                if not self._has("no clear"):
                    await self._send({"event": "clear", "streamSid": self._sid})
            case "FunctionCallRequest":
                self._functions.append(asyncio.create_task(self._call(message["functions"])))
            case "FunctionCallCancelled" if not self._has("cancellation ignored"):
                for task in self._functions:
                    task.cancel()

    async def _call(self, functions: list[dict[str, Any]]) -> None:
        assert self._agent is not None
        slow = any(function["name"] == "slow" for function in functions)
        await asyncio.sleep(0.6 if slow else 0.02)
        if self._has("functions unanswered"):
            return
        for function in functions:
            answer = {"type": "FunctionCallResponse", "id": function["id"], "name": function["name"], "content": "ok"}
            if self._has("function reply fields"):
                answer = {"type": "FunctionCallResponse", "function_call_id": function["id"], "output": "ok"}
            if self._has("function of nobody"):
                answer["id"] = "nobody"
            if self._has("function reply binary"):
                await self._agent.send_bytes(json.dumps(answer).encode())
                continue
            await self._agent.send_json(answer)
            if self._has("functions answered twice"):
                await self._agent.send_json(answer)
            if self._has("first function only"):
                return

    async def _send(self, message: dict[str, Any]) -> None:
        with suppress(ConnectionError):
            await self._caller.send_json(message)
