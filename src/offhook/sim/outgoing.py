"""What Twilio says on one stream: the messages with their numbering. Pure text; does not send and has no clock."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from typing import Any

from offhook.sim.identity import CallIdentity
from offhook.wire.ulaw import FRAME_MS


class Outgoing:
    """Numbers the messages of one stream: one sequence for all, chunk and timestamp for media; all are strings.

    The first timestamp lies between 100 and 170 ms and later ones wobble by 1 ms, as captures of live calls show.
    """

    def __init__(self, stream_sid: str, identity: CallIdentity, chance: random.Random) -> None:
        self.stream_sid = stream_sid
        self._identity = identity
        self._chance = chance
        self._sequence = 0
        self._chunk = 0
        self._first_timestamp_ms = chance.randint(100, 170)

    def connected(self) -> str:
        """Return `connected`, the only message without a streamSid and a sequence number."""
        return _encode({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str], account_sid: str | None = None) -> str:
        """Return `start`. There is no from, to or direction in it: those travel as parameters."""
        start = {
            "accountSid": account_sid or self._identity.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self._identity.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._numbered("start", start)

    def media(self, audio: bytes) -> str:
        """Return `media` with the next chunk."""
        self._chunk += 1
        wobble_ms = self._chance.randint(-1, 1) if self._chunk > 1 else 0
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._first_timestamp_ms + (self._chunk - 1) * FRAME_MS + wobble_ms),
            "payload": base64.b64encode(audio).decode(),
        }
        return self._numbered("media", media)

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
