"""Where scenarios are performed: our own server or somebody's bridge, an offline agent or the real one. Values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from offhook.offline.ports import Mind

Speak = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Speech:
    """Ears, brain and voices that are loaded once and used by every scenario that asks for them."""

    mind: Mind
    caller: Speak


@dataclass(frozen=True, slots=True)
class Own:
    """offhook's own server. Scenarios of others than offhook run with the settings of ``config`` or ``folder``."""

    config: Path | None = None
    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=dict)
    is_real: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge that runs already: asked at ``url``, it dials the offline agent at ``agent_port`` of this machine."""

    url: str
    agent_port: int
    auth_token: str | None = None
    account_sid: str | None = None
    #: How the world names it, like https://voice.example.com, where that is not how it is reached here.
    public: str | None = None


World = Own | Bridge


@dataclass(frozen=True, slots=True)
class Stage:
    """A world, and what it has that scenarios may ask for. ``speech`` None: there are no models here."""

    world: World = field(default_factory=Own)
    speech: Speech | None = None
    no_speech: str = "needs ears and a voice"
    #: Where each call leaves its recording and its report; None: nowhere.
    keep: Path | None = None
