"""A scenario that expects something else fails, and says what was seen: each expectation, one at a time."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from tests.kit.wound import wound

from offhook.scenario.catalogue import find
from offhook.scenario.expect import Between, Expect
from offhook.scenario.performance import perform
from offhook.scenario.seen import Seen
from offhook.scenario.verdict import verdict
from offhook.scenario.world import Stage

#: Expectations that the call below does not meet, and a part of the reason.
WRONG = [
    (Expect(streams=0), "streams: 1; expected 0"),
    (Expect(silent=True), "nothing is expected"),
    (Expect(findings=["no-clear"]), "the judge did not find no-clear"),
    (Expect(complaints=[31921]), "Twilio does not complain with 31921"),
    (Expect(problems=["dead air"]), 'it did not come to this: "dead air"'),
    (Expect(refused=403), "Twilio was refused with nothing; expected 403"),
    (Expect(within_s=0.5), "expected at most 0.5"),
    (Expect(ended_by="server"), "ended by the caller"),
    (Expect(cause="completed/limit"), "hangup cause completed/caller_hung_up"),
    (Expect(close_code=1000), "no code; expected 1000"),
    (Expect(verbs=["Connect", "Hangup"]), "TwiML ran Connect; expected Connect, Hangup"),
    (Expect(announces=["Sorry"]), 'Twilio did not say "Sorry"'),
    (Expect(agent_sockets=2), "agent sockets: 1; expected 2"),
    (Expect(agent_refusals=Between(at_least=1)), "refused agent sockets: 0; expected at least 1"),
    (Expect(agent_gets={"Settings": 2}), "Settings at the agent: 1; expected 2"),
    (Expect(agent_gets={"audio_s": Between(at_least=60)}), "expected at least 60"),
    (Expect(understood=["Where are you"]), 'did not understand "Where are you"'),
    (Expect(says=["From ten"]), 'did not say "From ten"'),
    (Expect(heard=["From ten"]), 'did not hear "From ten"'),
    (Expect(unheard=["From nine"]), 'heard "From nine"'),
    (Expect(counts={"clear": 3}), "counter clear: 0; expected 3"),
    (Expect(heard_s=Between(at_most=0.1)), "expected 0 to 0.1"),
    (Expect(answers=2), "answers: 1; expected 2"),
    (Expect(barge_ins=1), "barge-ins: 0; expected 1"),
    (Expect(clears=1), "`clear` messages: 0; expected 1"),
    (Expect(first_heard_within_ms=0.001), "expected within 0.001 ms"),
    (Expect(answers_within_ms=1), "expected within 1 ms"),
]


@pytest.fixture(scope="module")
def offhook_shared_seen() -> Seen:
    (named,) = find("answers-a-question")
    return wound(perform(named, Stage()))


@pytest.mark.parametrize(("expect", "reason"), WRONG, ids=lambda value: "" if isinstance(value, Expect) else value)
def test_what_is_not_so_is_told(offhook_shared_seen, expect, reason):
    told = verdict(expect, offhook_shared_seen).reasons

    assert len(told) == 1
    assert reason in told[0]


def test_no_expectation_is_forgotten_here():
    """Each field but those that only allow, and the one that needs a barge-in, is in the list above."""
    fresh = Expect()
    asked = {
        name
        for expect, _ in WRONG
        for name in expect.__struct_fields__
        if getattr(expect, name) != getattr(fresh, name)
    }

    assert set(Expect.__struct_fields__) - asked == {"may_find", "may_complain", "cut_within_ms"}


def test_a_finding_that_is_not_expected_fails(offhook_shared_seen):
    from offhook.lab.judge.finding import Finding

    seen = replace(offhook_shared_seen, findings=[Finding("no-clear", "nothing was cleared")])

    assert verdict(Expect(), seen).reasons == ("the judge found no-clear: nothing was cleared",)
    assert not verdict(Expect(findings=["no-clear"]), seen).reasons
    assert not verdict(Expect(may_find=["no-clear"]), seen).reasons


def test_where_nobody_can_look_nothing_is_claimed(offhook_shared_seen):
    """At somebody else's bridge there is no record of ours, with the real agent nobody to watch: said, not failed."""
    asked = msgspec.structs.replace(
        Expect(), agent_sockets=7, agent_gets={"Settings": 7}, cause="x/y", heard=["nothing"], counts={"clear": 7}
    )
    seen = replace(offhook_shared_seen, record=None, agent_calls=None, is_own=False)

    found = verdict(asked, seen)

    assert found.reasons == ()
    assert found.untold == (
        "agent_sockets, agent_gets: nobody watches the real agent",
        "cause, heard, counts: only offhook's own server tells",
    )
