"""The messages this server sends, as plain dicts, and where they go. No sockets, no turn logic.

Shapes: Voice Agent reference, "Server messages". Latencies are seconds, rounded to the millisecond.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from offhook.offline.ports import Called

Message = dict[str, Any]
Behavior = Literal["default", "presence_check", "filler"]


class Outlet(Protocol):
    """Where the engine's output goes, in order. None of these waits."""

    def event(self, message: Message) -> None:
        """Send one JSON message."""
        ...

    def audio(self, audio: bytes) -> None:
        """Send one frame of agent audio, 8 kHz µ-law; the outlet turns it into the declared format."""
        ...

    def drop_audio(self) -> None:
        """Forget agent audio that has not left yet."""
        ...

    def fail(self, code: str, description: str) -> None:
        """Send `Error` and end the session."""
        ...


def conversation_text(role: Literal["user", "assistant"], content: str, behavior: Behavior = "default") -> Message:
    """Say what was said; ``behavior`` is other than ``default`` for lines of Think Live."""
    return {"type": "ConversationText", "role": role, "content": content, "conversational_behavior": behavior}


def with_languages(message: Message, hinted: Sequence[str], heard: Sequence[str]) -> Message:
    """Add what a multilingual recogniser tells of a user's turn."""
    return {**message, **({"languages_hinted": list(hinted)} if hinted else {}), "languages": list(heard)}


def history_turn(role: Literal["user", "assistant"], content: str) -> Message:
    """Repeat a turn in the shape of ``agent.context.messages``."""
    return {"type": "History", "role": role, "content": content}


def thought_signature(call: Called) -> str:
    """Return what some Gemini models sign a call with; opaque, and the same wherever the call is shown."""
    return base64.b64encode(f"{call.name} {call.id}".encode()).decode()


def history_calls(called: Iterable[tuple[Called, bool]], *, signed: bool = False) -> Message:
    """Report answered function calls, each with whether the client made it."""
    return {
        "type": "History",
        "function_calls": [
            {
                "id": call.id,
                "name": call.name,
                "client_side": client_side,
                "arguments": call.arguments,
                "response": call.response or "",
                **({"thought_signature": thought_signature(call)} if signed else {}),
            }
            for call, client_side in called
        ],
    }


def function_request(called: Iterable[tuple[Called, bool]], *, signed: bool = False) -> Message:
    """Ask for functions, together."""
    return {
        "type": "FunctionCallRequest",
        "functions": [
            {
                "id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "client_side": client_side,
                **({"thought_signature": thought_signature(call)} if signed else {}),
            }
            for call, client_side in called
        ],
    }


def function_cancelled(called: Iterable[Called]) -> Message:
    """Withdraw functions that were asked for."""
    return {"type": "FunctionCallCancelled", "functions": [{"id": call.id, "name": call.name} for call in called]}


def function_response(call: Called) -> Message:
    """Tell the client what a server-side function answered."""
    return {"type": "FunctionCallResponse", "id": call.id, "name": call.name, "content": call.response or ""}


def started_speaking(total_s: float, tts_s: float, ttt_s: float) -> Message:
    """Say that reply audio begins."""
    return {
        "type": "AgentStartedSpeaking",
        "total_latency": round(total_s, 3),
        "tts_latency": round(tts_s, 3),
        "ttt_latency": round(ttt_s, 3),
    }


def latency_report(figures: Mapping[str, float | None], *, sparse: bool = False) -> Message:
    """Report a turn's measured latencies; figures that do not apply are left out, and all but the total if sparse."""
    known = {name: round(seconds, 3) for name, seconds in figures.items() if seconds is not None}
    if sparse:
        known = {name: seconds for name, seconds in known.items() if name == "total_latency"}
    return {"type": "LatencyReport", **known}


def warning(code: str, description: str) -> Message:
    """Say something that does not end the session."""
    return {"type": "Warning", "code": code, "description": description}


def error(code: str, description: str) -> Message:
    """Say why the session ends."""
    return {"type": "Error", "code": code, "description": description}
