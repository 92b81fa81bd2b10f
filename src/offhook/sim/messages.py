"""Media Streams messages seen from Twilio's side: writes what Twilio sends, reads strictly what a server sends.

Not the bridge's codec, on purpose: a fake that shares the codec under test shares its bugs. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
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


class InvalidMessage(ValueError):  # noqa: N818 - named after Twilio's warning 31951, "invalid message"
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


def connected() -> Json:
    """Return `connected`, the only message without a streamSid and a sequence number."""
    return {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(stream_sid: str, account_sid: str, call_sid: str, parameters: Mapping[str, str], sequence: int = 1) -> Json:
    """Return `start`. There is no from, to or direction in it: those travel as parameters."""
    return {
        "event": "start",
        "sequenceNumber": str(sequence),
        "start": {
            "accountSid": account_sid,
            "streamSid": stream_sid,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        },
        "streamSid": stream_sid,
    }


def media(stream_sid: str, sequence: int, chunk: int, timestamp_ms: int, audio: bytes) -> Json:
    """Return `media`: all numbers are strings."""
    return {
        "event": "media",
        "sequenceNumber": str(sequence),
        "media": {
            "track": "inbound",
            "chunk": str(chunk),
            "timestamp": str(timestamp_ms),
            "payload": base64.b64encode(audio).decode(),
        },
        "streamSid": stream_sid,
    }


def dtmf(stream_sid: str, sequence: int, digit: str) -> Json:
    """Return `dtmf`. Its track has the suffix that `media.track` has not."""
    return {
        "event": "dtmf",
        "streamSid": stream_sid,
        "sequenceNumber": str(sequence),
        "dtmf": {"track": "inbound_track", "digit": digit},
    }


def mark(stream_sid: str, sequence: int, name: str) -> Json:
    """Return an echoed `mark`. Nothing in it says whether it was played or cleared."""
    return {"event": "mark", "sequenceNumber": str(sequence), "streamSid": stream_sid, "mark": {"name": name}}


def stop(stream_sid: str, account_sid: str, call_sid: str, sequence: int) -> Json:
    """Return `stop`."""
    return {
        "event": "stop",
        "sequenceNumber": str(sequence),
        "streamSid": stream_sid,
        "stop": {"accountSid": account_sid, "callSid": call_sid},
    }


def encode(message: Json) -> str:
    """Return the compact text Twilio puts into a text frame."""
    return json.dumps(message, separators=(",", ":"))
