"""Who is heard when: hearing, turns, latencies, barge-ins."""

import array
import math

import pytest

from offhook.sim.hearing import Hearing, Utterance
from offhook.sim.recording import Track
from offhook.sim.report import BargeIn, Line, Turn, barge_ins_of, turns_of
from offhook.wire.ulaw import from_pcm16, silence


def tone(ms: int, level: int = 8000) -> bytes:
    samples = array.array("h", (round(level * math.sin(math.pi * n / 10 + 0.5)) for n in range(ms * 8)))
    return from_pcm16(samples.tobytes())


def test_speech_is_found_to_the_sample():
    heard = Hearing()
    heard.feed(1000.0, silence(103) + tone(200) + silence(700))
    (spoken,) = heard.utterances
    assert spoken.start_ms == pytest.approx(1103.0, abs=0.25)
    assert spoken.end_ms == pytest.approx(1303.0, abs=0.25)


def test_short_pauses_are_within_an_utterance_and_long_ones_between_two():
    heard = Hearing(gap_ms=500)
    heard.feed(0.0, tone(100) + silence(400) + tone(100) + silence(600) + tone(100))
    assert [round(spoken.start_ms, -1) for spoken in heard.utterances] == [0, 1200]


def test_faint_noise_is_not_speech():
    heard = Hearing()
    heard.feed(0.0, tone(1000, level=60))
    assert heard.utterances == []
    assert heard.last_audible_ms is None


def test_began_and_ceased_are_told_once():
    told: list[str] = []
    heard = Hearing(lambda _: told.append("began"), lambda _: told.append("ceased"), gap_ms=300)
    for frame in range(20):
        heard.feed(frame * 20.0, tone(20))
    heard.settle(600.0)
    assert told == ["began"]
    heard.settle(700.1)
    heard.settle(900.0)
    assert told == ["began", "ceased"]


def test_a_cut_separates_what_follows_at_once():
    heard = Hearing()
    heard.feed(0.0, tone(100))
    heard.cut()
    heard.feed(120.0, tone(100))
    assert len(heard.utterances) == 2


def test_turns_and_latencies():
    lines = [Line("hours?", 2000, 3000), Line("bye", 6000, 6500)]
    agent = [Utterance(100, 900), Utterance(1200, 1900), Utterance(3600, 5000), Utterance(7000, 7500)]
    assert turns_of(lines, agent) == (
        Turn("agent", 100, 1900),
        Turn("caller", 2000, 3000, "hours?"),
        Turn("agent", 3600, 5000, None, 600),
        Turn("caller", 6000, 6500, "bye"),
        Turn("agent", 7000, 7500, None, 500),
    )


def test_an_agent_that_begins_while_the_caller_speaks_has_no_latency():
    (_, reply) = turns_of([Line("", 1000, 3000)], [Utterance(2000, 4000)])
    assert (reply.who, reply.latency_ms, reply.cut) == ("agent", None, False)


def test_a_barge_in_is_measured_from_the_first_sound_of_the_caller():
    lines = [Line("no", 1500, 2000)]
    agent = [Utterance(1000, 1620), Utterance(2500, 3000)]
    assert barge_ins_of(lines, agent, [1600.0]) == (BargeIn(1500, 120, 100),)
    assert barge_ins_of(lines, agent, []) == (BargeIn(1500, 120, None),)
    turns = turns_of(lines, agent)
    assert [turn.cut for turn in turns] == [True, False, False]
    assert turns[2].latency_ms == 500


def test_speaking_in_a_silence_is_no_barge_in():
    assert barge_ins_of([Line("", 1700, 2000)], [Utterance(1000, 1620)], [1800.0]) == ()


def test_a_track_keeps_time_and_closes_the_grain_of_the_clock():
    track = Track()
    track.add(100.0, b"\x01" * 160)
    track.add(121.5, b"\x02" * 160)  # 1.5 ms late: no gap
    track.add(500.0, b"\x03" * 160)
    audio = track.padded(len(track))
    assert audio.index(b"\x01") == 800
    assert audio.index(b"\x02") == 960
    assert audio.index(b"\x03") == 4000
