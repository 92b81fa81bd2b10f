"""Answers every function call with an error result: no functions are registered. Not a stand-in: an honest answer."""

from __future__ import annotations

import json

from offhook.wire.deepgram import FunctionCall


class NoFunctions:
    """Implements `offhook.call.ports.Functions` for an agent without tools."""

    async def run(self, call: FunctionCall) -> str:
        """Say that the function does not exist, so that the agent goes on instead of waiting in silence."""
        return json.dumps({"error": f"the function {call.name[:64]!r} is not available"})
