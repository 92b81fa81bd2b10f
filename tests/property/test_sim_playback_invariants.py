"""For any sequence of audio, marks, clears and time: every byte is heard, cleared, dropped or still waiting."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from offhook.sim.playback import Playback, PlayedMark


class Buffer(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.buffer = Playback(capacity_bytes=20_000)
        self.now = 0.0
        self.sent = bytearray()
        self.gone: list[tuple[int, int]] = []  # stretches of `sent` that were cleared or dropped
        self.marks_sent: list[str] = []
        self.marks_back: list[str] = []

    def take(self, played: list[PlayedMark]) -> None:
        assert all(mark.at_ms <= self.now for mark in played)
        self.marks_back += [mark.name for mark in played]

    @rule(size=st.integers(0, 9000), value=st.integers(0, 255))
    def audio(self, size: int, value: int) -> None:
        start = len(self.sent)
        self.sent += bytes((value,)) * size
        dropped, played = self.buffer.add_audio(bytes((value,)) * size, self.now)
        self.take(played)
        if dropped:
            self.gone.append((start + size - dropped, start + size))

    @rule()
    def mark(self) -> None:
        name = f"m{len(self.marks_sent)}"
        self.marks_sent.append(name)
        self.take(self.buffer.add_mark(name, self.now))

    @rule(ms=st.one_of(st.floats(0, 30), st.floats(0, 3000)))
    def time(self, ms: float) -> None:
        self.now += ms
        self.take(self.buffer.advance(self.now))

    @rule()
    def clear(self) -> None:
        played, cleared = self.buffer.clear(self.now)
        self.take(played)
        self.marks_back += cleared.marks
        assert self.buffer.buffered_bytes == 0
        # What is cleared is the end of what was sent and not dropped before.
        left = cleared.discarded_bytes
        spans, end = [], len(self.sent)
        for start, stop in [*reversed(self.gone), (0, 0)]:
            take = min(left, end - stop)
            spans.append((end - take, end))
            left -= take
            end = start
            if not left:
                break
        assert left == 0
        self.gone = sorted([*self.gone, *[span for span in spans if span[0] < span[1]]])

    @invariant()
    def every_byte_is_accounted_for(self) -> None:
        buffer = self.buffer
        assert buffer.received_bytes == len(self.sent)
        assert buffer.received_bytes == (
            buffer.heard_bytes + buffer.cleared_bytes + buffer.overflow_bytes + buffer.buffered_bytes
        )
        assert buffer.heard_bytes <= self.now * 8 + 1

    @invariant()
    def heard_is_what_was_sent_without_what_is_gone(self) -> None:
        expected = bytearray()
        end = 0
        for start, stop in sorted(self.gone):
            expected += self.sent[end : max(end, start)]
            end = max(end, stop)
        expected += self.sent[end:]
        assert self.buffer.heard == expected[: self.buffer.heard_bytes]

    @invariant()
    def marks_come_back_once_and_in_order(self) -> None:
        assert self.marks_back == self.marks_sent[: len(self.marks_back)]
        assert list(self.buffer.marks) == self.marks_sent[len(self.marks_back) :]

    @invariant()
    def stretches_do_not_overlap(self) -> None:
        ends = 0.0
        for stretch in self.buffer.stretches:
            assert stretch.start_ms >= ends - 1e-6
            ends = stretch.start_ms + len(stretch.audio) / 8


Buffer.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBuffer = Buffer.TestCase
