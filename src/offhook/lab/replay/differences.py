"""What a bridge said, beside what it said in the recording: missing, extra, changed, later. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median
from typing import Final, Literal

from offhook.lab.judge.follow import follow
from offhook.lab.replay.deepgram_side import is_message
from offhook.trace import Entry, sound_of

#: What is later than recorded by less than this is a matter of chance.
LATER_MS: Final = 200.0
#: The first and the last sound of a connection is under way when something begins or ends.
EDGE_MS: Final = 400.0
BYTES_PER_MS: Final = 8
#: Sound that differs for less than this is one frame.
LEAST_MS: Final = 20.0
#: Ids, tokens and nonces are others in every call.
_SECRET: Final = re.compile(r"[A-Za-z0-9_.~-]{16,}")
#: A nonce in a document may be shorter: part of a path, or a value, that no word looks like.
_NONCE: Final = re.compile(r"""(?<=[/"])(?=[^"/?<>\s]*(?:\d|[a-z][A-Z]|[A-Z]{2}))[A-Za-z0-9_.~-]{8,}(?=["/?])""")
#: The bridge of a replay may have another address than the one that was recorded.
_ADDRESS: Final = re.compile(r"\b(?:https?|wss?)://[^/\s\"'<]+")
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """``way``: which connection and direction. ``at_ms``: from the connection's beginning, as recorded if it was."""

    kind: Literal["missing", "extra", "changed", "later"]
    way: str
    sentence: str
    at_ms: float | None = None

    def __str__(self) -> str:
        when = f" at {self.at_ms / 1000:.2f} s" if self.at_ms is not None else ""
        return f"{self.kind}: {self.way}: {self.sentence}{when}"


Said = Sequence[tuple[float, Entry]]


def compare(way: str, recorded: Said, replayed: Said, own_late_ms: float = 0.0) -> list[Difference]:
    """Compare what a bridge said on one connection. Times are ms from the connection's beginning."""
    found = [*_messages(way, recorded, replayed, own_late_ms), *_sound(way, recorded, replayed, own_late_ms)]
    return sorted(found, key=lambda difference: difference.at_ms or 0.0)


def normal(entry: Entry) -> str:
    """Return a message as it is compared: without ids, tokens, the bridge's own address and the order of its fields."""
    message = entry.message()
    text = entry.text or "" if message is None else json.dumps(message, sort_keys=True, ensure_ascii=False)
    if entry.kind == "close":
        text = f"close {entry.code or ''}".strip()
    if entry.kind == "response":
        text = _NONCE.sub("*", _ADDRESS.sub("//*", text))
    return _SECRET.sub("*", text)


def _messages(way: str, recorded: Said, replayed: Said, own_late_ms: float) -> Iterator[Difference]:
    before = [(at, e) for at, e in recorded if _is_compared(e)]
    after = [(at, e) for at, e in replayed if _is_compared(e)]
    old, new = [normal(e) for _, e in before], [normal(e) for _, e in after]
    later: list[tuple[float, float, str]] = []
    for what, a, a_end, b, b_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            moved = [(after[b + n][0] - before[a + n][0], before[a + n][0], old[a + n]) for n in range(a_end - a)]
            later += [one for one in moved if one[0] > LATER_MS + own_late_ms]
            continue
        both = min(a_end - a, b_end - b)
        for n in range(both):
            yield Difference("changed", way, f"{_short(old[a + n])} is now {_short(new[b + n])}", before[a + n][0])
        for n in range(a + both, a_end):
            yield Difference("missing", way, _short(old[n]), before[n][0])
        for n in range(b + both, b_end):
            yield Difference("extra", way, _short(new[n]), after[n][0])
    if later:
        worst, at_ms, text = max(later)
        yield Difference("later", way, f"{len(later)} messages, {worst:.0f} ms at worst: {_short(text)}", at_ms)


def _sound(way: str, recorded: Said, replayed: Said, own_late_ms: float) -> Iterator[Difference]:
    before = [(at, sound) for at, e in recorded if (sound := _sound_in(e)) is not None]
    after = [(at, sound) for at, e in replayed if (sound := _sound_in(e)) is not None]
    if not before and not after:
        return
    found = follow(before, after)
    edge = int((EDGE_MS + own_late_ms) * BYTES_PER_MS) if found.arrived else 0
    inner = (edge, _size(before) - edge)
    lost = [p for p in found.lost if not p.is_flat and inner[0] < p.end and p.start < inner[1]]
    ms = sum(p.ms for p in lost)
    if ms > LEAST_MS or any(p in lost for p in found.holes()):
        length = f"{ms:.0f} ms" if ms >= 1 else f"{ms * BYTES_PER_MS:.0f} samples"
        yield Difference("missing", way, f"{length} of sound", lost[0].sent_ms)
    foreign = [(at, audio) for at, audio in found.foreign if edge <= _size(after, at) <= _size(after) - edge]
    twice = sum(p.ms for p in found.repeated)
    if (ms := sum(len(audio) for _, audio in foreign) / BYTES_PER_MS + twice) > LEAST_MS:
        at_ms = foreign[0][0] if foreign else found.repeated[0].arrived_ms
        yield Difference("extra", way, f"{ms:.0f} ms of sound", at_ms)
    if (ms := sum(p.ms for p in found.reordered)) > LEAST_MS:
        yield Difference("changed", way, f"{ms:.0f} ms of sound are out of order", found.reordered[0].sent_ms)
    heard = found.recognised()
    if heard and (late_ms := median((p.arrived_ms or 0.0) - p.sent_ms for p in heard)) > LATER_MS + own_late_ms:
        yield Difference("later", way, f"sound, by {late_ms:.0f} ms (median)", heard[0].sent_ms)


def _size(sound: Sequence[tuple[float, bytes]], until_ms: float = float("inf")) -> int:
    return sum(len(audio) for at, audio in sound if at < until_ms)


def _is_compared(entry: Entry) -> bool:
    if entry.kind in ("close", "response"):
        return True
    return is_message(entry) and sound_of(entry.message()) is None


def _sound_in(entry: Entry) -> bytes | None:
    return entry.audio if entry.kind == "binary" else sound_of(entry.message())


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
