"""A refused model is left out, remembered once another was applied, and offered again after an hour."""

from __future__ import annotations

import pytest

from offhook.agent import ThinkLadder
from offhook.agent.providers import REFUSED_FOR_S
from offhook.config.think import Think, ThinkEntry

DEEPGRAM_FIRST = Think()
THREE = Think(
    model="phonellm-mini-alpha-2-fp8",
    fallback=(ThinkEntry(model="think-fast"), ThinkEntry(provider="open_ai", model="gpt-4o-mini")),
)
REFUSED = "UNPARSABLE_CLIENT_MESSAGE"


def labels(choice):
    return [entry.label for entry in choice.entries]


def test_at_first_every_model_is_offered_in_order():
    choice = ThinkLadder().choice(DEEPGRAM_FIRST, now=0)

    assert labels(choice) == ["deepgram/think-fast", "open_ai/gpt-4o-mini"]
    assert not choice.is_fallback
    assert choice.label == "deepgram/think-fast"


def test_a_refusal_is_believed_only_when_the_next_choice_is_applied():
    ladder = ThinkLadder()
    refused = ladder.choice(DEEPGRAM_FIRST, now=0)
    second = ladder.step_down(refused, REFUSED)

    assert second is not None
    assert labels(second) == ["open_ai/gpt-4o-mini"]
    assert second.is_fallback
    assert labels(ladder.choice(DEEPGRAM_FIRST, now=1)) == labels(refused)
    assert [entry.label for entry in ladder.applied(second, now=2)] == ["deepgram/think-fast"]
    assert labels(ladder.choice(DEEPGRAM_FIRST, now=3)) == ["open_ai/gpt-4o-mini"]


def test_nothing_new_is_learned_the_second_time():
    ladder = ThinkLadder()
    second = ladder.step_down(ladder.choice(DEEPGRAM_FIRST, now=0), REFUSED)
    assert second is not None

    assert len(ladder.applied(second, now=0)) == 1
    assert ladder.applied(ladder.choice(DEEPGRAM_FIRST, now=1), now=1) == ()


def test_a_refused_model_is_offered_again_after_an_hour():
    ladder = ThinkLadder()
    second = ladder.step_down(ladder.choice(DEEPGRAM_FIRST, now=0), REFUSED)
    assert second is not None
    ladder.applied(second, now=0)

    assert ladder.refused(now=REFUSED_FOR_S - 60) == {"deepgram/think-fast": 60}
    assert ladder.choice(DEEPGRAM_FIRST, now=REFUSED_FOR_S - 1).is_fallback
    assert not ladder.choice(DEEPGRAM_FIRST, now=REFUSED_FOR_S).is_fallback
    assert ladder.refused(now=REFUSED_FOR_S) == {}


def test_what_one_agent_taught_another_knows():
    ladder = ThinkLadder()
    second = ladder.step_down(ladder.choice(DEEPGRAM_FIRST, now=0), REFUSED)
    assert second is not None
    ladder.applied(second, now=0)

    assert labels(ladder.choice(THREE, now=1)) == ["deepgram/phonellm-mini-alpha-2-fp8", "open_ai/gpt-4o-mini"]


def test_the_ladder_ends_where_the_models_cannot_be_to_blame():
    ladder = ThinkLadder()
    first = ladder.choice(THREE, now=0)
    second = ladder.step_down(first, REFUSED)
    assert second is not None
    third = ladder.step_down(second, "FAILED_TO_THINK")
    assert third is not None

    assert labels(third) == ["open_ai/gpt-4o-mini"]
    assert ladder.step_down(third, REFUSED) is None
    assert ladder.refused(now=0) == {}


@pytest.mark.parametrize("code", ["FAILED_TO_START_LISTENING", "INTERNAL_SERVER_ERROR", "", "CLIENT_MESSAGE_TIMEOUT"])
def test_other_errors_blame_no_model(code):
    ladder = ThinkLadder()

    assert ladder.step_down(ladder.choice(DEEPGRAM_FIRST, now=0), code) is None


def test_where_every_model_is_refused_all_are_offered_rather_than_none():
    ladder = ThinkLadder()
    second = ladder.step_down(ladder.choice(DEEPGRAM_FIRST, now=0), REFUSED)
    assert second is not None
    ladder.applied(second, now=0)

    assert labels(ladder.choice(Think(fallback=()), now=1)) == ["deepgram/think-fast"]


@pytest.mark.parametrize(
    ("think", "expected"),
    [
        (Think(fallback=()), ["deepgram/think-fast"]),
        (Think(provider="anthropic", model="claude-haiku-4-5"), ["anthropic/claude-haiku-4-5"]),
        (
            Think(provider="open_ai", model="m", fallback=(ThinkEntry(provider="open_ai", model="m"),)),
            ["open_ai/m"],
        ),
    ],
)
def test_the_default_fallback_belongs_to_deepgrams_own_models_only(think, expected):
    assert [entry.label for entry in think.entries] == expected
