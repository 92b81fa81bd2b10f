"""Deepgram Voice Agent: text frames to typed messages, and the client messages we send. Pure; audio is not here.

Source: Deepgram's AsyncAPI document for ``/v1/agent/converse`` and "Voice Agent Message Flow". The server may add
types and fields at any time: unknown fields are ignored, unknown types become `UnknownType`. The other direction is
strict: an unknown field of ours ends the session with ``UNPARSABLE_CLIENT_MESSAGE``, and ``null`` is never sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec


class Malformed(ValueError):
    """A message that is not as documented. Carries no part of the message."""


class ServerMessage(msgspec.Struct, tag_field="type", tag=lambda name: name, gc=False, frozen=True):
    """Base of everything the agent says in text frames; the tag is the class name."""


class Welcome(ServerMessage, frozen=True):
    """The socket is open; Settings may be sent. ``request_id`` is what the vendor's support asks for."""

    request_id: str = ""


class SettingsApplied(ServerMessage, frozen=True):
    """Audio may flow."""


class ConversationText(ServerMessage, frozen=True):
    """User: one confirmed turn. Assistant: one segment, just before its audio."""

    role: str
    content: str


class History(ServerMessage, frozen=True):
    """A turn repeated in the shape of ``context.messages``, or a function call with its answer; nothing new to us."""


class UserStartedSpeaking(ServerMessage, frozen=True):
    """The caller began an utterance: throw away agent audio that is not yet heard."""


class AgentThinking(ServerMessage, frozen=True):
    """A thought that is not spoken; often never sent."""

    content: str = ""


class FunctionCall(msgspec.Struct, gc=False, frozen=True):
    """``arguments`` is JSON *text*; ours to answer only when ``client_side``."""

    id: str
    name: str
    arguments: str = "{}"
    client_side: bool = True
    thought_signature: str | None = None


class FunctionCallRequest(ServerMessage, frozen=True):
    """Functions to run; an array, answered one by one."""

    functions: list[FunctionCall] = []


class CancelledCall(msgspec.Struct, gc=False, frozen=True):
    """A function call that is withdrawn."""

    id: str
    name: str = ""


class FunctionCallCancelled(ServerMessage, frozen=True):
    """Withdraw earlier requests; a late answer would be dropped by the vendor anyway."""

    functions: list[CancelledCall] = []


class FunctionCallResponse(ServerMessage, frozen=True):
    """The result of a function the vendor ran; informational."""

    name: str = ""


class AgentStartedSpeaking(ServerMessage, frozen=True):
    """Reply audio begins. Its latencies come again in LatencyReport."""


class LatencyReport(ServerMessage, frozen=True):
    """The vendor's own figures for a turn, in seconds; some servers send numeric strings. Of seven we keep the sum."""

    total_latency: float | str | None = None


class AgentAudioDone(ServerMessage, frozen=True):
    """The last byte of the turn was *sent*. Heard is another matter."""


class PromptUpdated(ServerMessage, frozen=True):
    """Answer to UpdatePrompt."""


class ThinkUpdated(ServerMessage, frozen=True):
    """Answer to UpdateThink."""


class SpeakUpdated(ServerMessage, frozen=True):
    """Answer to UpdateSpeak."""


class ListenUpdated(ServerMessage, frozen=True):
    """Answer to UpdateListen."""


class InjectionRefused(ServerMessage, frozen=True):
    """An injected message was not spoken."""


class Warning(ServerMessage, frozen=True):  # noqa: A001 - the vendor's word
    """Not fatal. ``code`` is from the vendor's table."""

    code: str = ""
    description: str = ""


class Error(ServerMessage, frozen=True):
    """Fatal: the session ends. ``code`` is from the vendor's table; ``description`` may quote our settings."""

    code: str = ""
    description: str = ""


class UnknownType(msgspec.Struct, gc=False, frozen=True):
    """A type this version does not know; to be counted and ignored."""


Message = (
    Welcome
    | SettingsApplied
    | ConversationText
    | History
    | UserStartedSpeaking
    | AgentThinking
    | FunctionCallRequest
    | FunctionCallCancelled
    | FunctionCallResponse
    | AgentStartedSpeaking
    | LatencyReport
    | AgentAudioDone
    | PromptUpdated
    | ThinkUpdated
    | SpeakUpdated
    | ListenUpdated
    | InjectionRefused
    | Warning
    | Error
)

_TYPES: Final = frozenset(cls.__struct_config__.tag for cls in ServerMessage.__subclasses__())
_decode: Callable[[bytes | bytearray | memoryview], Message] = msgspec.json.Decoder(Message).decode
_decode_any = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

KEEP_ALIVE: Final = b'{"type":"KeepAlive"}'


def decode(frame: bytes | bytearray | memoryview) -> Message | UnknownType:
    """Decode one text frame. Raises `Malformed` for what is not a JSON object, or a known type with wrong fields."""
    try:
        return _decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        kind = _decode_any(frame).get("type")
        named = msgspec.json.decode(kind) if kind is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed from None
    if not isinstance(named, str) or named in _TYPES:
        raise Malformed
    return UnknownType()


def seconds(figure: float | str | None) -> float | None:
    """Return a latency figure as seconds, or None where it is absent or no number."""
    try:
        return None if figure is None else float(figure)
    except ValueError:
        return None


def settings(message: dict[str, Any]) -> bytes:
    """Encode a Settings message (built by `offhook.agent`)."""
    return _encode(message)


def function_call_response(call: FunctionCall, content: str) -> bytes:
    """Answer one client-side function call. ``content`` is text or JSON text, never an object."""
    answer = {"type": "FunctionCallResponse", "id": call.id, "name": call.name, "content": content}
    if call.thought_signature is not None:
        answer["thought_signature"] = call.thought_signature
    return _encode(answer)
