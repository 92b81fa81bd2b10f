"""What Twilio says on one stream: the messages with their numbering. Pure text; does not send and has no clock."""

from __future__ import annotations

import json
import random
from binascii import b2a_base64
from collections.abc import Mapping
from typing import Any

from offhook.sim.identity import CallIdentity
from offhook.wire.ulaw import FRAME_MS


class Outgoing:
    """Numbers the messages of one stream: one sequence for all, chunk and timestamp per track; all are strings.

    The first timestamp lies between 100 and 170 ms and later ones wobble by 1 ms, as captures of live calls show.
    """

    def __init__(self, stream_sid: str, identity: CallIdentity, chance: random.Random) -> None:
        self.stream_sid = stream_sid
        #: The tracks that `start` announces.
        self.tracks: tuple[str, ...] = ("inbound",)
        self._identity = identity
        self._random = chance.random
        self._sequence = 0
        self._chunks = {"inbound": 0, "outbound": 0}
        first_ms = chance.randint(100, 170)
        self._next_ms = {"inbound": first_ms, "outbound": first_ms}

    def connected(self) -> str:
        """Return `connected`, the only message without a streamSid and a sequence number."""
        return _encode({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str], account_sid: str | None = None) -> str:
        """Return `start`. There is no from, to or direction in it: those travel as parameters."""
        start = {
            "accountSid": account_sid or self._identity.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self._identity.call_sid,
            "tracks": list(self.tracks),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._numbered("start", start)

    def media(self, audio: bytes, track: str = "inbound") -> bytes:
        """Return `media` with the track's next chunk. Written by hand: this is the message of which there are many."""
        self._sequence += 1
        self._chunks[track] = chunk = self._chunks[track] + 1
        at_ms = self._next_ms[track]
        self._next_ms[track] = at_ms + FRAME_MS
        if chunk > 1:
            at_ms += int(self._random() * 3) - 1
        return (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"%b","chunk":"%d","timestamp":"%d","payload":"%b"},'
            b'"streamSid":"%b"}'
        ) % (
            self._sequence,
            track.encode(),
            chunk,
            at_ms,
            b2a_base64(audio, newline=False),
            self.stream_sid.encode(),
        )

    def skip(self, track: str = "inbound") -> None:
        """Let 20 ms of a track pass without a message: its next timestamp shows the gap."""
        self._next_ms[track] += FRAME_MS

    def dtmf(self, digit: str) -> str:
        """Return `dtmf`. Its track has the suffix that `media.track` has not."""
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """Return an echoed `mark`. Nothing in it says whether it was played or cleared."""
        return self._numbered("mark", {"name": name})

    def stop(self) -> str:
        """Return `stop`. It gives no reason."""
        return self._numbered("stop", {"accountSid": self._identity.account_sid, "callSid": self._identity.call_sid})

    def _numbered(self, event: str, inner: Mapping[str, Any]) -> str:
        self._sequence += 1
        return _encode(
            {"event": event, "sequenceNumber": str(self._sequence), event: inner, "streamSid": self.stream_sid}
        )


def _encode(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
