"""Stored agent configurations and their variables, by project. Keeps them in memory; answers no HTTP (`companion`).

Voice Agent reference, "Reusable agent configurations": only the ``agent`` block is stored, as the JSON text it was
given as; variables stand in it unquoted, as DG_NAME, and are filled in when a call uses it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

#: Agents and variables kept by one server.
ROOM: Final = 1000
KEY: Final = re.compile(r"DG_[A-Z0-9_-]+")
_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|(DG_[A-Z0-9_-]+)')


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class BadConfigError(Exception):
    """What was given is no configuration; the text says why."""


@dataclass(slots=True)
class Stored:
    """One stored agent: its text as given, and what may be changed."""

    project: str
    config: str
    metadata: dict[str, str]
    agent_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: str = field(default_factory=_now)
    updated_at: str = field(default_factory=_now)

    def touch(self) -> None:
        """Note a change."""
        self.updated_at = _now()

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it: the configuration parsed, placeholders as they are."""
        return {
            "agent_id": self.agent_id,
            "config": _parsed(self.config, {}),
            "metadata": self.metadata,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass(slots=True)
class Variable:
    """One variable of a project."""

    project: str
    key: str
    value: Any
    variable_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: str = field(default_factory=_now)
    updated_at: str = field(default_factory=_now)

    def change(self, value: Any) -> None:
        """Give it another value."""
        self.value, self.updated_at = value, _now()

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "variable_id": self.variable_id,
            "key": self.key,
            "value": self.value,
            "is_sensitive": False,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass(slots=True)
class Shelf:
    """What is stored."""

    agents: dict[str, Stored] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def store(self, project: str, config: str, metadata: dict[str, str]) -> Stored:
        """Keep a configuration. Raises `BadConfigError`."""
        _parsed(config, {})
        if len(self.agents) >= ROOM:
            raise BadConfigError("this offline server keeps no more agents")
        stored = Stored(project, config, metadata)
        self.agents[stored.agent_id] = stored
        return stored

    def name(self, project: str, key: str, value: Any) -> Variable:
        """Keep a variable. Raises `BadConfigError`."""
        if not KEY.fullmatch(key):
            raise BadConfigError("key must be DG_ and upper-case letters, digits, _ or -")
        if len(self.variables) >= ROOM or any((v.project, v.key) == (project, key) for v in self.variables.values()):
            raise BadConfigError("there is a variable of this key already, or too many")
        variable = Variable(project, key, value)
        self.variables[variable.variable_id] = variable
        return variable

    def agent_block(self, agent_id: str) -> Mapping[str, Any] | None:
        """Return the ``agent`` block of a stored agent with its variables filled in; None where there is none."""
        stored = self.agents.get(agent_id)
        if stored is None:
            return None
        values = {one.key: one.value for one in self.variables.values() if one.project == stored.project}
        return _parsed(stored.config, values)


def _parsed(config: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object; an unquoted DG_NAME stands for its value, or for its own name where it has none."""

    def filled(match: re.Match[str]) -> str:
        return json.dumps(values.get(match[1], match[1])) if match[1] else match[0]

    try:
        block = json.loads(_TOKEN.sub(filled, config))
    except (ValueError, RecursionError):
        raise BadConfigError("config must be the JSON text of an agent block") from None
    if not isinstance(block, dict):
        raise BadConfigError("config must be the JSON text of an object")
    return block
