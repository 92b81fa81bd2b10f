"""Takes up prompt and settings when their files are saved, for calls from then on. Stops nothing, restarts nothing.

The files are looked at twice a second: that needs no package and works on every file system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from offhook.agent.probe import probe
from offhook.agent.providers import ThinkLadder
from offhook.config.load import FILE, Loaded
from offhook.config.settings import Settings
from offhook.errors import AgentError, ConfigError
from offhook.observe.log import logger

#: What can change while calls are live. Everything else (ports, keys, limits) needs a new start, and that is said.
TAKEN_UP: Final = ("agent", "agents", "numbers", "call")
_EVERY_S: Final = 0.5

Stamp = tuple[tuple[str, int, int], ...]


class Adopts(Protocol):
    """What takes settings up: a switchboard."""

    def adopt(self, settings: Settings) -> None:
        """Take other settings for the calls that begin from now on."""
        ...


class Reloading(Protocol):
    """A running server, as far as reloading goes."""

    settings: Settings
    ladder: ThinkLadder

    @property
    def switchboard(self) -> Adopts:
        """Who begins calls."""
        ...


class Reload:
    """Watches the files of ``loaded`` and gives ``server`` what changed; ``load`` reads everything anew."""

    def __init__(self, server: Reloading, loaded: Loaded, load: Callable[[], Loaded]) -> None:
        self._server, self._loaded, self._load = server, loaded, load
        self._log = logger()

    async def watch(self) -> None:
        """Look, for ever. A save in two pieces is taken once it has settled."""
        known: Stamp = ()  # so that what was saved between the start and now is taken up too
        while True:
            now = self.stamp()
            if now != known:
                while known and (settled := await self._later()) != now:
                    now = settled
                if self.take_up():
                    await self._ask_agent()
                # a prompt file that is named only now has a stamp, too; one saved meanwhile is seen the next time
                known = now if len(self.files()) == len(now) else ()
            await asyncio.sleep(_EVERY_S)

    async def _later(self) -> Stamp:
        await asyncio.sleep(_EVERY_S)
        return self.stamp()

    def stamp(self) -> Stamp:
        """Return what changes when one of the files is saved."""
        return tuple(_stamp(file) for file in self.files())

    def files(self) -> list[Path]:
        """Return the files that settings come from."""
        folder, settings = self._loaded.folder, self._loaded.settings
        agents = [settings.agent, *settings.agents.values()]
        prompts = [folder / agent.prompt_file for agent in agents if agent.prompt_file]
        return [self._loaded.file or folder / FILE, folder / ".env", *prompts]

    def take_up(self) -> bool:
        """Read the settings and give the server what changed; say whether anything was given.

        Files that are wrong or gone change nothing, and that is said.
        """
        try:
            if self._loaded.file is not None and not self._loaded.file.is_file():
                raise ConfigError([f"{self._loaded.file.name} is gone; put it back"])
            loaded = self._load()
        except ConfigError as error:
            self._log.error("settings_kept", effect="calls go on with the old settings", problems=str(error))
            return False
        changed = changes(self._loaded, loaded)
        now = [key for key in changed if key.partition(".")[0] in TAKEN_UP]
        later = [key for key in changed if key not in now]
        self._loaded = loaded
        if later:
            self._log.warning("settings_need_a_restart", changed=", ".join(later))
        if not now:
            return False
        fresh = {name: getattr(loaded.settings, name) for name in TAKEN_UP}
        self._server.settings = self._server.settings.model_copy(update=fresh)
        self._server.switchboard.adopt(self._server.settings)
        self._log.info("settings_reloaded", effect="calls from now on", changed=", ".join(now))
        return True

    async def _ask_agent(self) -> None:
        """Ask the agent whether it takes the new settings, before a caller does."""
        settings = self._server.settings
        if settings.deepgram.api_key is None:
            return
        try:
            await probe(settings, settings.agent, self._server.ladder)
        except AgentError as error:
            self._log.error("agent_check_failed", reason=error.reason, public=error.public, **error.facts)


def changes(old: Loaded, new: Loaded) -> list[str]:
    """Return the keys whose values differ."""
    return _values(old.settings, new.settings, "")


def _values(old: Any, new: Any, key: str) -> list[str]:
    if old == new:
        return []
    fields = getattr(type(new), "model_fields", None)
    if fields is None or type(old) is not type(new):
        return [key]
    return [
        changed
        for name in fields
        for changed in _values(getattr(old, name), getattr(new, name), f"{key}.{name}".lstrip("."))
    ]


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, -1
    return str(file), found.st_mtime_ns, found.st_size
