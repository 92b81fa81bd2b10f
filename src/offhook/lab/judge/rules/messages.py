"""What a bridge sends to Twilio: valid messages, unique marks, bare µ-law. Twilio's errors 31950 and 31951."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import StreamSide
from offhook.lab.judge.rule import Case, Rule
from offhook.trace import sound_of

CODES: Final = {
    "binary-frame": "Every message to Twilio is a text frame.",
    "message-invalid": "A message to Twilio was no known JSON message, lacked a field, or had the wrong streamSid.",
    "message-extra-field": "Send only the documented fields: extra ones make the message invalid (31951).",
    "mark-without-name": "A mark without a name cannot be told from others, and is invalid (31951).",
    "mark-duplicate": "A mark's name was used again while it was still outstanding: nobody can tell which was heard.",
    "message-before-start": "Before `start` there is no streamSid, so nothing can be sent.",
    "file-header": "Audio for Twilio is bare µ-law; a WAV or AU header plays as a click.",
    "zero-silence": "In µ-law 0x00 is full scale, not silence. Silence is 0xFF.",
}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "media": {"event": None, "streamSid": None, "media": {"payload"}},
    "mark": {"event": None, "streamSid": None, "mark": {"name"}},
    "clear": {"event": None, "streamSid": None},
}
#: 20 ms of one value.
_FRAME: Final = 160


def run(case: Case) -> Iterator[Finding]:
    """Look at every message of every stream."""
    asked_for = _asked_for_headers(case)  # which is `settings-format`, said once
    for stream in case.history.streams:
        yield from _messages(stream)
        yield from _marks(stream)
        for at, audio in stream.agent_audio:
            if audio.startswith((b"RIFF", b".snd")) and not asked_for:
                yield Finding("file-header", "the audio begins with a file header", at)
            if b"\x00" * _FRAME in audio:
                yield Finding("zero-silence", "20 ms of 0x00 were sent to the caller", at)
    for agent in case.history.agents:
        for at, audio in agent.caller_audio:
            if b"\x00" * _FRAME in audio:
                yield Finding("zero-silence", "20 ms of 0x00 were sent to the agent", at)


def _asked_for_headers(case: Case) -> bool:
    for agent in case.history.agents:
        for _, message in agent.asked:
            audio = message.get("audio")
            output = audio.get("output") if isinstance(audio, dict) else None
            if isinstance(output, dict) and output.get("container", "none") != "none":
                return True
    return False


def _messages(stream: StreamSide) -> Iterator[Finding]:
    for at, text, message in stream.said:
        if text is None:
            yield Finding("binary-frame", "a binary frame was sent to Twilio", at)
        elif stream.started_ms is None or at < stream.started_ms:
            yield Finding("message-before-start", "a message was sent before `start`", at)
        elif (wrong := _wrong(message, stream.stream_sid)) is not None:
            yield Finding(*wrong, at)


def _wrong(message: Any, stream_sid: str) -> tuple[str, str] | None:
    """Return code and sentence for an invalid message."""
    kind = message.get("event") if isinstance(message, dict) else None
    shape = _FIELDS.get(kind) if isinstance(kind, str) else None
    if not isinstance(message, dict):
        return "message-invalid", "a message is no JSON object"
    if shape is None:
        return "message-invalid", "a message's `event` is not one of media, mark, clear"
    if message.get("streamSid") != stream_sid:
        has = "has another streamSid than `start`" if "streamSid" in message else "has no streamSid"
        return "message-invalid", f"a {kind} message {has}"
    inner = message.get(str(kind), {})
    if not isinstance(inner, dict):
        return "message-invalid", f"`{kind}` is not an object"
    if kind == "mark" and not (isinstance(inner.get("name"), str) and inner["name"]):
        return "mark-without-name", "a mark has no name"
    if kind == "media" and not isinstance(inner.get("payload"), str):
        return "message-invalid", "a media message has no payload"
    if kind == "media" and sound_of(message) is None:
        return "message-invalid", "a media message's payload is not base64"
    extra = {*(message.keys() - shape.keys()), *(inner.keys() - (shape.get(str(kind)) or set()))}
    if extra:
        return "message-extra-field", f"a {kind} message has the extra field `{min(extra)[:40]}`"
    return None


def _marks(stream: StreamSide) -> Iterator[Finding]:
    """A name is outstanding until the caller's side would have returned it: judged by the playback buffer."""
    ends: dict[str, float] = {}
    buffered_until = 0.0
    for at, _, message in stream.said:
        match message:
            case {"event": "media", "media": {"payload": str(payload)}}:
                buffered_until = max(buffered_until, at) + len(payload) * 3 / 4 / 8
            case {"event": "clear"}:
                buffered_until = at
                ends.clear()
            case {"event": "mark", "mark": {"name": str(name)}} if name:
                if ends.get(name, 0.0) > at:
                    yield Finding("mark-duplicate", "a mark's name was used again before it came back", at)
                ends[name] = max(buffered_until, at)


RULE: Final = Rule(CODES, run)
