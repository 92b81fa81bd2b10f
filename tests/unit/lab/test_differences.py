"""What a bridge said beside what it said before: missing, extra, changed, later, each once and nothing else."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from offhook.lab.replay.differences import compare
from offhook.trace import Entry

Said = list[tuple[float, Entry]]


def text(at_ms: float, said: str) -> tuple[float, Entry]:
    return at_ms, Entry(at_ms=at_ms, channel="agent", sender="bridge", kind="text", text=said)


def sound(frames: int, since_ms: float = 0.0) -> Said:
    chance = random.Random(1)
    return [
        (at, Entry(at_ms=at, channel="agent", sender="bridge", kind="binary", audio=chance.randbytes(160)))
        for at in (since_ms + 20.0 * n for n in range(frames))
    ]


def kinds(before: Said, after: Said, late_ms: float = 0.0) -> list[str]:
    return [difference.kind for difference in compare("way", before, after, late_ms)]


MESSAGES: Said = [text(100.0 * n, f'{{"type":"T{n}"}}') for n in range(8)]


@given(st.lists(st.sampled_from(["a", "b", "c"])), st.floats(0, 150))
def test_the_same_is_no_difference(words: list[str], later_ms: float) -> None:
    before = [text(50.0 * n, f'{{"a":1,"b":"{word}"}}') for n, word in enumerate(words)] + sound(50)
    after = [text(50.0 * n + later_ms, f'{{"b":"{word}","a":1}}') for n, word in enumerate(words)] + sound(50, later_ms)
    assert kinds(before, after) == []


@given(st.integers(0, 7))
def test_one_message_less_more_or_other(which: int) -> None:
    less = [*MESSAGES[:which], *MESSAGES[which + 1 :]]
    other = [*MESSAGES[:which], text(MESSAGES[which][0], '{"type":"other"}'), *MESSAGES[which + 1 :]]
    assert kinds(MESSAGES, less) == ["missing"]
    assert kinds(less, MESSAGES) == ["extra"]
    assert kinds(MESSAGES, other) == ["changed"]


def test_later_is_later_but_not_where_the_replay_was() -> None:
    late = [text(at + 500.0, entry.text or "") for at, entry in MESSAGES]
    assert kinds(MESSAGES, late) == ["later"]
    assert kinds(MESSAGES, late, 400.0) == []


def test_ids_and_signs_of_life_are_not_compared() -> None:
    before = [text(0.0, '{"id":"0123456789abcdef0123"}'), text(5.0, '{"type":"KeepAlive"}')]
    assert kinds(before, [text(0.0, '{"id":"ffffffffffffffffffff"}')]) == []


def test_the_address_of_the_bridge_is_not_compared() -> None:
    def answer(host: str) -> Said:
        said = f'<Stream url="{host}/twilio/n"/>'
        return [(0.0, Entry(at_ms=0.0, channel="http", sender="bridge", kind="response", text=said))]

    assert kinds(answer("wss://one.example.com"), answer("ws://127.0.0.1:8080")) == []
    assert kinds(answer("wss://one.example.com"), answer("wss://one.example.com/other")) == ["changed"]
    assert kinds(answer("wss://one.example.com/QSLjyGR5wJ3K"), answer("wss://one.example.com/Yxby3Bimiahz")) == []
    assert kinds(answer("wss://one.example.com/v1"), answer("wss://one.example.com/v2")) == ["changed"]


@given(st.integers(30, 60))
def test_a_hole_in_the_sound(which: int) -> None:
    whole = sound(100)
    holed = [*whole[:which], *whole[which + 3 :]]
    assert kinds(whole, holed) == ["missing"]
    assert kinds(holed, whole) == ["extra"]


def test_late_sound_is_later() -> None:
    assert kinds(sound(100), sound(100, 500.0)) == ["later"]


def burst(audio: Said) -> Said:
    """All of it within a few milliseconds, as an agent's sentence comes."""
    return [(n * 0.1, entry) for n, (_, entry) in enumerate(audio)]


@given(st.integers(20, 70), st.integers(1, 159))
def test_a_burst_has_edges_of_sound_not_of_time(which: int, size: int) -> None:
    """What comes at once is compared like what comes in real time: a frame, or a few samples, are missed."""
    whole = burst(sound(100))
    (at, frame), audio = whole[which], whole[which][1].audio or b""
    clipped = Entry(at_ms=at, channel="agent", sender="bridge", kind="binary", audio=audio[:size])
    assert kinds(whole, [*whole[:which], (at, clipped), *whole[which + 1 :]]) == ["missing"]
    assert kinds(whole, [*whole[:which], (at, frame), *whole[which + 3 :]]) == ["missing"]


def test_no_sound_at_all_is_missing_however_short() -> None:
    assert kinds(sound(10), []) == ["missing"]
    assert kinds([], sound(10)) == ["extra"]
