"""Composition root: builds everything from settings, serves, drains, stops. The only place where all parts meet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from aiohttp import web

from offhook.agent.book import AgentBook
from offhook.agent.check import AgentCheck
from offhook.agent.providers import ThinkLadder
from offhook.call.actions import CallRecord
from offhook.config.exposure import Listening, cannot_listen, identity, listening, must_be_known
from offhook.config.settings import Settings
from offhook.errors import ConfigError
from offhook.observe.log import logger
from offhook.observe.metrics import Metrics
from offhook.observe.observer import Observer
from offhook.run.agent_leg import AgentDialler
from offhook.run.front_door import FrontDoor, Head, Streams
from offhook.run.no_functions import NoFunctions
from offhook.run.phrases import load_phrases
from offhook.run.switchboard import Switchboard
from offhook.run.taps import NO_TAPS, Taps
from offhook.web.app import build_app
from offhook.web.health import Health, Phase
from offhook.wire import signature

_LINGER_S = 1.0
#: aiohttp reads on after its answer, 10 s by default, to whoever still sends: long enough to be heard is enough (H8).
_LISTEN_ON_S = 0.25


class Server:
    """One offhook process. ``async with Server(settings) as server`` listens; `drain` and leaving the block stop it."""

    def __init__(
        self,
        settings: Settings,
        where: Listening | None = None,
        ended: Callable[[CallRecord], None] | None = None,
        taps: Taps = NO_TAPS,
    ) -> None:
        self.settings = settings
        self.where = where or listening(settings, os.environ)
        must_be_known(settings)
        self.metrics = Metrics()
        key = settings.deepgram.api_key
        self.ladder = ThinkLadder()
        agents = AgentBook(settings, self.ladder, time.monotonic, self._learned)
        dialler = AgentDialler(
            settings.deepgram.agent_url, key.get_secret_value() if key else "", settings.limits, settings.timeouts
        )
        dialler.taps = self._taps = taps
        phrases = load_phrases()
        self._observer = Observer(self.metrics, ended)
        self.switchboard = Switchboard(settings, dialler, agents, NoFunctions(), self._observer, phrases)
        self.health = Health(self.switchboard, self.metrics)
        self._log = logger()
        app = build_app(settings, self.switchboard, self.health, self.metrics, taps)
        waits: dict[str, Any] = {
            "keepalive_timeout": _LINGER_S,
            "lingering_time": _LISTEN_ON_S,
            "shutdown_timeout": _LINGER_S,
        }
        self._web = web.AppRunner(app, access_log=None, handle_signals=False, **waits)
        self._listener: asyncio.Server | None = None
        self._door: FrontDoor | None = None
        self._probing: asyncio.Task[None] | None = None
        self._checked = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._web.setup()
        web_server = self._web.server
        assert web_server is not None
        streams = Streams(self.settings.server.stream_path, self.switchboard, self._check_handshake, self._taps)
        self._door = FrontDoor(
            streams, web_server, lambda: len(web_server.connections), self.settings.limits, self.settings.timeouts
        )
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._door, self.where.host, self.where.port, backlog=1024, reuse_address=os.name == "posix"
            )
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            await self._web.cleanup()
            raise ConfigError([cannot_listen(self.where, error)]) from None
        loop.set_exception_handler(self._observer.escaped)
        self._log.info("listening", host=self.where.host, port=self.port, why=self.where.why, **identity(os.environ))
        check = AgentCheck(self.settings, self.ladder, self.switchboard.agent_reached, self._asked)
        self._probing = asyncio.create_task(check.run(lambda: self.switchboard.admission.agent_trouble))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port we listen on."""
        assert self._listener is not None
        return int(self._listener.sockets[0].getsockname()[1])

    async def ready(self) -> None:
        """Wait until we would take calls."""
        await self._checked.wait()

    async def drain(self) -> None:
        """Refuse new calls, wait for the live ones up to ``timeouts.drain_s``, then end politely."""
        self.health.phase = Phase.DRAINING
        self._log.info("draining", calls=self.switchboard.live)
        waiting = partial(self._log.info, "waiting_for_calls")
        await self.switchboard.drain(self.settings.timeouts.drain_s, lambda left: waiting(calls=left))

    async def stop(self) -> None:
        """End every call and close every socket."""
        self.health.phase = Phase.STOPPED
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
        await self.switchboard.stop()
        if self._listener is not None:
            self._listener.close()
        if self._door is not None:
            self._door.close()
        await self._web.cleanup()
        self._taps.close()
        asyncio.get_running_loop().set_exception_handler(None)

    def _check_handshake(self, head: Head) -> None:
        """Check the signature of a stream's handshake; without an auth token only this machine can ask."""
        tokens = self.settings.twilio.auth_tokens
        if not tokens:
            signature.refuse_web_pages(head.fields.get("origin"))
        else:
            host = str(self.settings.server.public_url).partition("://")[2]
            url = f"wss://{host}{head.target.partition('?')[0]}"  # Twilio opens, and so signs, nothing but wss
            signature.check_signature(tokens, head.fields.get("x-twilio-signature"), url)

    def _asked(self) -> None:
        """The agent was asked for the first time: from now on we take calls."""
        if not self._checked.is_set():
            self.health.phase = Phase.READY
            self._checked.set()

    def _learned(self, refused: list[str]) -> None:
        self._log.warning("think_fallback", refused=refused, think="the next in agent.think.fallback answers")
