"""Arrays of sound against arithmetic: no models."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from offhook.offline.speech import sound
from offhook.offline.speech.synthesise import Beeps, clauses
from offhook.wire import ulaw


def tone(hz: float, seconds: float, rate: int, level: float = 0.5) -> sound.Sound:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def rms(samples: sound.Sound) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def test_ulaw_round_trip_is_the_codec_of_the_wire() -> None:
    every = bytes(range(256))
    assert sound.to_ulaw(sound.from_ulaw(every)) == bytes(0xFF if b == 0x7F else b for b in every)
    assert sound.to_ulaw(np.array([2.0, -2.0], np.float32)) == ulaw.from_pcm16(b"\xff\x7f\x00\x80")


@pytest.mark.parametrize(("hz", "kept"), [(300, True), (1000, True), (3000, True), (5000, False), (9000, False)])
def test_decimation_keeps_the_telephone_band_and_nothing_above(hz: int, kept: bool) -> None:
    narrow = sound.Decimator()(tone(hz, 1.0, 24000))[100:-100]
    assert (rms(narrow) > 0.34) if kept else (rms(narrow) < 0.002)


def test_decimation_in_pieces_is_decimation_at_once() -> None:
    wide = tone(700, 0.5, 24000)
    whole = sound.Decimator()(wide)
    decimator = sound.Decimator()
    cuts = [0, 1, 7, 500, 503, 4000, 4001, 12000]
    pieces = np.concatenate([decimator(wide[a:b]) for a, b in pairwise(cuts)])
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_resampling_keeps_the_pitch() -> None:
    wide = sound.resampled(tone(1000, 0.5, 8000), 8000)
    np.testing.assert_allclose(wide[200:-200], tone(1000, 0.5, 16000)[200:-200], atol=0.02)


def test_the_limiter_is_linear_below_and_never_clips() -> None:
    quiet = tone(500, 0.1, 8000, 0.1)
    np.testing.assert_allclose(sound.limited(quiet, 6.0), quiet * 10 ** (6 / 20), atol=1e-6)
    assert np.abs(sound.limited(tone(500, 0.1, 8000, 1.0), 12.0)).max() < 0.985


def test_the_audible_span_is_where_the_sound_is() -> None:
    padded = np.concatenate((np.zeros(800), tone(500, 0.1, 8000), np.zeros(400))).astype(np.float32)
    assert sound.audible_span(padded) == (800, 1600)
    assert sound.audible_span(np.zeros(500, np.float32)) == (0, 0)


def test_tones_are_tonal_and_noise_is_not() -> None:
    dtmf = tone(770, 0.032, 8000, 0.3) + tone(1336, 0.032, 8000, 0.3)
    assert sound.tonality(dtmf) > 0.95
    assert sound.tonality(np.random.default_rng(1).normal(0, 0.1, 256).astype(np.float32)) < 0.4
    assert sound.tonality(np.zeros(256, np.float32)) == 0.0


def test_a_long_sentence_sends_its_first_clause_ahead() -> None:
    long = (
        "We are open Monday to Friday, from eight in the morning until six in the evening, and on Saturday "
        "from nine until one."
    )
    assert clauses("Short, and whole.") == ["Short, and whole."]
    assert clauses(long)[0] == "We are open Monday to Friday,"
    assert " ".join(clauses(long)) == long
    assert clauses("x" * 300) == ["x" * 300]


def test_without_an_engine_there_is_a_beep_for_every_word() -> None:
    beeps = list(Beeps()("one two three"))
    assert [len(b) for b in beeps] == [180 * 8] * 3
    assert ulaw.level_dbfs(beeps[0]) > -30
