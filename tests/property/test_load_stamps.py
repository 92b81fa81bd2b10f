"""Stamped audio proves what it claims, whatever the segmentation and whatever was done to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.sim.stamp import FROM_AGENT, FROM_CALLER, Stamp, StampReader, read_stamp, stamped

COUNT = 12


def frames(sender: int = 3) -> list[bytes]:
    return [stamped(FROM_CALLER, Stamp(0, sender, number, 1_000 + number)) for number in range(COUNT)]


def cut(audio: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in [*sizes, len(audio)]:
        pieces.append(audio[at : at + size])
        at += size
    return pieces


@given(st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**63))
def test_a_frame_says_what_was_stamped(turn: int, sender: int, number: int, sent_us: int) -> None:
    """160 bytes out, the same stamp in, and only for its own direction."""
    stamp = Stamp(turn, sender, number, sent_us)
    frame = stamped(FROM_AGENT, stamp)

    assert len(frame) == 160
    assert read_stamp(frame, FROM_AGENT) == stamp
    assert read_stamp(frame, FROM_CALLER) is None


@given(st.integers(0, 159), st.integers(1, 255))
def test_any_changed_byte_is_seen(at: int, change: int) -> None:
    """No byte of a frame may differ."""
    frame = bytearray(frames()[0])
    frame[at] ^= change

    assert read_stamp(bytes(frame), FROM_CALLER) is None


@given(st.lists(st.integers(0, 700), max_size=40))
def test_segmentation_does_not_matter(sizes: list[int]) -> None:
    """The same frames come out of any cutting."""
    reader = StampReader(FROM_CALLER)

    read = [stamp.number for piece in cut(b"".join(frames()), sizes) for stamp in reader.feed(piece)]

    assert read == list(range(COUNT))
    assert (reader.frames, reader.lost, reader.repeated, reader.corrupt, reader.foreign) == (COUNT, 0, 0, 0, 0)


@given(st.sets(st.integers(0, COUNT - 2), max_size=6))
def test_each_missing_frame_is_counted(missing: set[int]) -> None:
    """Whatever is left out before the last frame is lost, no more and no less."""
    reader = StampReader(FROM_CALLER)

    reader.feed(b"".join(frame for number, frame in enumerate(frames()) if number not in missing))

    assert (reader.lost, reader.frames) == (len(missing), COUNT - len(missing))


@given(st.integers(0, COUNT - 1), st.integers(1, 159))
def test_a_shortened_frame_costs_itself_only(which: int, cut_bytes: int) -> None:
    """The reader finds the next frame again."""
    spoiled = frames()
    spoiled[which] = spoiled[which][:-cut_bytes]
    reader = StampReader(FROM_CALLER)

    reader.feed(b"".join(spoiled))

    # The last frame's damage has nothing behind it to be seen by; its loss shows against what was sent.
    assert reader.corrupt == (which < COUNT - 1)
    assert reader.frames == COUNT - 1
    assert COUNT - reader.expected == (which == COUNT - 1)


@given(st.permutations(range(COUNT)))
def test_order_is_proven(order: list[int]) -> None:
    """Frames out of order are lost and repeated, unless the order was right."""
    all_frames = frames()
    reader = StampReader(FROM_CALLER)

    reader.feed(b"".join(all_frames[number] for number in order))

    assert (reader.lost == reader.repeated == 0) == (list(order) == list(range(COUNT)))


def test_somebody_elses_frame_is_foreign() -> None:
    """Audio of another call is not taken for our own."""
    reader = StampReader(FROM_CALLER)

    reader.feed(frames(3)[0] + frames(4)[1] + frames(3)[1])

    assert (reader.frames, reader.foreign, reader.lost) == (2, 1, 0)
