"""The parts of one running call, built and taken down together. Runs nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from offhook.sim.call_streams import CallStreams, StreamTerms
from offhook.sim.callbacks import Callbacks, voice_form
from offhook.sim.circuit import Circuit
from offhook.sim.desk import Desk
from offhook.sim.earpiece import Earpiece
from offhook.sim.handset import Handset
from offhook.sim.options import CallOptions
from offhook.sim.pages import Pages
from offhook.sim.patience import TOTAL_S
from offhook.sim.rooms import Rooms
from offhook.sim.state import CallState
from offhook.sim.trial import FETCH_S
from offhook.sim.webhook import Webhooks


class CallParts:
    """Handset, earpiece, streams, callbacks and desk of one call. Use `of` as an async context manager."""

    def __init__(self, target: str, options: CallOptions, circuit: Circuit) -> None:
        self._stack = AsyncExitStack()
        self._options = options
        self._target = target
        self.circuit = circuit
        self.form = voice_form(options.identity, circuit.state.direction, circuit.state.status) | dict(options.form)
        self.handset = Handset(
            circuit,
            options.behaviour,
            options.network,
            speaks_at_once=options.outbound is not None,
            background=options.life.background,
        )
        self.earpiece = Earpiece(circuit, options.network.downlink_ms)
        self.callbacks: Callbacks
        self.streams: CallStreams
        self.desk: Desk

    @classmethod
    def of(cls, target: str, options: CallOptions, circuit: Circuit) -> Self:
        """Return the parts of a call that begins."""
        return cls(target, options, circuit)

    async def __aenter__(self) -> Self:
        options, circuit = self._options, self.circuit
        webhooks = await self._stack.enter_async_context(
            Webhooks(
                options.auth_token,
                behaviour=options.behaviour,
                on_wire=options.on_wire,
                call_sid=options.identity.call_sid,
                reach=options.reach,
                total_s=FETCH_S if options.trial == "current" else TOTAL_S,
            )
        )
        errands = await self._stack.enter_async_context(asyncio.TaskGroup())
        watchers = await self._stack.enter_async_context(asyncio.TaskGroup())
        self.callbacks = Callbacks(self.form, webhooks, errands, circuit.witness.complain, options.behaviour)
        terms = StreamTerms(options.auth_token, options.identity, options.behaviour, options.on_wire, options.reach)
        self.streams = CallStreams(terms, circuit, self.handset, self.earpiece, self.callbacks, watchers)
        plan = options.plan(self._target)
        self.desk = Desk(
            plan,
            options.identity,
            circuit,
            self.handset,
            self.earpiece,
            self.streams,
            self.callbacks,
            Pages(plan, webhooks, circuit.witness, self.form),
            options.rooms or Rooms(),
            options.rooms is not None,
            options.reach,
            options.speak,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.handset.put_down()
        await self._stack.__aexit__(kind, error, trace)

    def on_state(self, state: CallState) -> None:
        """Let every part know that the status changed."""
        if state.status not in ("queued", "ringing") or "CallStatus" not in self._options.form:
            self.form["CallStatus"] = state.status
        if state.status == "in-progress":
            self.handset.lift()
        if state.is_over:
            self.settle()
        self.callbacks.progress(state)

    def settle(self) -> None:
        """Take the telephone down and complete what was recorded. Safe to repeat."""
        self.handset.put_down()
        for tape in self.desk.tapes:
            tape.finish()
            if tape.source == "OutboundAPI":
                form = tape.form(self._options.identity.account_sid)
                self.callbacks.recorded = {
                    name: form[name] for name in ("RecordingSid", "RecordingUrl", "RecordingDuration")
                }
