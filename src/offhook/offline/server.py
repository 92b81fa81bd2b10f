"""The offline agent as a server: a WebSocket and three HTTP routes on one port. Holds no protocol of a call.

::

    async with OfflineAgent(ScriptedMind(), port=0) as agent:
        print(agent.url)                     # ws://127.0.0.1:…/v1/agent/converse
        ...                                  # point a client there
        assert agent.calls[0].sent("AgentAudioDone")

``agent.faults`` may be set at any time and holds for the next connection; a function gets the number of the
connection (0, 1, …) and returns its `Faults`.
"""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from offhook.offline.companion import Companion
from offhook.offline.faults import Action, Faults
from offhook.offline.handshake import Doorman, Keys, Refusal, refusal
from offhook.offline.line import Ending
from offhook.offline.manners import Manners
from offhook.offline.ports import Mind
from offhook.offline.record import CallRecord, Frame
from offhook.offline.served import ServedCall
from offhook.offline.shelf import Shelf
from offhook.offline.variety import varied
from offhook.trace import Entry, OnEntry

PATH: Final = "/v1/agent/converse"
#: Largest client message, and largest body; Settings with a long context fit many times over.
MESSAGE_BYTES: Final = 4 * 1024 * 1024
#: Call records kept; the oldest are forgotten.
CALLS_KEPT: Final = 1000
#: For an upgrade that is never answered to be given up by this side.
NEVER_S: Final = 3600.0
_SHUTDOWN_S: Final = 1.0


class OfflineAgent:
    """A Deepgram-compatible agent on ``host``:``port`` (0: any free one). Starts and stops ``mind`` with itself.

    ``keys``: the API keys that are good, or a map of keys to what each may do; None: any. ``concurrency``: live calls
    before 429; None: no limit. ``on_frame`` is called with every frame of every call, ``on_wire`` with every frame as
    it passed, for a trace; ``keep_audio`` False keeps sizes, not sound.
    """

    def __init__(
        self,
        mind: Mind,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: Keys | None = None,
        concurrency: int | None = None,
        manners: Manners | None = None,
        faults: Faults | Callable[[int], Faults] | None = None,
        on_frame: Callable[[CallRecord, Frame], None] | None = None,
        on_wire: OnEntry | None = None,
        keep_audio: bool = True,
    ) -> None:
        self.mind = mind
        self.manners = manners or Manners()
        self.faults: Faults | Callable[[int], Faults] = faults or Faults()
        self.calls: deque[CallRecord] = deque(maxlen=CALLS_KEPT)
        self.handshakes = 0
        self.concurrency = concurrency
        self._host = host
        self._port = port
        self._epoch = 0.0  # when the loop's clock was zero, in Unix time
        self._doorman = Doorman(keys, self._time)
        self._shelf = Shelf()
        self._companion = Companion(self._doorman, self._shelf)
        self._on_frame = on_frame
        self._on_wire = on_wire
        self._keep_audio = keep_audio
        self._live: set[ServedCall] = set()
        self._opening = 0
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Return the WebSocket URL to give a client."""
        return f"ws://{self.address}{PATH}"

    @property
    def address(self) -> str:
        """Return ``host:port`` to reach it from this machine; an IPv6 host in brackets."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104  # read
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    @property
    def live(self) -> int:
        """Return how many calls are open."""
        return len(self._live)

    def inject(self, action: Action) -> int:
        """Let a fault happen now on every open call; return on how many."""
        calls = list(self._live)
        for call in calls:
            call.inject(action)
        return len(calls)

    async def __aenter__(self) -> Self:
        self._epoch = time.time() - asyncio.get_running_loop().time()
        await self.mind.start()
        try:
            await self._listen()
        except BaseException:
            await self.mind.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for call in self._live:
            call.end(Ending("stopping", "close", 1001))
        try:
            if self._runner is not None:
                await self._runner.cleanup()
        finally:
            await self.mind.close()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=MESSAGE_BYTES)
        app.router.add_get(PATH, self._converse)
        self._companion.add_to(app)
        app.router.add_get("/livez", self._livez)
        app.router.add_route("*", "/{anything:.*}", self._nothing)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        sock = socket.create_server(
            (self._host, self._port), family=socket.AF_INET6 if ":" in self._host else socket.AF_INET, backlog=1024
        )
        self._port = sock.getsockname()[1]
        await web.SockSite(self._runner, sock).start()

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        index, self.handshakes = self.handshakes, self.handshakes + 1
        faults, manners = self.faults(index) if callable(self.faults) else self.faults, self.manners
        if manners.variety is not None:
            faults, manners = varied(manners.variety, index, faults, manners)
        request_id = str(uuid.uuid4())
        if faults.never_upgrade:
            await self._never()
        refused = self._refusal(request, faults, index)
        if refused is not None:
            self._refused(request, request_id, refused.status)
            return refusal(refused.status, request_id, faults.retry_after_s, err_code=refused.err_code)
        ws = web.WebSocketResponse(
            protocols=("token", "bearer"),
            compress=False,
            max_msg_size=MESSAGE_BYTES,
            autoclose=False,
            autoping=False,  # `ServedCall` answers pings, where no fault leaves them unanswered
        )
        if not ws.can_prepare(request):
            return refusal(400, request_id)
        ws.headers["dg-request-id"] = request_id
        self._opening += 1
        try:
            await ws.prepare(request)
        except ConnectionResetError:  # the client is gone, and nobody reads this answer
            return refusal(400, request_id)
        finally:
            self._opening -= 1
        transport = request.transport
        if transport is not None:
            record = self._record(index, request_id)
            await self._serve(
                ServedCall(ws, transport, self.mind, manners, faults, record, self._stored), record, transport
            )
        return ws

    async def _serve(self, call: ServedCall, record: CallRecord, transport: asyncio.Transport) -> None:
        self.calls.append(record)
        self._live.add(call)
        try:
            await call.run()
        finally:
            self._live.discard(call)
            record.close()
            transport.close()

    def _record(self, index: int, request_id: str) -> CallRecord:
        return CallRecord(index, request_id, self._on_frame, self._on_wire, keeps_audio=self._keep_audio)

    def _refusal(self, request: web.Request, faults: Faults, index: int) -> Refusal | None:
        if faults.refuse and (faults.refuse_times is None or index < faults.refuse_times):
            return Refusal(faults.refuse, faults.err_code)
        refused = self._doorman.refuses(request)
        if refused is None and self.concurrency is not None and self.live + self._opening >= self.concurrency:
            return Refusal(429)
        return refused

    def _stored(self, agent_id: str) -> Mapping[str, Any] | None:
        return self.manners.agents.get(agent_id) or self._shelf.agent_block(agent_id)

    def _time(self) -> float:
        return self._epoch + asyncio.get_running_loop().time()

    def wind(self, seconds: float) -> None:
        """Make every open session, and every token that was granted, ``seconds`` older now."""
        self._epoch += seconds
        for call in self._live:
            call.clock.wind(seconds)

    def _refused(self, request: web.Request, request_id: str, status: int) -> None:
        if self._on_wire is not None:
            at_ms = time.monotonic() * 1000
            self._on_wire(
                Entry(
                    at_ms=at_ms,
                    channel="agent",
                    sender="bridge",
                    kind="refused",
                    call=request_id,
                    status=status,
                    path=request.path,
                )
            )

    async def _never(self) -> None:
        try:
            async with asyncio.timeout(NEVER_S):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _livez(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "calls": self.live})

    async def _nothing(self, _: web.Request) -> web.Response:
        return refusal(404, str(uuid.uuid4()))
