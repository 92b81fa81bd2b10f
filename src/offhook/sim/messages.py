"""What a server may say on a stream, read as strictly as Twilio says it does. Reads only; `outgoing` writes.

Not the bridge's codec, on purpose: a fake that shares the codec under test shares its bugs. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerMedia:
    """Audio to play."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class ServerMark:
    """A mark to queue."""

    name: str


@dataclass(frozen=True, slots=True)
class ServerClear:
    """Empty the buffer."""


ServerMessage = ServerMedia | ServerMark | ServerClear


class InvalidMessage(ValueError):
    """A message that Twilio warns about with 31951. The text names the rule, never the content."""


_SHAPES: Final[dict[str, dict[str, frozenset[str]]]] = {
    "media": {"": frozenset({"event", "streamSid", "media"}), "media": frozenset({"payload"})},
    "mark": {"": frozenset({"event", "streamSid", "mark"}), "mark": frozenset({"name"})},
    "clear": {"": frozenset({"event", "streamSid"})},
}


def read_server_message(text: str, stream_sid: str) -> ServerMessage:
    """Read one message of the server. Raises `InvalidMessage` with the broken rule (Twilio's page of 31951)."""
    message = _object(text)
    event = message.get("event")
    if not isinstance(event, str):
        raise InvalidMessage("`event` is missing")
    shape = _SHAPES.get(event)
    if shape is None:
        raise InvalidMessage(f"unknown event `{_shown(event)}`")
    _fields(event, message, shape[""])
    if message["streamSid"] != stream_sid:
        raise InvalidMessage(f"`{event}` has another streamSid")
    if event == "media":
        return ServerMedia(_payload(_inner(message, event, shape[event])["payload"]))
    if event == "mark":
        name = _inner(message, event, shape[event])["name"]
        if not isinstance(name, str):
            raise InvalidMessage("`mark.name` is not a string")
        return ServerMark(name)
    return ServerClear()


def _object(text: str) -> Json:
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidMessage("not JSON") from None
    if not isinstance(message, dict):
        raise InvalidMessage("not a JSON object")
    return message


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _inner(message: Json, event: str, expected: frozenset[str]) -> Json:
    inner = message[event]
    if not isinstance(inner, dict):
        raise InvalidMessage(f"`{event}` is not an object")
    _fields(event, inner, expected, f"{event}.")
    return inner


def _fields(event: str, found: Json, expected: frozenset[str], prefix: str = "") -> None:
    if missing := sorted(expected - found.keys()):
        raise InvalidMessage(f"`{event}` lacks `{prefix}{missing[0]}`")
    if extra := sorted(found.keys() - expected):
        raise InvalidMessage(f"`{event}` has an extra field `{prefix}{_shown(extra[0])}`")


def _payload(payload: object) -> bytes:
    if not isinstance(payload, str):
        raise InvalidMessage("`media.payload` is not a string")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidMessage("`media.payload` is not base64") from None


def _shown(name: str) -> str:
    """Return a name as it may be printed: short and plain."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "?" for letter in name[:32])
