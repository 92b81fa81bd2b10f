"""Loads the settings from all sources and says where each came from; every problem at once. No I/O but files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from offhook.config import layers
from offhook.config.files import UnreadableError, read_dotenv, read_toml, text_of
from offhook.config.layers import Layer
from offhook.config.problems import rendered
from offhook.config.settings import Settings
from offhook.config.values import address_of
from offhook.errors import ConfigError

FILE = "offhook.toml"
DEFAULT = "default"
#: Deepgram cuts longer prompts of managed models off (Warning PROMPT_TOO_LONG).
_PROMPT_LIMIT = 25_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each where it came from. ``notes`` are worth reading but stop nothing."""

    settings: Settings
    folder: Path
    file: Path | None = None
    dotenv: Path | None = None
    notes: tuple[str, ...] = ()
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict, repr=False)

    def origin(self, key: str) -> str:
        """Return where a setting came from.

        One of ``default``, ``offhook.toml``, ``environment NAME``, ``.env NAME``, ``command line``.
        """
        path = tuple(key.split("."))
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return DEFAULT


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    folder: Path = Path(),
) -> Loaded:
    """Load all settings: command line over environment over .env over offhook.toml over defaults.

    ``path`` is the file (default: ``OFFHOOK_CONFIG``, else offhook.toml in ``folder``, if there is one); .env is read
    beside it. ``overrides`` are dotted keys. Raises ConfigError with every problem found; no value of a setting in it.
    """
    environ = os.environ if environ is None else environ
    file, wanted = file_named(path, environ, folder)
    problems: list[str] = []
    notes: list[str] = []
    dotenv = file.parent / ".env"
    named = _named(environ, dotenv, problems)
    notes += _near_misses(named)
    toml = _file_layer(file, {name: value for name, (value, _) in named.items()}, problems, wanted=wanted)
    stack = [_platform_layer(named), toml, layers.from_environment(named), layers.from_overrides(overrides or {})]
    tree, origins = _laid(stack, problems)
    _read_prompts(tree, origins, file.parent, problems)
    settings = _validated(tree, origins, problems)
    if settings is None or problems:
        raise ConfigError(problems)
    notes += _long_prompts(settings)
    return Loaded(
        settings=settings,
        folder=file.parent.absolute(),
        file=file.absolute() if file.is_file() else None,
        dotenv=dotenv.absolute() if dotenv.is_file() else None,
        notes=tuple(notes),
        origins=origins,
    )


def file_named(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> tuple[Path, bool]:
    """Return the settings file, and whether somebody named it (then it must exist)."""
    if path is not None:
        return path, True
    named = environ.get("OFFHOOK_CONFIG")
    return (Path(named), True) if named else (folder / FILE, False)


def _named(environ: Mapping[str, str], dotenv: Path, problems: list[str]) -> dict[str, tuple[str, str]]:
    """Return every environment name with its value and origin; empty values do not hide those of .env."""
    named: dict[str, tuple[str, str]] = {}
    if dotenv.is_file():
        try:
            values, bad = read_dotenv(dotenv)
        except UnreadableError as error:
            problems.append(f".env: {error}")
        else:
            problems += [f".env: line {line} is not NAME=value; correct or remove it" for line in bad]
            named = {name: (value, f".env {name}") for name, value in values.items()}
    named |= {name: (value, f"environment {name}") for name, value in environ.items() if value or name not in named}
    return named


def _near_misses(named: Mapping[str, tuple[str, str]]) -> list[str]:
    notes = []
    for name in sorted(named):
        meant = layers.near_miss(name)
        if meant is not None and not named.get(meant, ("", ""))[0]:
            notes.append(f"{name} is set but means nothing here; did you mean {meant}?")
    return notes


def _file_layer(file: Path, names: Mapping[str, str], problems: list[str], *, wanted: bool) -> Layer:
    if not wanted and not file.is_file():
        return Layer()
    try:
        layer = layers.from_toml(read_toml(file), names, file.name)
    except UnreadableError as error:
        problems.append(f"{file.name}: {error}")
        return Layer()
    return layer


def _platform_layer(named: Mapping[str, tuple[str, str]]) -> Layer:
    """Take the public address from the platform where nothing else says it."""
    layer = Layer()
    domain, origin = named.get("RAILWAY_PUBLIC_DOMAIN", ("", ""))
    if domain:
        layer.put(("server", "public_url"), address_of(domain), origin)
    return layer


def _laid(stack: list[Layer], problems: list[str]) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    tree: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in stack:
        problems += layer.problems
        tree = layers.laid_over(tree, layer.tree)
        for leaf in layer.origins:
            for covered in [known for known in origins if known[: len(leaf)] == leaf]:
                del origins[covered]
        origins |= layer.origins
    return tree, {path: origin for path, origin in origins.items() if _is_in(tree, path)}


def _is_in(tree: Any, path: tuple[str, ...]) -> bool:
    """Say whether a value is still there: a prompt of a higher layer replaces the prompt file of a lower one."""
    for step in path:
        if not isinstance(tree, dict) or step not in tree:
            return False
        tree = tree[step]
    return True


def _read_prompts(tree: dict[str, Any], origins: dict[tuple[str, ...], str], folder: Path, problems: list[str]) -> None:
    """Put the text of each ``prompt_file`` into its ``prompt``. Paths are relative to the file's folder."""
    named = tree.get("agents")
    found: list[tuple[tuple[str, ...], Any]] = [(("agent",), tree.get("agent"))]
    found += [(("agents", str(name)), agent) for name, agent in named.items()] if isinstance(named, dict) else []
    for path, agent in found:
        if not isinstance(agent, dict) or not isinstance(agent.get("prompt_file"), str):
            continue
        origin = origins.get((*path, "prompt_file"), DEFAULT)
        key = ".".join((*path, "prompt_file"))
        if "prompt" in agent:
            problems.append(f"{key} ({origin}): is set beside prompt; keep one of the two")
            continue
        try:
            agent["prompt"] = text_of(folder / agent["prompt_file"]).strip()
            origins[(*path, "prompt")] = origin
        except UnreadableError as error:
            problems.append(f"{key} ({origin}): the file {error}; it is looked for beside {FILE}")


def _validated(tree: dict[str, Any], origins: dict[tuple[str, ...], str], problems: list[str]) -> Settings | None:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        problems += rendered(error, origins)
        return None


def _long_prompts(settings: Settings) -> list[str]:
    agents = {"agent": settings.agent} | {f"agents.{name}": agent for name, agent in settings.agents.items()}
    return [
        f"{name}.prompt has {len(agent.prompt)} characters; Deepgram's managed models read the first {_PROMPT_LIMIT}"
        for name, agent in agents.items()
        if len(agent.prompt) > _PROMPT_LIMIT and agent.think.endpoint is None
    ]
