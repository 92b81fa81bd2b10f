"""Twilio Media Streams: text frames to typed messages, our three messages to text frames. Pure.

Source: Twilio's "Media Streams - WebSocket Messages". Numbers arrive as JSON strings (``"sequenceNumber":"2"``) in
every official example and capture, though the prose calls them numbers: both are taken (the decoder is lax). Unknown
fields are ignored, unknown events become `UnknownEvent`, all else that is not as documented raises `Malformed`.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable
from typing import Final, NewType

import msgspec

CallSid = NewType("CallSid", str)
StreamSid = NewType("StreamSid", str)
AccountSid = NewType("AccountSid", str)
MarkName = NewType("MarkName", str)

_SID: Final = re.compile(r"(CA|MZ|AC)[0-9a-fA-F]{32}")
_KEYS: Final = frozenset("0123456789*#ABCD")


class Malformed(ValueError):
    """A message that is not as documented. Carries no part of the message."""


class Connected(msgspec.Struct, tag="connected", tag_field="event", gc=False, frozen=True):
    """First message of a stream; optional for us, never answered."""


class MediaFormat(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """Always ``audio/x-mulaw``, 8000 Hz, one channel; anything else is refused."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int | str = 8000
    channels: int | str = 1


class StartFacts(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What `start` says about the stream. ``custom_parameters`` are the `<Parameter>` elements of our TwiML."""

    account_sid: str
    call_sid: str
    stream_sid: str = ""
    media_format: MediaFormat = MediaFormat()
    custom_parameters: dict[str, str] = {}


class Start(msgspec.Struct, tag="start", tag_field="event", rename="camel", gc=False, frozen=True):
    """The stream begins. Sids are checked to be sids, so that they are safe in JSON, logs and metrics."""

    start: StartFacts
    stream_sid: str = ""
    sequence_number: int = 0

    def __post_init__(self) -> None:
        for kind, sid in (("CA", self.start.call_sid), ("MZ", self.sid), ("AC", self.start.account_sid)):
            if not (_SID.fullmatch(sid) and sid.startswith(kind)):
                raise ValueError("not a sid")

    @property
    def sid(self) -> StreamSid:
        """The StreamSid; it stands in two places."""
        return StreamSid(self.stream_sid or self.start.stream_sid)

    @property
    def is_ulaw_8000(self) -> bool:
        """Whether the audio is the only kind we (and Twilio's documentation) know."""
        media = self.start.media_format
        return (media.encoding, str(media.sample_rate), str(media.channels)) == ("audio/x-mulaw", "8000", "1")


class MediaPayload(msgspec.Struct, gc=False, frozen=True):
    """``payload`` is raw µ-law, base64-decoded; 160 bytes in every capture, any length by contract."""

    payload: bytes
    track: str = "inbound"


class Media(msgspec.Struct, tag="media", tag_field="event", rename="camel", gc=False, frozen=True):
    """Caller audio."""

    media: MediaPayload
    sequence_number: int = 0


class DtmfKey(msgspec.Struct, gc=False, frozen=True):
    """``digit`` is one key."""

    digit: str


class Dtmf(msgspec.Struct, tag="dtmf", tag_field="event", rename="camel", gc=False, frozen=True):
    """A key the caller pressed."""

    dtmf: DtmfKey
    sequence_number: int = 0

    @property
    def key(self) -> str | None:
        """The key, or None where it is not a telephone key."""
        return self.dtmf.digit if self.dtmf.digit in _KEYS else None


class MarkFacts(msgspec.Struct, gc=False, frozen=True):
    """``name`` comes back as we sent it."""

    name: str


class Mark(msgspec.Struct, tag="mark", tag_field="event", rename="camel", gc=False, frozen=True):
    """A mark was reached by playback **or** flushed by `clear`: only our own books tell which."""

    mark: MarkFacts
    sequence_number: int = 0


class Stop(msgspec.Struct, tag="stop", tag_field="event", gc=False, frozen=True):
    """The stream or the call ended. Not guaranteed to come, and gives no reason."""


class UnknownEvent(msgspec.Struct, gc=False, frozen=True):
    """An event this version does not know; to be counted and ignored."""


Payload = bytes | bytearray | memoryview
Message = Connected | Start | Media | Dtmf | Mark | Stop

#: Decodes a documented message in one C call and raises whatever it likes otherwise; then `decode` says what it was.
decode_documented: Callable[[Payload], Message] = msgspec.json.Decoder(Message, strict=False).decode
_decode_any = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_EVENTS: Final = frozenset(("connected", "start", "media", "dtmf", "mark", "stop"))


def decode(frame: Payload) -> Message | UnknownEvent:
    """Decode one text frame.

    One C call for every documented message, base64 included (0.6 µs for a media frame). Raises `Malformed`.
    """
    try:
        return decode_documented(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unknown_or_malformed(frame)


def _unknown_or_malformed(frame: Payload) -> UnknownEvent:
    try:
        event = _decode_any(frame).get("event")
        named = msgspec.json.decode(event) if event is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed from None
    if not isinstance(named, str) or named in _EVENTS:
        raise Malformed
    return UnknownEvent()


#: What stands behind the base64 of a media message; `Outbound.media_head` stands before it.
MEDIA_TAIL: Final = b'"}}'


class Outbound:
    """Encodes what we may send on one stream: media, mark, clear, with exactly the documented fields.

    "Missing or extra field" is a documented cause of error 31951, so nothing else is ever added.
    """

    __slots__ = ("clear", "media_head", "stream_sid")

    def __init__(self, stream_sid: StreamSid) -> None:
        self.stream_sid = stream_sid
        head = b'","streamSid":"%b"' % stream_sid.encode("ascii")
        self.media_head = b'{"event":"media' + head + b',"media":{"payload":"'
        self.clear = b'{"event":"clear' + head + b"}"

    def media(self, audio: bytes | memoryview) -> bytes:
        """Encode agent audio (raw µ-law, any length)."""
        return self.media_head + b2a_base64(audio, newline=False) + MEDIA_TAIL

    def mark(self, name: MarkName) -> bytes:
        """Encode a mark; ``name`` is one of ours (`[a-z0-9-]`), so it needs no escaping."""
        return b'{"event":"mark","streamSid":"%b","mark":{"name":"%b"}}' % (self.stream_sid.encode(), name.encode())
