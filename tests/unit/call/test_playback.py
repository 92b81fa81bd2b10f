"""The playback ledger: what was heard, by marks and by the clock."""

from __future__ import annotations

import pytest

from offhook.call.playback import PlaybackLedger
from offhook.wire.twilio import MarkName


def test_heard_follows_the_clock_and_stops_at_what_was_sent() -> None:
    ledger = PlaybackLedger(500, 64)
    ledger.send(8000, 10.0)
    assert [ledger.heard(at) for at in (10.0, 10.25, 11.0, 20.0)] == [0, 2000, 8000, 8000]


def test_a_dry_buffer_starts_again_with_the_next_audio() -> None:
    ledger = PlaybackLedger(500, 64)
    ledger.send(800, 0.0)
    ledger.send(800, 5.0)
    assert ledger.heard(5.05) == 1200
    assert ledger.unheard_s(5.05) == pytest.approx(0.05)


def test_a_mark_is_due_every_so_often_and_their_number_is_bounded() -> None:
    ledger = PlaybackLedger(100, 2)
    due = [ledger.mark() for _ in range(20) if ledger.send(160, 0.0)]
    assert due == ["0-1", "0-2"]
    assert ledger.outstanding == 2


def test_an_echo_that_is_ahead_of_the_clock_moves_the_books_forward() -> None:
    ledger = PlaybackLedger(100, 64)
    ledger.send(1600, 0.0)
    name = ledger.mark()
    assert ledger.echoed(name, 0.1)
    assert ledger.heard(0.1) == 1600


def test_an_echo_far_behind_the_clock_moves_them_back() -> None:
    ledger = PlaybackLedger(100, 64)
    ledger.send(800, 0.0)
    name = ledger.mark()
    ledger.send(80_000, 0.0)
    assert ledger.echoed(name, 3.0)
    assert ledger.heard(3.0) == 800


def test_echoes_of_a_cleared_epoch_and_strangers_do_not_count() -> None:
    ledger = PlaybackLedger(100, 64)
    ledger.send(8000, 0.0)
    name = ledger.mark()
    assert ledger.clear(0.25) == 2000
    assert ledger.echoed(name, 0.26)
    assert not ledger.echoed(name, 0.26)
    assert not ledger.echoed(MarkName("stranger"), 0.26)
    assert ledger.heard(0.3) == ledger.sent == 8000
    assert not ledger.may_sound(0.3)


def test_an_overtaking_mark_takes_the_earlier_ones_with_it() -> None:
    ledger = PlaybackLedger(100, 64)
    names = []
    for _ in range(3):
        ledger.send(800, 0.0)
        names.append(ledger.mark())
    assert ledger.echoed(names[2], 0.3)
    assert not ledger.echoed(names[0], 0.3)
    assert ledger.outstanding == 0


def test_the_clock_takes_over_where_marks_never_come_back() -> None:
    ledger = PlaybackLedger(100, 64)
    ledger.send(8000, 0.0)
    ledger.mark()
    assert ledger.heard(2.0) == 8000
    assert ledger.may_sound(2.0)  # a mark is missing: a clear would do no harm
