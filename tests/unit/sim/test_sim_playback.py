"""Twilio's playback buffer, millisecond by millisecond."""

from offhook.sim.playback import Playback, PlayedMark
from offhook.wire.ulaw import BYTES_PER_MS


def audio(ms: int, value: int = 1) -> bytes:
    return bytes((value,)) * (ms * BYTES_PER_MS)


def test_audio_is_heard_at_real_time_and_not_sooner():
    buffer = Playback()
    buffer.add_audio(audio(100), 1000.0)
    buffer.advance(1030.0)
    assert buffer.heard == audio(30)
    assert buffer.ends_ms() == 1100.0
    buffer.advance(2000.0)
    assert buffer.heard == audio(100)
    assert buffer.ends_ms() is None


def test_a_mark_returns_when_playback_reaches_it_and_not_when_it_arrives():
    buffer = Playback()
    buffer.add_audio(audio(40), 0.0)
    assert buffer.add_mark("a", 1.0) == []
    buffer.add_audio(audio(20), 2.0)
    assert buffer.next_mark_ms() == 40.0
    assert buffer.next_mark_ms(before_ms=40.0) is None
    assert buffer.next_mark_ms(before_ms=40.1) == 40.0
    assert buffer.advance(39.9) == []
    assert buffer.advance(55.0) == [PlayedMark("a", 40.0)]


def test_a_mark_with_nothing_buffered_returns_at_once():
    buffer = Playback()
    assert buffer.add_mark("now", 5.0) == [PlayedMark("now", 5.0)]
    buffer.add_audio(audio(20), 10.0)
    assert buffer.add_mark("later", 50.0) == [PlayedMark("later", 50.0)]


def test_clear_drops_the_rest_and_returns_the_marks_in_order():
    buffer = Playback()
    buffer.add_audio(audio(20), 0.0)
    buffer.add_mark("first", 0.0)
    buffer.add_audio(audio(100), 0.0)
    buffer.add_mark("second", 0.0)
    buffer.add_mark("third", 0.0)
    played, cleared = buffer.clear(50.0)
    assert played == [PlayedMark("first", 20.0)]
    assert cleared.marks == ("second", "third")
    assert cleared.discarded_bytes == 70 * BYTES_PER_MS
    assert buffer.heard == audio(50)
    assert buffer.clear(60.0)[1].marks == ()


def test_after_a_clear_new_audio_starts_at_once():
    buffer = Playback()
    buffer.add_audio(audio(500, 1), 0.0)
    buffer.clear(100.0)
    buffer.add_audio(audio(10, 2), 130.0)
    buffer.advance(200.0)
    assert [(stretch.start_ms, bytes(stretch.audio)) for stretch in buffer.stretches] == [
        (0.0, audio(100, 1)),
        (130.0, audio(10, 2)),
    ]


def test_a_buffer_that_ran_dry_leaves_a_gap_in_what_is_heard():
    buffer = Playback()
    buffer.add_audio(audio(20), 0.0)
    buffer.add_audio(audio(20), 70.0)
    buffer.advance(100.0)
    assert [stretch.start_ms for stretch in buffer.stretches] == [0.0, 70.0]


def test_audio_that_arrives_in_time_continues_without_a_gap():
    buffer = Playback()
    for frame in range(10):
        buffer.add_audio(audio(20), frame * 19.0)
    buffer.advance(1000.0)
    assert [stretch.start_ms for stretch in buffer.stretches] == [0.0]
    assert buffer.heard_bytes == 200 * BYTES_PER_MS


def test_more_than_the_capacity_is_dropped_and_counted():
    buffer = Playback(capacity_bytes=800)
    dropped, _ = buffer.add_audio(audio(150), 0.0)
    assert dropped == 400
    assert buffer.overflow_bytes == 400
    assert buffer.add_audio(audio(10), 10.0)[0] == 0


def test_a_faster_buffer_plays_faster():
    buffer = Playback(speed=10.0)
    buffer.add_audio(audio(100), 0.0)
    buffer.add_mark("end", 0.0)
    assert buffer.advance(10.0) == [PlayedMark("end", 10.0)]


def test_each_piece_is_told_once_with_its_time():
    told: list[tuple[float, int]] = []
    buffer = Playback(on_heard=lambda start_ms, piece: told.append((start_ms, len(piece))))
    buffer.add_audio(audio(30), 100.0)
    buffer.advance(110.0)
    buffer.advance(110.0)
    buffer.advance(200.0)
    assert told == [(100.0, 80), (110.0, 160)]
