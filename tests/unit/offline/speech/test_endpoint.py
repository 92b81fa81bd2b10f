"""Turns from probabilities alone: no models, no audio."""

from __future__ import annotations

from itertools import repeat

import pytest

from offhook.offline.speech.endpoint import Endpoint, Rules, Sign, rules_from
from offhook.offline.speech.patience import Patience, patience_for


def signs(endpoint: Endpoint, *windows: tuple[float, int]) -> list[tuple[int, Sign]]:
    """Play (probability, how many windows), return (window number, sign)."""
    found, number = [], 0
    for speech, count in windows:
        for value in repeat(speech, count):
            number += 1
            if (sign := endpoint.window(value)) is not None:
                found.append((number, sign))
                if sign is Sign.OVER:
                    endpoint.close()
    return found


def test_a_turn_starts_pauses_and_is_over() -> None:
    # 0.22 s are 7 windows, 0.5 s are 16.
    assert signs(Endpoint(Rules()), (0.0, 10), (0.9, 20), (0.0, 30)) == [
        (12, Sign.STARTED),
        (37, Sign.PAUSED),
        (46, Sign.OVER),
    ]


def test_one_window_is_no_speech() -> None:
    assert signs(Endpoint(Rules()), *[(0.9, 1), (0.0, 2)] * 5) == []


def test_barge_in_needs_three_windows() -> None:
    endpoint = Endpoint(Rules())
    endpoint.agent_speaks = True
    assert signs(endpoint, (0.9, 2), (0.0, 5)) == []
    assert signs(endpoint, (0.9, 3)) == [(3, Sign.STARTED)]


def test_speech_after_a_pause_resumes_the_same_turn() -> None:
    found = signs(Endpoint(Rules()), (0.9, 10), (0.0, 10), (0.9, 5), (0.0, 16))
    assert [sign for _, sign in found] == [Sign.STARTED, Sign.PAUSED, Sign.RESUMED, Sign.PAUSED, Sign.OVER]


def test_a_click_in_a_pause_does_not_resume() -> None:
    found = signs(Endpoint(Rules()), (0.9, 10), (0.0, 8), (0.9, 1), (0.0, 10))
    assert [sign for _, sign in found] == [Sign.STARTED, Sign.PAUSED, Sign.OVER]


@pytest.mark.parametrize(("patience", "windows"), [(Patience.SHORT, 12), (Patience.USUAL, 16), (Patience.LONG, 35)])
def test_the_text_decides_how_long_to_wait(patience: Patience, windows: int) -> None:
    endpoint = Endpoint(Rules())
    signs(endpoint, (0.9, 10), (0.0, 8))
    endpoint.expect(patience)
    found = signs(endpoint, (0.0, 40))
    assert found[0] == (windows - 8, Sign.OVER)


def test_the_patience_of_one_pause_is_not_that_of_the_next() -> None:
    endpoint = Endpoint(Rules())
    signs(endpoint, (0.9, 10), (0.0, 8))
    endpoint.expect(Patience.LONG)
    found = signs(endpoint, (0.9, 5), (0.0, 16))
    assert [sign for _, sign in found] == [Sign.RESUMED, Sign.PAUSED, Sign.OVER]


def test_a_turn_without_end_is_full_at_its_cap() -> None:
    found = signs(Endpoint(Rules(longest_s=1.0)), (0.9, 40))
    assert found[1] == (32, Sign.FULL)


def test_between_the_thresholds_nothing_counts() -> None:
    assert signs(Endpoint(Rules()), (0.9, 10), (0.4, 100)) == [(2, Sign.STARTED)]


def test_settings_stretch_the_patience() -> None:
    usual = Rules()
    assert rules_from({}) == usual
    assert rules_from({"eot_threshold": 0.7}) == usual
    assert rules_from({"eot_threshold": 0.9}).usual_s == pytest.approx(usual.usual_s * 1.69)
    assert rules_from({"eot_threshold": 0.5}).usual_s < usual.usual_s
    assert rules_from({"eot_threshold": "high", "eot_timeout_ms": True}) == usual
    assert rules_from({"eot_timeout_ms": 800}).silence_s(Patience.LONG) == 0.8


def test_threshold_one_ends_by_timeout_only() -> None:
    rules = rules_from({"eot_threshold": 1.0, "eot_timeout_ms": 3000})
    assert {rules.silence_s(patience) for patience in Patience} == {3.0}


@pytest.mark.parametrize(
    ("text", "patience"),
    [
        ("", Patience.SHORT),
        ("Yes, please.", Patience.SHORT),
        ("What time do you open?", Patience.SHORT),
        ("That's all.", Patience.SHORT),
        ("No, thank you, good-by.", Patience.SHORT),
        ("Okay, thanks a lot, bye.", Patience.SHORT),
        ("Where are you from?", Patience.USUAL),
        ("Come in by", Patience.LONG),
        ("I need an appointment.", Patience.USUAL),
        ("At 330.", Patience.USUAL),
        ("Um, I would like to.", Patience.LONG),
        ("I'd like to book for Monday and", Patience.LONG),
        ("My name is", Patience.LONG),
        ("Um", Patience.LONG),
        ("My number is 415.", Patience.LONG),
        ("four one five five five", Patience.LONG),
        ("415 555 0132", Patience.USUAL),
    ],
)
def test_patience(text: str, patience: Patience) -> None:
    assert patience_for(text) is patience
