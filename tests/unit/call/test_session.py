"""The call as a call sheet: what the session asks for, event by event."""

from __future__ import annotations

import itertools

import pytest
from tests.kit.sheet import CALL, LOUD, PHRASES, Sheet, media, start

from offhook.call import actions as do
from offhook.call.hangup import HangupCause
from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import AgentGone, AgentRefused
from offhook.wire import deepgram, twilio, ulaw
from offhook.wire.deepgram import (
    AgentAudioDone,
    AgentStartedSpeaking,
    CancelledCall,
    ConversationText,
    FunctionCall,
    FunctionCallCancelled,
    FunctionCallRequest,
    SettingsApplied,
    UserStartedSpeaking,
    Welcome,
)


def kinds(actions: list[do.Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


class TestOrder:
    """The order that must hold."""

    def test_dials_at_the_webhook_and_sends_settings_after_welcome_only(self) -> None:
        call = Sheet()
        call.note(call.session.admitted(call.now, dial=True))
        call.agent_opens()
        assert kinds(call.does()) == ["DialAgent"]

        call.agent(Welcome("req"))
        assert call.does() == [do.ToAgent(b"{settings}")]

        call.agent(Welcome("req again"))
        assert call.does() == []

    def test_dials_at_start_where_nobody_dialled_ahead(self) -> None:
        call = Sheet()
        call.starts()
        assert "DialAgent" in kinds(call.does())

    def test_no_audio_goes_to_the_agent_before_settings_are_applied(self) -> None:
        call = Sheet()
        call.starts()
        call.agent_opens()
        assert call.speaks(LOUD) is None
        call.agent(Welcome("req"))
        assert call.speaks(LOUD) is None
        call.agent(SettingsApplied())
        assert call.speaks(b"now") == b"now"

    def test_stale_audio_is_not_replayed_over_the_greeting(self) -> None:
        call = Sheet(greets=True)
        call.starts()
        call.speaks(b"stale")
        call.agent_is_ready()
        assert not [action for action in call.history if isinstance(action, do.AudioToAgent)]

    def test_first_words_are_kept_where_the_caller_speaks_first(self) -> None:
        call = Sheet(greets=False)
        call.starts()
        call.speaks(b"first")
        call.speaks(b" words")
        call.agent_is_ready()
        assert call.to_agent == b"first words"

    def test_kept_audio_is_bounded_and_the_oldest_goes(self) -> None:
        call = Sheet(greets=False, limits=Limits(preroll_ms=40))
        call.starts()
        for letter in b"abc":
            call.speaks(bytes([letter]) * 160)
        call.agent_is_ready()
        assert call.to_agent == b"b" * 160 + b"c" * 160

    def test_greeting_waits_for_start_and_comes_whole(self) -> None:
        call = Sheet()
        call.note(call.session.admitted(call.now, dial=True))
        call.agent_is_ready()
        call.agent(ConversationText("assistant", "Hello."))
        assert call.agent_audio(b"greet") is None
        assert call.agent_audio(b"ing") is None
        call.starts()
        assert call.to_caller[0] == b"greeting"

    def test_settings_applied_out_of_order_opens_nothing(self) -> None:
        call = Sheet()
        call.starts()
        call.agent_opens()
        call.agent(SettingsApplied())
        assert call.speaks(LOUD) is None


class TestBargeIn:
    """UserStartedSpeaking."""

    def test_clears_at_once_and_drops_what_is_stale(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("a long answer", 1000)
        call.waits(0.2)
        call.agent(UserStartedSpeaking())
        assert kinds(call.does())[-1] == "Clear"
        assert call.agent_audio(b"stale") is None

    def test_the_end_of_the_interrupted_turn_is_no_new_turn(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("One two three four.", 2000)
        call.agent(UserStartedSpeaking(), AgentAudioDone())
        assert call.agent_audio(b"\x10" * 160) is None

    def test_marks_are_bounded_however_short_the_turns(self) -> None:
        call = Sheet()
        call.is_bridged()
        for _ in range(300):
            call.agent_answers("x", 20)
            call.agent(AgentAudioDone())
        assert call.session.downlink.ledger.outstanding <= 64

    def test_new_turn_plays_again(self) -> None:
        for first in (ConversationText("assistant", "New."), AgentStartedSpeaking(), ConversationText("user", "Hi")):
            call = Sheet()
            call.is_bridged()
            call.agent_answers("old", 400)
            call.agent(UserStartedSpeaking())
            call.agent(first)
            assert call.agent_audio(b"new") is not None, first

    def test_nothing_to_clear_after_all_was_heard(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("short", 100)
        call.agent(AgentAudioDone())
        for mark in [item for item in call.to_caller if isinstance(item, str)]:
            call.waits(0.2)
            call.echoes(mark)
        call.does()
        call.agent(UserStartedSpeaking())
        assert call.does() == []

    def test_clears_although_the_agent_was_done_sending(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("sent in a burst", 3000)
        call.agent(AgentAudioDone())
        call.waits(0.5)
        call.agent(UserStartedSpeaking())
        assert "Clear" in kinds(call.does())

    def test_storm_gives_at_most_one_clear_in_100_ms(self) -> None:
        call = Sheet()
        call.is_bridged()
        clears = []
        for _ in range(20):
            call.agent(UserStartedSpeaking(), ConversationText("assistant", "x"))
            call.agent_audio(ulaw.silence(200))
            call.waits(0.05)
            clears += [call.now] * kinds(call.does()).count("Clear")
        assert len(clears) > 1
        assert all(later - earlier > 0.099 for earlier, later in itertools.pairwise(clears))

    @pytest.mark.timeout(60)
    def test_a_clear_that_was_put_off_comes_at_its_time_whatever_the_clock_says(self) -> None:
        """The sum and the difference of two times need not agree: this once went round for ever."""
        for n in range(2000):
            call = Sheet(now=n * 17.003)
            call.is_bridged()
            for _ in range(2):
                call.agent(ConversationText("assistant", "x"))
                call.agent_audio(ulaw.silence(200))
                call.agent(UserStartedSpeaking())
                call.waits(0.04)
            assert kinds(call.does()).count("Clear") == 1
            call.waits(0.04)
            assert kinds(call.does()).count("Clear") == 1, call.now

    @pytest.mark.timeout(60)
    def test_a_deadline_too_short_for_the_clock_does_not_hang_the_process(self) -> None:
        call = Sheet(timeouts=Timeouts(keep_alive_s=1e-300, ping_s=1e-300, pong_s=10), now=1e9)
        call.is_bridged()
        for _ in range(10):
            call.note(call.session.time_passed(call.now))
        assert call.session.cause is None

    def test_marks_of_a_cleared_epoch_do_not_count_as_heard(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("one two three four", 2000)
        call.waits(0.5)
        call.agent(UserStartedSpeaking())
        heard = call.session.downlink.ledger.heard(call.now)
        for mark in [item for item in call.to_caller if isinstance(item, str)]:
            call.echoes(mark)
        call.hangs_up()
        assert heard == call.session.downlink.ledger.sent  # the books were closed at the clear
        assert call.record.turns[0].heard != call.record.turns[0].said

    def test_transcript_holds_said_and_heard(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("one two three four five six seven eight", 4000)
        call.waits(2.0)
        call.agent(UserStartedSpeaking(), ConversationText("user", "stop"))
        call.hangs_up()
        answer = call.record.turns[0]
        assert answer.said == "one two three four five six seven eight"
        assert answer.heard == "one two three four"
        assert answer.interrupted


class TestEnds:
    """Whoever ends it, exactly one cause."""

    def test_caller_hangs_up(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.hangs_up()
        assert kinds(call.does()) == ["CloseAgent", "CloseCaller", "Ended"]
        assert call.record.cause == HangupCause("completed", "caller_hung_up")

        call.note(call.session.caller_gone(call.now))
        call.hangs_up()
        call.waits(100)
        assert call.does() == []

    def test_agent_dies_mid_sentence_caller_hears_an_apology(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("a long answer", 2000)
        call.agent_is_lost(AgentGone(code=1006))
        done = call.does()
        assert [k for k in kinds(done) if k != "Note"] == ["CloseAgent", "Clear", "Play"]
        (apology,) = [action for action in done if isinstance(action, do.Play)]
        assert apology.audio == PHRASES.apology

        call.echoes(str(apology.mark))
        assert kinds(call.does()) == ["CloseCaller", "Ended"]
        assert call.record.cause == HangupCause("agent_error", "agent_gone")

    def test_a11_an_agent_that_dies_after_a_whole_sentence_does_not_cut_it(self) -> None:
        """The sentence is heard to its end, then the apology; the end waits for both."""
        call = Sheet()
        call.is_bridged()
        call.agent_answers("a short answer", 2000)
        call.agent(deepgram.AgentAudioDone())
        call.agent_is_lost(AgentGone(code=1006))
        assert [k for k in kinds(call.does()) if k not in ("Note", "SendMark")] == ["CloseAgent", "Play"]

        call.waits(11.9)
        assert "Ended" not in kinds(call.does())
        call.waits(0.2)
        assert [turn.heard for turn in call.record.turns] == ["a short answer"]

    def test_a11_a_long_answer_is_cut_all_the_same(self) -> None:
        """Nobody can interrupt any more: sentences without an agent are a tape."""
        call = Sheet()
        call.is_bridged()
        call.agent_answers("a long answer", 9000)
        call.agent(deepgram.AgentAudioDone())
        call.agent_is_lost(AgentGone(code=1006))
        assert "Clear" in kinds(call.does())

    def test_goodbye_does_not_wait_for_ever_for_its_mark(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_is_lost(AgentGone(code=1006))
        call.waits(10.1)
        assert call.record.cause.reason == "agent_gone"

    def test_refused_before_start_is_heard_at_start(self) -> None:
        call = Sheet()
        call.note(call.session.admitted(call.now, dial=True))
        call.agent_is_lost(AgentRefused(status=401))
        call.starts()
        assert call.to_caller[0] == PHRASES.apology

    def test_caller_hangs_up_during_the_apology(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_is_lost(AgentGone(code=1006))
        call.hangs_up()
        assert call.record.cause.reason == "agent_gone"

    def test_stream_never_comes(self) -> None:
        call = Sheet()
        call.note(call.session.admitted(call.now, dial=True))
        call.agent_is_ready()
        call.waits(10.1)
        assert not call.record.reached_start
        assert "CloseAgent" in kinds(call.history)

    def test_caller_silent_for_10_s(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.waits(5)
        call.speaks(LOUD)
        call.waits(9.9)
        assert call.session.cause is None
        call.waits(0.2)
        assert call.record.cause.reason == "caller_stuck"

    def test_time_limit_is_announced(self) -> None:
        call = Sheet(timeouts=Timeouts(call_s=3))
        call.is_bridged()
        call.waits(3.1)
        assert call.to_caller[-2] == PHRASES.limit
        call.echoes(str(call.to_caller[-1]))
        assert call.record.cause == HangupCause("completed", "limit")

    def test_agents_time_limit_is_no_error(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(deepgram.Error("MAXIMUM_SESSION_LENGTH_REACHED", "2 h"))
        call.waits(11)
        assert call.record.cause.reason == "limit"

    def test_defect_ends_this_call_only_with_an_apology(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.note(call.session.broke(ValueError("secret"), call.now))
        call.waits(11)
        assert call.record.cause == HangupCause("our_error", "bug")


class TestSettings:
    """Refusals and retries before the first word."""

    def test_next_provider_is_tried_and_learned(self) -> None:
        call = Sheet(choices=(b"deepgram", b"open_ai"))
        call.starts()
        call.agent_opens()
        call.agent(Welcome("r"))
        call.agent(deepgram.Error("UNPARSABLE_CLIENT_MESSAGE", "agent.think.provider.type"))
        assert kinds(call.does())[-3:] == ["SettingsRefused", "CloseAgent", "DialAgent"]
        call.agent_is_ready()
        assert do.ToAgent(b"open_ai") in call.history
        assert do.SettingsAccepted(1) in call.history

    def test_a9_refused_for_good(self) -> None:
        """The log names the field, and no other word of a description that may quote the prompt."""
        call = Sheet()
        call.starts()
        call.agent_opens()
        said = "You are Robin, call +14155550123: unknown voice in agent.speak.provider.model"
        call.agent(Welcome("r"), deepgram.Error("INVALID_SETTINGS", said))
        call.waits(11)
        assert call.record.cause == HangupCause("agent_error", "settings")
        assert do.SettingsRefused(0, "INVALID_SETTINGS", "agent.speak.provider.model") in call.history
        (lost,) = [action for action in call.history if isinstance(action, do.Note) and action.event == "agent_lost"]
        assert lost.facts["error"] == "settings: code=INVALID_SETTINGS, field=agent.speak.provider.model"

    def test_never_applied_is_retried_once_then_apologised_for(self) -> None:
        call = Sheet(timeouts=Timeouts(caller_silent_s=1000))
        call.starts()
        call.agent_opens()
        call.agent(Welcome("r"))
        call.waits(5.1)
        assert kinds(call.history).count("DialAgent") == 2
        call.agent_opens()
        call.waits(5.1)
        assert PHRASES.apology in call.to_caller

    def test_dead_air_is_filled_after_two_seconds(self) -> None:
        call = Sheet()
        call.starts()
        call.waits(2.1)
        assert call.to_caller[0] == PHRASES.hold


class TestWatchdogs:
    """A12, A13: silence where progress is due."""

    def test_slow_answer_is_bridged_then_given_up(self) -> None:
        call = Sheet(timeouts=Timeouts(caller_silent_s=1000))
        call.is_bridged()
        call.agent(ConversationText("user", "Hello?"))
        call.waits(8.1)
        assert call.to_caller[0] == PHRASES.hold
        call.waits(7)
        call.waits(11)
        assert call.record.cause == HangupCause("agent_error", "agent_silent")

    def test_c15_marks_that_never_come_back_do_not_keep_us_silent(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("Hello.", 500)
        call.agent(AgentAudioDone())
        call.waits(1)
        call.agent(ConversationText("user", "Hello?"))
        for _ in range(9):
            call.speaks(ulaw.silence(20))
            call.waits(1)
        assert PHRASES.hold in call.to_caller

    def test_the_hold_phrase_is_not_said_over_what_is_heard(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(ConversationText("user", "Hello?"))
        call.agent_answers("A very long answer.", 20_000)
        call.agent(FunctionCallRequest([FunctionCall("1", "a")]))
        call.note(call.session.function_answered("1", "ok", call.now))
        for _ in range(9):
            call.speaks(ulaw.silence(20))
            call.waits(1)
        assert PHRASES.hold not in call.to_caller

    def test_deaf_agent_is_given_up_when_the_caller_is_quiet(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(UserStartedSpeaking())
        call.speaks(LOUD)
        call.waits(1)
        for _ in range(12):
            call.speaks(ulaw.silence(20))
            call.waits(1)
        assert PHRASES.apology in call.to_caller

    def test_a_cough_of_which_nothing_is_said_ends_nothing(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(UserStartedSpeaking())
        for _ in range(40):
            call.speaks(ulaw.silence(20))
            call.waits(1)
            call.session.agent_ponged()
        assert call.session.cause is None
        assert PHRASES.apology not in call.to_caller

    def test_who_begins_twice_without_a_word_of_it_has_spoken(self) -> None:
        call = Sheet()
        call.is_bridged()
        for _ in range(2):
            call.agent(UserStartedSpeaking())
            call.speaks(ulaw.silence(20))
            call.waits(3)
        for _ in range(12):
            call.speaks(ulaw.silence(20))
            call.waits(1)
        assert PHRASES.apology in call.to_caller

    def test_a_caller_who_goes_on_speaking_is_no_reason_to_give_up(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(UserStartedSpeaking())
        for _ in range(40):
            call.speaks(LOUD)
            call.waits(1)
            call.session.agent_ponged()
        assert call.session.cause is None

    def test_an_agent_that_answers_without_a_transcript_is_not_deaf(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(UserStartedSpeaking(), AgentStartedSpeaking())
        call.agent_audio(ulaw.silence(20))
        for _ in range(15):
            call.speaks(ulaw.silence(20))
            call.waits(1)
            call.session.agent_ponged()
        assert call.session.cause is None

    def test_caller_silent_for_a_minute_is_nothing(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent_answers("Hello.", 500)
        call.agent(AgentAudioDone())
        for _ in range(60):
            call.speaks(ulaw.silence(20))
            call.waits(1)
            call.session.agent_ponged()
        assert call.session.cause is None

    def test_keep_alive_only_while_no_audio_is_sent(self) -> None:
        call = Sheet()
        call.note(call.session.admitted(call.now, dial=True))
        call.agent_is_ready()
        call.waits(5.1)
        assert call.history.count(do.ToAgent(deepgram.KEEP_ALIVE)) == 1
        call.starts()
        for _ in range(300):
            call.speaks(LOUD)
            call.waits(0.02)
        assert call.history.count(do.ToAgent(deepgram.KEEP_ALIVE)) == 1

    def test_unanswered_ping(self) -> None:
        call = Sheet()
        call.is_bridged()
        for _ in range(31):
            call.speaks(LOUD)
            call.waits(1)
        assert PHRASES.apology in call.to_caller


class TestFunctions:
    """FunctionCallRequest."""

    request = FunctionCallRequest([FunctionCall("1", "a"), FunctionCall("2", "b"), FunctionCall("3", "c", "{}", False)])

    def test_every_client_side_call_is_answered(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(self.request)
        (run,) = [action for action in call.does() if isinstance(action, do.RunFunctions)]
        assert [one.id for one in run.calls] == ["1", "2"]
        for one in run.calls:
            call.note(call.session.function_answered(one.id, "ok", call.now))
        assert kinds(call.does()) == ["ToAgent", "ToAgent"]

    def test_withdrawn_calls_are_not_answered(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(self.request, FunctionCallCancelled([CancelledCall("1")]))
        call.does()
        call.note(call.session.function_answered("1", "late", call.now))
        assert call.does() == []

    def test_unanswered_calls_are_answered_with_an_error_in_time(self) -> None:
        call = Sheet(timeouts=Timeouts(caller_silent_s=1000))
        call.is_bridged()
        call.agent(self.request)
        call.does()
        call.waits(10.1)
        answers = [
            action for action in call.does() if isinstance(action, do.ToAgent) and b"FunctionCallR" in action.frame
        ]
        assert len(answers) == 2


class TestCallerOddities:
    """C2–C18 as far as the core decides."""

    def test_media_before_start_is_ignored(self) -> None:
        call = Sheet(greets=False)
        assert call.speaks(LOUD) is None
        call.starts()
        call.agent_is_ready()
        assert call.to_agent == b""

    def test_duplicate_start(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.hears(start())
        assert call.session.cause is None
        call.hears(start("MZ" + "9" * 32))
        assert call.record.cause.reason == "caller_protocol"

    def test_other_tracks_are_never_forwarded(self) -> None:
        call = Sheet()
        call.is_bridged()
        assert call.speaks(LOUD, track="outbound") is None

    def test_sequence_numbers(self) -> None:
        call = Sheet()
        call.is_bridged()
        send = call.session.caller_audio
        assert send(media(b"a", 5), call.now) == b"a"
        assert send(media(b"a", 5), call.now) is None
        assert send(media(b"b", 9), call.now) == b"b"
        assert send(media(b"d", 2**63), call.now) == b"d"
        counts = call.session.counts
        assert (counts["repeated_frame"], counts["sequence_gap"]) == (1, 2)

    def test_c8_frames_out_of_order_pass_as_they_come_and_once(self) -> None:
        call = Sheet()
        call.is_bridged()
        send = call.session.caller_audio
        frames = [(2, b"a"), (5, b"d"), (4, b"c"), (3, b"b"), (4, b"c"), (6, b"e"), (5, b"d"), (7, b"f")]
        passed = [send(media(audio, number), call.now) for number, audio in frames]
        assert passed == [b"a", b"d", b"c", b"b", None, b"e", None, b"f"]
        counts = call.session.counts
        assert (counts["sequence_gap"], counts["late_frame"], counts["repeated_frame"]) == (1, 2, 2)

    def test_c8_a_gap_of_any_size_is_remembered_within_bounds(self) -> None:
        call = Sheet()
        call.is_bridged()
        send = call.session.caller_audio
        send(media(b"a", 2), call.now)
        for number in (10**9, 10**18, 2**62):
            assert send(media(b"b", number), call.now) == b"b"
            assert send(media(b"c", number - 51), call.now) is None
            assert send(media(b"c", number - 50), call.now) == b"c"

    def test_marks_and_digits_share_the_sequence_of_audio(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.session.caller_audio(media(b"a", 2), call.now)
        call.hears(twilio.Mark(twilio.MarkFacts("x"), 3))
        call.hears(twilio.Dtmf(twilio.DtmfKey("1"), 4))
        call.session.caller_audio(media(b"b", 5), call.now)
        assert call.session.counts["sequence_gap"] == 0

    def test_ten_bad_messages_end_the_call(self) -> None:
        call = Sheet()
        call.is_bridged()
        for _ in range(9):
            call.note(call.session.caller_bad(call.now))
        assert call.session.cause is None
        call.note(call.session.caller_bad(call.now))
        assert call.record.cause.reason == "caller_protocol"

    def test_burst_after_a_stall_passes_and_a_flood_does_not(self) -> None:
        call = Sheet()
        call.is_bridged()
        for _ in range(250):
            assert call.speaks(LOUD) is not None
        sent = 0
        for _ in range(5000):  # 50× real time for 2 s
            sent += call.speaks(LOUD) is not None
            call.waits(0.0004)
        assert sent * 20 < 2 * 2000 + 1500

    @pytest.mark.parametrize(
        ("burst", "gap_s"), [(51, 0.01), (1, 0.0004), (1000, 0.5), (60, 0.02), (7, 0.001), (300, 3.0), (2, 0.019)]
    )
    def test_c17_no_rhythm_gets_more_than_twice_real_time_through(self, burst: int, gap_s: float) -> None:
        call = Sheet()
        call.is_bridged()
        began, passed_s = call.now, 0.0
        for n in range(6000):
            passed_s += 0.02 * (call.speaks(LOUD) is not None)
            assert passed_s <= 2 * (call.now - began) + 6.0 + 1.1  # a burst, and looking once a second
            if n % burst == burst - 1:
                call.waits(gap_s)

    @pytest.mark.parametrize("late", [1, 25, 250])
    def test_c18_a_caller_in_real_time_loses_nothing_however_late_he_comes(self, late: int) -> None:
        call = Sheet()
        call.is_bridged()
        for n in range(3000):
            assert call.speaks(LOUD) is not None
            if n % late == late - 1:
                call.waits(0.02 * late)
                call.session.agent_ponged()

    def test_digits_are_bounded(self) -> None:
        call = Sheet()
        call.is_bridged()
        for key in "12*#AD€":
            call.hears(twilio.Dtmf(twilio.DtmfKey(key)))
        assert call.session.keypad.digits == "12*#AD"
        for _ in range(1000):
            call.hears(twilio.Dtmf(twilio.DtmfKey("5")))
        assert len(call.session.keypad.digits) == 20

    def test_stray_marks_are_counted_and_harmless(self) -> None:
        call = Sheet()
        call.is_bridged()
        for name in ("never-sent", "", "0-1"):
            call.echoes(name)
        assert call.session.counts["stray_mark"] == 3

    def test_unsupported_audio_is_refused(self) -> None:
        call = Sheet()
        facts = twilio.StartFacts("AC" + "2" * 32, CALL, "MZ" + "3" * 32, twilio.MediaFormat("audio/x-l16", 16000))
        call.hears(twilio.Start(facts, "MZ" + "3" * 32))
        assert call.record.cause.reason == "caller_protocol"


class TestSlowSides:
    """A14, C14, A16."""

    def test_slow_agent_gets_the_newest_second(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.note(call.session.agent_blocked(True, call.now))
        for number in range(100):
            assert call.speaks(bytes([number]) * 160) is None
        call.to_agent = b""
        call.note(call.session.agent_blocked(False, call.now))
        assert len(call.to_agent) == 8000
        assert call.to_agent[-1] == 99

    def test_stuck_agent_is_given_up(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.note(call.session.agent_blocked(True, call.now))
        call.waits(5.1)
        assert PHRASES.apology in call.to_caller

    def test_stuck_caller_ends_the_call(self) -> None:
        call = Sheet(timeouts=Timeouts(caller_silent_s=1000))
        call.is_bridged()
        call.session.caller_blocked(True, call.now)
        call.waits(30.1)
        assert call.record.cause.reason == "caller_stuck"

    def test_a_burst_of_two_minutes_is_sent_in_order(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(ConversationText("assistant", "long"))
        for number in range(6000):
            assert call.agent_audio(bytes([number % 256]) * 160) is not None
        sent = b"".join(item for item in call.to_caller if isinstance(item, bytes))
        assert sent == b"".join(bytes([number % 256]) * 160 for number in range(6000))
        assert call.session.downlink.ledger.unheard_s(call.now) == pytest.approx(120.0)

    def test_beyond_three_minutes_unheard_audio_is_dropped(self) -> None:
        call = Sheet()
        call.is_bridged()
        call.agent(ConversationText("assistant", "endless"))
        for _ in range(400):
            call.agent_audio(ulaw.silence(1000))
        assert call.session.counts["unheard_overflow_bytes"] > 0
        assert call.session.downlink.ledger.unheard_s(call.now) <= 182
