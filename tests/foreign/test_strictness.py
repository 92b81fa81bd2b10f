"""The offline agent is as strict as the vendor's AsyncAPI document: what that refuses in Settings, it refuses too.

Good Settings of every provider are damaged at every place, in three ways. Only what the document itself takes whole is
damaged, so that what is newer than it (docs/topics/vendor-contracts.md) plays no part.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.foreign.judges_of_settings import settings_judge
from tests.unit.offline.test_messages import WHOLE, settings
from tests.unit.offline.test_rules import ANYWHERE, AURA, CARTESIA, ELEVEN, IAM, OPEN_AI_VOICE, POLLY

from offhook.offline import messages as m
from offhook.offline import rules

pytestmark = pytest.mark.foreign

STS = {**IAM, "type": "sts", "session_token": "t"}
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "endpoint": {"url": "https://x.test"}}
THINKS: list[dict[str, Any]] = [
    {"type": "open_ai", "version": "v1", "model": "gpt-4o", "temperature": 0.5, "reasoning_mode": "low"},
    {"type": "anthropic", "version": "v1", "model": "claude-haiku-4-5", "temperature": 0.5},
    {"type": "google", "version": "v1beta", "model": "gemini-2.5-flash", "temperature": 0.5},
    {"type": "groq", "version": "v1", "model": "openai/gpt-oss-20b", "reasoning_mode": "low"},
    {"type": "aws_bedrock", "model": "anthropic/claude", "credentials": STS},
]
VOICES = [
    {"type": "deepgram", **AURA},
    {**ELEVEN, "version": "v1", "language": "en"},
    {**CARTESIA, "version": "2025-03-17", "language": "en", "volume": 1.0},
    OPEN_AI_VOICE,
    {**POLLY, "language": "en-US", "credentials": STS},
]
EARS: list[dict[str, Any]] = [
    {"type": "deepgram", "version": "v1", "model": "nova-3", "language": "en", "keyterms": ["a"], "smart_format": True},
    {
        "type": "deepgram",
        "version": "v2",
        "model": "flux-general-multi",
        "language_hints": ["en"],
        "eot_threshold": 0.7,
    },
]
#: What the vendor's pages allow and the document does not: with an endpoint of one's own the model of Google is in the
#: URL, and the version of a voice is v1 where it is left out.
NEWER = {"without agent.think.0.provider.model", "without agent.speak.provider.version"}
BASES = [
    *(
        settings({"think": [{"provider": one, "endpoint": ANYWHERE, "prompt": "p", "functions": [FUNCTION]}]})
        for one in THINKS
    ),
    *(settings({"speak": {"provider": one, "endpoint": ANYWHERE}}) for one in VOICES),
    *(settings({"listen": {"provider": one}}) for one in EARS),
    settings({name: WHOLE["agent"][name] for name in ("language", "greeting", "context")}),
    settings(**{name: WHOLE[name] for name in ("tags", "experimental", "mip_opt_out", "flags", "audio")}),
]


def damaged(message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the message without each of its fields, with null for each, and with one too many in each object."""

    def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in inside:
            yield (*path, key)
            yield from places(value, (*path, key))

    for *path, last in places(message):
        for way in ("without", "null", "beside"):
            changed = copy.deepcopy(message)
            parent: Any = changed
            for step in path:
                parent = parent[step]
            if way == "null":
                parent[last] = None
            elif isinstance(last, str):
                parent.update({"offhook": 1}) if way == "beside" else parent.pop(last)
            yield f"{way} {'.'.join(map(str, (*path, last)))}", changed


def is_taken(message: dict[str, Any]) -> bool:
    try:
        parsed = m.parse(json.dumps(message).encode())
        assert isinstance(parsed, m.Settings)
        assert isinstance(parsed.agent, m.Agent)
        rules.check_settings(parsed, parsed.agent, rules.Project())
    except (m.UnparsableError, rules.RefusedError):
        return False
    return True


@pytest.mark.parametrize("message", BASES)
def test_what_the_document_refuses_is_refused(message: dict[str, Any], vendor_contracts: Path) -> None:
    judge = settings_judge(vendor_contracts)
    assert judge.is_valid(message)
    assert is_taken(message)
    changes = list(damaged(message))
    refused = [change for change, changed in changes if not judge.is_valid(changed)]
    assert len(refused) > len(changes) / 3
    newer = NEWER if message in (BASES[2], BASES[5]) else set()
    assert {change for change, changed in changes if change in refused and is_taken(changed)} == newer & {*refused}
