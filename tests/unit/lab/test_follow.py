"""Following audio by content: any segmentation, and exactly what was lost, repeated, put out of order."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.lab.judge.follow import Followed, follow
from offhook.lab.judge.history import Timed

FRAME = 160


def sound(frames: int, seed: int = 1) -> list[Timed]:
    chance = random.Random(seed)
    return [(n * 20.0, chance.randbytes(FRAME)) for n in range(frames)]


def ms(pieces: list[object]) -> float:
    return sum(piece.ms for piece in pieces)  # type: ignore[attr-defined]


def cut(audio: bytes, sizes: list[int]) -> list[Timed]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append((float(at), audio[at : at + size]))
        at += size
    return [*pieces, (float(at), audio[at:])]


def total(found: Followed) -> tuple[float, float, float, float, int]:
    parts = (found.arrived, found.lost, found.repeated, found.reordered)
    return (*(round(sum(piece.ms for piece in part)) for part in parts), len(found.foreign))  # type: ignore[return-value]


@given(st.lists(st.integers(1, 700), max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_cut_does_not_matter(sizes: list[int]) -> None:
    source = sound(20)
    found = follow(source, cut(b"".join(audio for _, audio in source), sizes))
    assert total(found) == (400, 0, 0, 0, 0)


@given(st.integers(1, 18), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_a_lost_frame_is_lost(which: int, seed: int) -> None:
    source = sound(20, seed)
    found = follow(source, [*source[:which], *source[which + 1 :]])
    arrived, lost, repeated, reordered, foreign = total(found)
    assert (lost, repeated, reordered, foreign) == (20, 0, 0, 0)
    assert arrived == 380
    assert abs(found.lost[0].sent_ms - source[which][0]) < 1


@given(st.integers(1, 18), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_a_repeated_frame_is_repeated(which: int, seed: int) -> None:
    source = sound(20, seed)
    arrived, lost, repeated, reordered, foreign = total(follow(source, [*source[:which], *source[which - 1 :]]))
    assert (lost, repeated, reordered, foreign) == (0, 20, 0, 0)
    assert arrived == 400


@given(st.integers(1, 17), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_two_frames_in_the_wrong_order(which: int, seed: int) -> None:
    source = sound(20, seed)
    swapped = [*source[:which], source[which + 1], source[which], *source[which + 2 :]]
    _, lost, repeated, reordered, foreign = total(follow(source, swapped))
    assert (lost, repeated, reordered, foreign) == (0, 0, 20, 0)


def test_silence_that_does_not_fit_is_a_filling() -> None:
    source = sound(10)
    filled = [*source[:4], (80.0, b"\xff" * FRAME), *source[4:]]
    assert total(follow(source, filled)) == (200, 0, 0, 0, 0)


def test_sound_from_elsewhere_is_foreign() -> None:
    source = sound(10)
    found = follow(source, [*source[:4], (80.0, random.Random(99).randbytes(FRAME)), *source[4:]])
    assert total(found)[:4] == (200, 0, 0, 0)
    assert found.foreign[0][0] == 80.0


def test_times_are_those_of_each_message() -> None:
    source = sound(3)
    found = follow(source, [(100.0, source[0][1] + source[1][1]), (120.0, source[2][1])])
    assert [(piece.sent_ms, piece.arrived_ms) for piece in found.arrived] == [
        (0.0, 100.0),
        (20.0, 100.0),
        (40.0, 120.0),
    ]


@given(st.lists(st.binary(max_size=400), max_size=12), st.lists(st.binary(max_size=400), max_size=12))
@settings(max_examples=200, deadline=None)
def test_anything_can_be_followed_into_anything(source: list[bytes], sink: list[bytes]) -> None:
    """It ends, and what arrived and what was lost is the whole source."""
    found = follow([(0.0, audio) for audio in source], [(1.0, audio) for audio in sink])
    whole = sum(map(len, source)) / 8
    assert ms(found.arrived) + ms(found.lost) + ms(found.reordered) >= whole - 1e-6  # type: ignore[arg-type]


def test_nothing_of_the_source_in_the_sink() -> None:
    source = sound(10)
    found = follow(source, [(when, bytes(byte ^ 3 for byte in audio)) for when, audio in source])
    assert ms(found.lost) == 200  # type: ignore[arg-type]
    assert sum(len(audio) for _, audio in found.foreign) == 1600


@given(st.integers(1, 18), st.integers(0, 159), st.integers(1, 159), st.integers(0, 1000))
@settings(max_examples=300, deadline=None)
def test_a_few_samples_out_of_the_midst_are_a_hole(which: int, start: int, size: int, seed: int) -> None:
    """Whatever sound it is: also where what follows begins like what is missing."""
    source = sound(20, seed)
    at, frame = source[which]
    size = min(size, FRAME - start)
    found = follow(source, [*source[:which], (at, frame[:start] + frame[start + size :]), *source[which + 1 :]])
    assert sum(piece.end - piece.start for piece in found.holes()) == size
    assert sum(piece.end - piece.start for piece in found.arrived) == 20 * FRAME - size
    assert (found.repeated, found.reordered, found.foreign) == ([], [], [])
