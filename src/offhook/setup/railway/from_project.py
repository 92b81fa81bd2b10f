"""What a project's own folder says it wants at Railway: its `.env`, its settings. Reads files; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.config.files import read_dotenv
from offhook.config.keys import OTHER_NAMES, PLATFORM_NAMES, PREFIX
from offhook.config.load import Loaded
from offhook.setup.railway.wanted import REQUIRED, Database, ServiceSettings, Source, Wanted

#: Names that mean this machine, or Railway's own side: the server there has its own, or none.
_STAY_HERE: Final = ("PORT", "OFFHOOK_PUBLIC_URL", "OFFHOOK_CONFIG", "NGROK_AUTHTOKEN")
_STAY_HERE_PREFIXES: Final = ("RAILWAY_", "OFFHOOK_RAILWAY__", "OFFHOOK_SERVER__", "OFFHOOK_DEV__", "OFFHOOK_SETUP_")


def variables_of(loaded: Loaded, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the server needs at Railway: all of `.env`, and what the environment knows of ours."""
    named: dict[str, str] = {}
    if loaded.dotenv is not None:
        named, _ = read_dotenv(loaded.dotenv)
    named |= {name: value for name, value in environ.items() if value and _is_ours(name)}
    return {name: value for name, value in named.items() if value and _goes_along(name)}


def _is_ours(name: str) -> bool:
    return name in PLATFORM_NAMES or (name.startswith(PREFIX) and name not in OTHER_NAMES)


def _goes_along(name: str) -> bool:
    return name not in _STAY_HERE and not name.startswith(_STAY_HERE_PREFIXES)


def wanted_of(
    loaded: Loaded,
    environ: Mapping[str, str],
    source: Source | None = None,
    replicas: int = 1,
    databases: tuple[Database, ...] = (),
) -> Wanted:
    """Return what this project wants at Railway; its names there are settings (`[railway]`)."""
    known = loaded.settings.railway
    return Wanted(
        source,
        variables_of(loaded, environ),
        project=known.project or "offhook",
        environment=known.environment or "production",
        service=known.service or "offhook",
        settings=ServiceSettings.for_drain(loaded.settings.timeouts.drain_s, replicas),
        databases=databases,
        required=REQUIRED,
    )
