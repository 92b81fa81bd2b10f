"""What goes between the loop and a worker process: typed orders and results, length-prefixed on two pipes. No I/O."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

#: 28 s of caller audio are 224 KB; a spoken sentence of two minutes is 960 KB.
MAX_FRAME_BYTES: Final = 2_000_000
LENGTH: Final = struct.Struct("<I")


class Recognise(msgspec.Struct, tag="recognise", frozen=True):
    """One utterance of 8 kHz µ-law."""

    audio: bytes


class Synthesise(msgspec.Struct, tag="synthesise", frozen=True):
    """One sentence."""

    text: str
    caller: bool = False


Order = Recognise | Synthesise


class Loading(msgspec.Struct, tag="loading", frozen=True):
    """Progress, before `Ready`."""

    text: str


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The models are loaded; ``engine`` is which."""

    engine: str


class Recognised(msgspec.Struct, tag="recognised", frozen=True):
    """The answer to `Recognise`."""

    text: str


class Spoken(msgspec.Struct, tag="spoken", frozen=True):
    """A piece of the answer to `Synthesise`; the last one may be empty."""

    audio: bytes
    last: bool


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """The order could not be done. ``kind`` is the name of an exception, never its text: that may hold speech."""

    kind: str


Result = Loading | Ready | Recognised | Spoken | Failed

_encoder = msgspec.msgpack.Encoder()
_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_results: msgspec.msgpack.Decoder[Result] = msgspec.msgpack.Decoder(Result)


def packed(message: Order | Result) -> bytes:
    """Return ``message`` with its length in front."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def order_from(body: bytes) -> Order:
    """Read an order."""
    return _orders.decode(body)


def result_from(body: bytes) -> Result:
    """Read a result."""
    return _results.decode(body)
