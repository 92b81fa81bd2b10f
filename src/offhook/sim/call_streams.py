"""The streams of one call: that of `<Connect>`, which the call waits for, and those of `<Start>`, which run beside."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from offhook.sim.address import stream_address
from offhook.sim.behaviour import Behaviour
from offhook.sim.callbacks import Callbacks
from offhook.sim.caller import LineOver
from offhook.sim.circuit import Circuit
from offhook.sim.complaints import LineFault
from offhook.sim.earpiece import Earpiece
from offhook.sim.events import StreamStarted
from offhook.sim.handset import Handset
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.plan import StreamOrder
from offhook.sim.reach import Reach
from offhook.sim.stream import StreamClient
from offhook.trace import OnEntry

#: A call has at most this many tracks of `<Start>` streams.
TRACKS: Final = 4
#: No call lasts longer (a day).
LONGEST_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """What every stream of a call has in common."""

    auth_token: str | None
    identity: CallIdentity
    behaviour: Behaviour
    on_wire: OnEntry | None
    reach: Reach | None


@dataclass(slots=True)
class Fork:
    """One stream of `<Start>`, as the Streams resource shows it."""

    sid: str
    name: str
    order: StreamOrder
    client: StreamClient
    status: Literal["in-progress", "stopped"] = "in-progress"
    watch: asyncio.Task[None] | None = None


class CallStreams:
    """Opens, holds and ends streams. ``watchers`` is where the tasks of `<Start>` streams live."""

    def __init__(
        self,
        terms: StreamTerms,
        circuit: Circuit,
        handset: Handset,
        earpiece: Earpiece,
        callbacks: Callbacks,
        watchers: asyncio.TaskGroup,
    ) -> None:
        self.forks: list[Fork] = []
        self.frames_sent = self.frames_dropped = 0
        self._terms = terms
        self._circuit = circuit
        self._handset = handset
        self._earpiece = earpiece
        self._callbacks = callbacks
        self._watchers = watchers
        self._connected: StreamClient | None = None

    async def connect(self, order: StreamOrder, fault: LineFault | None = None) -> None:
        """Hold a two-way stream until it is over. Raises `LineFault`; after it `LineOver` or `Rerouted`.

        ``fault``: it cannot be opened, and its callback is told why.
        """
        stream = await self._open(order, fault)
        try:
            async with stream:
                self._connected = stream
                await self._begin(stream, order)
                self._handset.attach(stream.pass_frame)
                self._handset.on_key, self._handset.wire = stream.press, stream
                if self._circuit.is_leaving:  # it was ended or sent elsewhere while this was opened
                    await stream.hang_up()
                await self._until_over(stream)
        finally:
            self._connected = None
            self._handset.on_key = self._handset.wire = None
            self._handset.detach(stream.pass_frame)
            self._circuit.witness.agent.cut()
            self._count(stream)
        self._tell_end(stream, order)
        self._circuit.check()

    async def _until_over(self, stream: StreamClient) -> None:
        await stream.wait_until(lambda: stream.ended or stream.has_vanished, LONGEST_S)
        if stream.ended is None:
            await asyncio.sleep(stream.behaviour.half_open_s)

    async def start(self, order: StreamOrder) -> Fork:
        """Open a one-way stream that runs beside the call. Raises `LineFault`; `LineOver` where the call ends first."""
        tracks = order.tracks or ("inbound",)
        running = [fork for fork in self.forks if fork.status == "in-progress"]
        fault = None
        if sum(len(fork.order.tracks or ()) for fork in running) + len(tracks) > TRACKS:
            fault = LineFault(31900, f"a call has at most {TRACKS} tracks")
        elif order.name is not None and any(fork.name == order.name for fork in running):
            fault = LineFault(31900, "another stream of this call has that name")
        stream = await self._open(order, fault)
        if self._circuit.over is not None:  # while this was opened
            async with stream:
                await stream.hang_up()
            raise LineOver
        fork = Fork(stream.stream_sid, order.name or stream.stream_sid, order, stream)
        self.forks.append(fork)
        fork.watch = self._watchers.create_task(self._watch(fork))
        return fork

    async def _watch(self, fork: Fork) -> None:
        stream, tracks = fork.client, fork.order.tracks or ("inbound",)
        feeds: list[Callable[[], None]] = []
        try:
            async with stream:
                await self._begin(stream, fork.order)
                if self._circuit.over is not None:
                    await stream.hang_up()
                if "inbound" in tracks:
                    self._handset.attach(stream.pass_frame)
                    feeds.append(lambda: self._handset.detach(stream.pass_frame))
                if "outbound" in tracks:
                    feeds.append(self._earpiece.attach(lambda frame: stream.pass_frame(frame, "outbound")))
                await stream.wait_until(lambda: stream.ended or stream.has_vanished, LONGEST_S)
        finally:
            fork.status = "stopped"
            for stop in feeds:
                stop()
            self._count(stream)
        self._tell_end(stream, fork.order)

    async def stop(self, name_or_sid: str) -> bool:
        """Stop a stream of `<Start>`; say whether there was one."""
        for fork in self.forks:
            if fork.status == "in-progress" and name_or_sid in (fork.name, fork.sid):
                await fork.client.hang_up()
                return True
        return False

    async def end_connected(self) -> None:
        """End the two-way stream, as when a call goes elsewhere."""
        if self._connected is not None:
            await self._connected.hang_up()

    async def hang_up(self) -> None:
        """End all streams, as when the caller hangs up."""
        await self.end_connected()
        for fork in self.forks:
            if fork.status == "in-progress":
                await fork.client.hang_up()

    def _count(self, stream: StreamClient) -> None:
        self.frames_sent += stream.frames_sent
        self.frames_dropped += stream.frames_dropped

    async def _open(self, order: StreamOrder, fault: LineFault | None) -> StreamClient:
        witness, terms, sid = self._circuit.witness, self._terms, fresh_sid("MZ")
        try:
            if fault is not None:
                raise fault
            if not _may_be_plain(order.url):
                witness.complain(31922, "Twilio connects to wss:// only")
            return await StreamClient.open(
                order.url,
                auth_token=terms.auth_token,
                identity=terms.identity,
                behaviour=terms.behaviour,
                on_event=witness.tell,
                on_heard=self._earpiece.hear if order.tracks is None else None,
                now_ms=witness.now_ms,
                complaints=witness.complaints,
                on_wire=terms.on_wire,
                reach=terms.reach,
                tracks=order.tracks,
                stream_sid=sid,
            )
        except LineFault as refused:
            self._callbacks.stream(order, sid, "stream-error", f"{refused.code} - {refused.text}")
            raise

    async def _begin(self, stream: StreamClient, order: StreamOrder) -> None:
        await stream.begin(order.parameters)
        self._circuit.witness.tell(StreamStarted(self._circuit.now_ms(), stream.stream_sid))
        self._callbacks.stream(order, stream.stream_sid, "stream-started")

    def _tell_end(self, stream: StreamClient, order: StreamOrder) -> None:
        if stream.fault is not None:
            text = f"{stream.fault.code} - {stream.fault.text}"
            self._callbacks.stream(order, stream.stream_sid, "stream-error", text)
        if stream.fault is None or self._terms.behaviour.error_then_stopped:
            self._callbacks.stream(order, stream.stream_sid, "stream-stopped")


def _may_be_plain(url: str) -> bool:
    """Whether this stream URL is right: wss, or ws to this very machine, as in tests and in development.

    Raises `LineFault` 31922 or 31923. Plain ws to another machine is a finding and is dialled all the same.
    """
    parts = stream_address(url)
    if parts.scheme == "wss":
        return True
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
