"""The transcript: said, heard, and when."""

from __future__ import annotations

import pytest

from offhook.call.turns import Segment, Transcript


@pytest.mark.parametrize(
    ("position", "heard"),
    [
        (0, ""),
        (999, ""),
        (1000, ""),
        (2600, "one"),
        (3500, "one two"),
        (5000, "one two three"),
        (9999, "one two three"),
    ],
)
def test_a_segment_is_cut_to_whole_words(position: int, heard: str) -> None:
    assert Segment("one two three", 1000, 5000).heard_text(position) == heard


def test_a_cut_reaches_every_segment_that_was_not_over() -> None:
    transcript = Transcript(10)
    for number, text in enumerate(("First sentence.", "Second sentence.", "Third, never spoken.")):
        transcript.agent_says(text, number * 8000, 0.0).end = (number + 1) * 8000
    transcript.cut(12_000)
    (turn,) = transcript.records(99_999)
    assert turn.interrupted
    assert turn.heard == "First sentence. Second"
    assert turn.said == "First sentence. Second sentence. Third, never spoken."


def test_a_turn_that_was_heard_whole_is_not_interrupted() -> None:
    transcript = Transcript(10)
    transcript.agent_says("All of it.", 0, 0.0).end = 8000
    transcript.agent_done()
    transcript.cut(8000)
    (turn,) = transcript.records(8000)
    assert (turn.heard, turn.interrupted) == ("All of it.", False)


def test_text_whose_audio_never_came_was_not_heard() -> None:
    transcript = Transcript(10)
    transcript.agent_says("Never sounded.", 4000, 0.0)
    transcript.cut(4000)
    (turn,) = transcript.records(8000)
    assert turn.heard == ""


def test_the_answer_is_timed_once_from_the_callers_turn() -> None:
    transcript = Transcript(10)
    transcript.caller_said("Are you open?", 5.0)
    transcript.agent_says("Yes.", 0, 5.7)
    transcript.answered(5.8)
    transcript.answered(9.9)
    assert [turn.answer_s for turn in transcript.records(0)] == [None, pytest.approx(0.8)]


def test_the_oldest_turns_go_and_are_counted() -> None:
    transcript = Transcript(3)
    for number in range(5):
        transcript.caller_said(str(number), 0.0)
    assert [turn.said for turn in transcript.records(0)] == ["2", "3", "4"]
    assert transcript.dropped == 2
