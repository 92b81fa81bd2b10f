"""Follows audio from one leg to the other by its content: what arrived, what was lost, repeated, put out of order.

How it was cut into messages does not matter. Silence, a run of one byte, looks the same everywhere: where it does not
fit it is taken for a filling, never for a repetition.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from offhook.lab.judge.history import Timed

#: A piece is recognised by this many bytes: 10 ms of sound that is not silence is not found by chance.
KEY_BYTES: Final = 80
#: A few samples are silence where those beside them are.
_AROUND: Final = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of bytes: from ``start`` to ``end`` in the source, sent and arrived at these times (ms)."""

    start: int
    end: int
    sent_ms: float
    arrived_ms: float | None = None
    #: One byte throughout and around it, as silence is: which silence arrived, nobody can tell.
    is_flat: bool = False

    @property
    def ms(self) -> float:
        """How long it sounds, at 8 kHz µ-law."""
        return (self.end - self.start) / 8


@dataclass(frozen=True, slots=True)
class Filling:
    """Silence that the source does not have there: when it arrived, before which byte of the source, how many."""

    at_ms: float
    before: int
    length: int


@dataclass(slots=True)
class Followed:
    """What became of one direction's audio. ``foreign``: when sound that is in no source arrived, and its bytes."""

    arrived: list[Piece] = field(default_factory=list)
    lost: list[Piece] = field(default_factory=list)
    repeated: list[Piece] = field(default_factory=list)
    reordered: list[Piece] = field(default_factory=list)
    foreign: list[Timed] = field(default_factory=list)
    fillings: list[Filling] = field(default_factory=list)

    def recognised(self) -> list[Piece]:
        """Return what arrived beyond doubt: sound, in a stretch that is too long to have fitted by chance."""
        found: list[Piece] = []
        stretch: list[Piece] = []
        for piece in [*self.arrived, None]:
            if piece is None or (stretch and piece.start != stretch[-1].end):
                sound = [one for one in stretch if not one.is_flat]
                found += sound if sum(one.end - one.start for one in sound) >= KEY_BYTES else []
                stretch = []
            if piece is not None:
                stretch.append(piece)
        return found

    def holes(self) -> list[Piece]:
        """Return what was lost in the midst of what arrived: sound before it and sound after it did."""
        sound = self.recognised()
        ends, starts = {piece.end for piece in sound}, {piece.start for piece in sound}
        found: list[Piece] = []
        gap: list[Piece] = []
        for piece in [*self.lost, None]:
            if gap and (piece is None or piece.start != gap[-1].end):
                found += gap if gap[0].start in ends and gap[-1].end in starts else []
                gap = []
            if piece is not None:
                gap.append(piece)
        return [piece for piece in found if not piece.is_flat]


def follow(source: Sequence[Timed], sink: Sequence[Timed]) -> Followed:
    """Follow the audio of ``source`` into ``sink``, both in order of time."""
    return _Follower(source).run(sink)


class _Follower:
    def __init__(self, source: Sequence[Timed]) -> None:
        self._bytes = b"".join(audio for _, audio in source)
        self._starts: list[int] = []
        self._times: list[float] = []
        at = 0
        for when, audio in source:
            self._starts.append(at)
            self._times.append(when)
            at += len(audio)
        self._next = 0
        self._sink = b""
        self._before = 0  # bytes of the sink before the message that is looked at
        self._chance = 0  # bytes that fitted, too few to be sure of
        self._missing: list[tuple[int, int]] = []
        self._found = Followed()

    def run(self, sink: Sequence[Timed]) -> Followed:
        self._sink = b"".join(audio for _, audio in sink)
        for when, audio in sink:
            self._take(when, audio)
            self._before += len(audio)
        if self._next < len(self._bytes):
            self._missing.append((self._next, len(self._bytes)))
        for start, end in sorted(self._missing):
            self._found.lost += self._pieces(start, end, None)
        return self._found

    def _take(self, when: float, audio: bytes) -> None:
        done = self._chance = 0
        while done < len(audio):
            taken = _common(audio, done, self._bytes, self._next)
            if taken:
                self._found.arrived += self._pieces(self._next, self._next + taken, when)
                self._next += taken
                done += taken
                self._chance = taken if taken < KEY_BYTES else 0
            else:
                done += self._look(when, audio, done)

    def _look(self, when: float, audio: bytes, done: int) -> int:
        """Find where bytes that do not follow come from; return how many of them are explained."""
        key = self._sink[self._before + done : self._before + done + KEY_BYTES]
        rest = min(len(key), len(audio) - done)
        if len(key) == KEY_BYTES and len(set(key)) > 1:
            ahead = self._bytes.find(key, self._next)
            if ahead >= 0:
                back = self._chance  # these fitted by chance: what is missing begins before them
                while back and self._bytes[ahead - back : ahead] != audio[done - back : done]:
                    back -= 1
                self._missing.append((self._next - back, ahead - back))
                self._give_back(back)
                self._found.arrived += self._pieces(ahead - back, ahead, when)
                self._next = ahead
                return 0
            before = self._bytes.rfind(key, 0, self._next + len(key) - 1)
            if before >= 0 and before > self._next - len(key):  # a byte or two fitted by chance: they belong here
                self._next = before
                return 0
            if before >= 0:
                return self._again(when, audio, done, before)
            self._found.foreign.append((when, key[:rest]))
        elif len(set(key)) == 1:
            self._found.fillings.append(Filling(when, self._next, rest))
        return rest

    def _give_back(self, count: int) -> None:
        """Take back the last bytes that arrived: they fitted there by chance, and belong elsewhere."""
        arrived = self._found.arrived
        while count:
            last = arrived.pop()
            kept = max(last.start, last.end - count)
            count -= last.end - kept
            if kept > last.start:
                arrived.append(replace(last, end=kept))

    def _again(self, when: float, audio: bytes, done: int, before: int) -> int:
        """Bytes from further back: missing until now and so out of order, or arrived already and so repeated."""
        length = _common(audio, done, self._bytes, before)
        gap = next((gap for gap in self._missing if gap[0] <= before < gap[1]), None)
        if gap is None:
            self._found.repeated += self._pieces(before, before + length, when)
            return length
        length = min(length, gap[1] - before)
        self._missing.remove(gap)
        self._missing += [rest for rest in ((gap[0], before), (before + length, gap[1])) if rest[0] < rest[1]]
        self._found.reordered += self._pieces(before, before + length, when)
        return length

    def _pieces(self, start: int, end: int, arrived_ms: float | None) -> list[Piece]:
        """Cut a stretch at the source's messages, so that each piece has one time."""
        pieces = []
        while start < end:
            index = bisect_right(self._starts, start) - 1
            following = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._bytes)
            stop = min(end, following)
            around = self._bytes[max(self._starts[index], start - _AROUND) : min(following, stop + _AROUND)]
            pieces.append(Piece(start, stop, self._times[index], arrived_ms, len(set(around)) == 1))
            start = stop
        return pieces


def _common(one: bytes, at_one: int, other: bytes, at_other: int) -> int:
    """Return how many bytes agree from there on."""
    longest = min(len(one) - at_one, len(other) - at_other)
    if one[at_one : at_one + longest] == other[at_other : at_other + longest]:
        return longest
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        if one[at_one : at_one + middle] == other[at_other : at_other + middle]:
            low = middle
        else:
            high = middle - 1
    return low
