"""RFC 6455 frames as a client writes and reads them. Pure: bytes in, bytes or messages out.

Ours, so that the judge does not run on the engine it judges, and so that tests can send what no library would.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_CONTINUATION: Final = 0
#: One message of the server. Twilio documents no limit; ten minutes of audio in one message is already absurd.
MESSAGE_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message (fragments joined) or one control frame."""

    opcode: int
    payload: bytes


class FrameFault(Exception):
    """The server broke RFC 6455 (Twilio: 31924)."""


def frame(opcode: int, payload: bytes, *, mask: bytes | None = None, fin: bool = True) -> bytes:
    """Return one masked client frame."""
    key = os.urandom(4) if mask is None else mask
    size = len(payload)
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    stream = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
    return head + key + masked


class FrameReader:
    """Bytes in any segmentation → messages. Raises `FrameFault`; after that it must not be fed again."""

    def __init__(self, max_message_bytes: int = MESSAGE_BYTES) -> None:
        self._limit = max_message_bytes
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._parts_opcode = 0
        self._parts_bytes = 0

    def feed(self, chunk: bytes | bytearray | memoryview) -> Iterator[Message]:
        """Take bytes and yield every message they complete."""
        self._buffer += chunk
        while (found := self._next_frame()) is not None:
            opcode, fin, payload = found
            if opcode >= CLOSE:
                if opcode == CLOSE:
                    _check_close(payload)
                yield Message(opcode, payload)
                continue
            message = self._join(opcode, fin, payload)
            if message is not None:
                yield message

    def _next_frame(self) -> tuple[int, bool, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        fin, opcode, size = bool(first & 0x80), first & 0x0F, second & 0x7F
        _check_head(first, second)
        offset = 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < 2 + width:
                return None
            size = int.from_bytes(buffer[2 : 2 + width], "big")
            offset += width
        if size + self._parts_bytes > self._limit:
            raise FrameFault("a message is too long")
        if len(buffer) < offset + size:
            return None
        payload = bytes(buffer[offset : offset + size])
        del buffer[: offset + size]
        return opcode, fin, payload

    def _join(self, opcode: int, fin: bool, payload: bytes) -> Message | None:
        if opcode == _CONTINUATION:
            if not self._parts_opcode:
                raise FrameFault("a continuation without a beginning")
        elif self._parts_opcode:
            raise FrameFault("a new message inside a fragmented one")
        else:
            self._parts_opcode = opcode
        self._parts.append(payload)
        self._parts_bytes += len(payload)
        if not fin:
            return None
        message = Message(self._parts_opcode, b"".join(self._parts))
        self._parts, self._parts_opcode, self._parts_bytes = [], 0, 0
        return message


def _check_close(payload: bytes) -> None:
    """Check a code and a reason, where there are any (RFC 6455, 5.5.1 and 7.4)."""
    code = int.from_bytes(payload[:2], "big")
    is_known = 1000 <= code <= 1014 and code not in (1004, 1005, 1006)
    if payload and (len(payload) < 2 or not (is_known or 3000 <= code <= 4999)):
        raise FrameFault("a close frame has a code that may not be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameFault("the reason in a close frame is not UTF-8") from None


def _check_head(first: int, second: int) -> None:
    opcode = first & 0x0F
    if first & 0x70:
        raise FrameFault("reserved bits are set (an extension nobody offered)")
    if second & 0x80:
        raise FrameFault("a server frame is masked")
    if opcode not in (_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        raise FrameFault("unknown opcode")
    if opcode >= CLOSE and (not first & 0x80 or (second & 0x7F) > 125):
        raise FrameFault("a control frame is fragmented or longer than 125 bytes")
