"""What the checks look at: one folder, one environment, one address. Reads settings once; judges nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from offhook.config.load import Loaded, load
from offhook.errors import ConfigError

if TYPE_CHECKING:
    import aiohttp

    from offhook.config.settings import Settings

Known = TypeVar("Known")


@dataclass(slots=True)
class Patient:
    """One set-up. Make it with `examine`; ``session`` is None where the network is not to be used.

    ``url`` is the public address that the user names, else the settings' own. ``problems`` are those of the settings;
    then ``loaded`` is None.
    """

    folder: Path
    environ: Mapping[str, str]
    url: str | None = None
    session: aiohttp.ClientSession | None = None
    loaded: Loaded | None = None
    problems: tuple[str, ...] = ()
    _answers: dict[str, tuple[Any, Exception | None]] = field(default_factory=dict, repr=False)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), repr=False)

    @property
    def settings(self) -> Settings | None:
        """The settings, where they are valid."""
        return self.loaded.settings if self.loaded is not None else None

    @property
    def public_url(self) -> str | None:
        """The address to look at, without a slash at its end."""
        known = self.url or (str(self.settings.server.public_url or "") if self.settings is not None else "")
        return known.rstrip("/") or None

    async def once(self, name: str, ask: Callable[[], Awaitable[Known]]) -> Known:
        """Ask something that several checks want to know; the first one asks, all get its answer or its error."""
        async with self._locks[name]:
            if name not in self._answers:
                try:
                    self._answers[name] = (await ask(), None)
                except Exception as error:  # noqa: BLE001  # whoever asks next gets the same error
                    self._answers[name] = (None, error)
        answer, failed = self._answers[name]
        if failed is not None:
            raise failed
        known: Known = answer
        return known


def examine(
    folder: Path,
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    session: aiohttp.ClientSession | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Patient:
    """Read the settings of ``folder`` and return the patient. Problems of the settings are kept, not raised."""
    try:
        loaded = load(None, environ, overrides, folder)
    except ConfigError as error:
        return Patient(folder, environ, url, session, None, error.problems)
    return Patient(folder, environ, url, session, loaded)
