"""How far a call has come: each step appears when it happens, and a phrase of ours is no greeting."""

from __future__ import annotations

from tests.kit.sheet import LOUD, Sheet

from offhook.call.hangup import CALLER_HUNG_UP
from offhook.call.progress import progress_of


def steps(call: Sheet, *, asked: bool = True) -> dict[str, float]:
    return dict(progress_of(call.session, asked=asked).steps)


def test_the_steps_appear_as_they_happen() -> None:
    call = Sheet()
    call.note(call.session.admitted(call.now, dial=True))
    assert steps(call) == {"webhook": 0.0}

    call.waits(0.25)
    call.agent_is_ready()
    assert steps(call) == {"webhook": 0.0, "agent": 0.25}

    call.waits(0.25)
    call.starts()
    assert steps(call) == {"webhook": 0.0, "stream": 0.5, "agent": 0.25}

    call.waits(0.25)
    for _ in range(60):
        call.agent_audio(LOUD)
    assert steps(call) == {"webhook": 0.0, "stream": 0.5, "agent": 0.25, "greeting": 0.75}

    call.waits(0.25)
    call.echoes(next(each for each in call.to_caller if isinstance(each, str)))
    assert steps(call)["heard"] == 1.0


def test_a_static_stream_had_no_webhook() -> None:
    call = Sheet()
    call.is_bridged()
    assert "webhook" not in steps(call, asked=False)


def test_a_phrase_of_ours_is_no_greeting() -> None:
    call = Sheet()
    call.starts()
    call.waits(3.0)  # nothing speaks: we do
    assert call.session.counts["hold_phrase"] == 1
    call.echoes(next(each for each in call.to_caller if isinstance(each, str)))

    assert not steps(call).keys() & {"greeting", "heard"}


def test_a_mark_that_a_clear_flushed_proves_nothing() -> None:
    call = Sheet()
    call.is_bridged()
    for _ in range(60):
        call.agent_audio(LOUD)
    mark = next(each for each in call.to_caller if isinstance(each, str))
    call.session.downlink.clear(call.now)
    call.echoes(mark)

    assert "greeting" in steps(call)
    assert "heard" not in steps(call)


def test_greeting_audio_that_was_held_until_start_counts_from_start() -> None:
    call = Sheet()
    call.note(call.session.admitted(call.now, dial=True))
    call.agent_is_ready()
    call.agent_audio(LOUD)
    call.waits(1.0)
    assert "greeting" not in steps(call)

    call.starts()
    assert steps(call)["greeting"] == 1.0


def test_the_end_is_told() -> None:
    call = Sheet()
    call.is_bridged()
    assert progress_of(call.session, asked=True).cause is None

    call.hangs_up()
    assert progress_of(call.session, asked=True).cause == CALLER_HUNG_UP
