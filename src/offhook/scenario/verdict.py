"""Compares what was seen with what must come of it. Pure: every reason is a sentence with both sides in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from offhook.offline.script import words
from offhook.scenario.expect import Between, Count, Expect, bounds
from offhook.scenario.seen import Seen, Verdict
from offhook.sim.complaints import Complaint

#: Expectations of the agent's side, where nobody can watch it.
_OF_THE_AGENT = ("agent_sockets", "agent_refusals", "agent_gets")
#: Expectations that only offhook's own record can answer.
_OF_THE_RECORD = ("cause", "heard", "unheard", "counts")


def verdict(expect: Expect, seen: Seen) -> Verdict:
    """Return why the scenario failed (nothing: it passed) and what could not be looked at."""
    untold = list(_untold(expect, seen))
    reasons = [
        *_line(expect, seen),
        *_faults(expect, seen),
        *_end(expect, seen),
        *_times(expect, seen),
        *([] if seen.agent_calls is None else _agent(expect, seen)),
        *([] if seen.record is None and not seen.is_own else _record(expect, seen)),
        *_words(expect, seen),
    ]
    return Verdict(tuple(reasons), tuple(untold))


def _untold(expect: Expect, seen: Seen) -> Iterator[str]:
    fresh = Expect()

    def asked(names: Sequence[str]) -> str:
        return ", ".join(name for name in names if getattr(expect, name) != getattr(fresh, name))

    if seen.agent_calls is None and (names := asked(_OF_THE_AGENT)):
        yield f"{names}: nobody watches the real agent"
    if not seen.is_own and (names := asked(_OF_THE_RECORD)):
        yield f"{names}: only offhook's own server tells"


def _line(expect: Expect, seen: Seen) -> Iterator[str]:
    report = seen.report
    yield from _count("streams", expect.streams, len(report.stream_sids))
    if expect.silent and report.heard_ms:
        yield f"{report.heard_ms / 1000:.1f} s of the agent were heard; nothing is expected"
    if report.stream_sids and not expect.silent and not report.heard_ms:
        yield "nothing audible was heard"
    if expect.verbs is not None:
        ran = [verb.split()[0] for verb in report.twiml]
        if ran != expect.verbs:
            yield f"TwiML ran {_listed(ran)}; expected {_listed(expect.verbs)}"
    said = words(" ".join(verb.removeprefix("Say") for verb in report.twiml if verb.startswith("Say")))
    yield from (f'Twilio did not say "{text}"' for text in expect.announces if words(text) not in said)
    if expect.barge_ins is not None:
        yield from _count("barge-ins", expect.barge_ins, len(report.barge_ins))
    if expect.clears is not None:
        clears = sum(type(event).__name__ == "ClearReceived" for event in report.events)
        yield from _count("`clear` messages", expect.clears, clears)
    if expect.answers is not None:
        yield from _count("answers", expect.answers, len(report.latencies_ms))
    if expect.heard_s is not None and not expect.heard_s.holds(report.heard_ms / 1000):
        yield f"{report.heard_ms / 1000:.2f} s of the agent were heard; expected {expect.heard_s}"


def _faults(expect: Expect, seen: Seen) -> Iterator[str]:
    found = {finding.code: finding for finding in seen.findings}
    for code, finding in found.items():
        if code not in expect.findings and code not in expect.may_find:
            yield f"the judge found {finding}"
    yield from (f"the judge did not find {code}" for code in expect.findings if code not in found)
    complaints = {complaint.code: complaint for complaint in seen.report.complaints}
    for number, complaint in complaints.items():
        if number not in expect.complaints and number not in expect.may_complain:
            yield f"Twilio complains: {_complaint(complaint)}"
    yield from (f"Twilio does not complain with {number}" for number in expect.complaints if number not in complaints)
    if expect.refused is not None:
        statuses = [complaint.http_status for complaint in seen.report.complaints if complaint.http_status]
        if expect.refused not in statuses:
            yield f"Twilio was refused with {_listed(statuses) or 'nothing'}; expected {expect.refused}"
    left = Counter(seen.report.problems)
    for part in expect.problems:
        match = next((problem for problem in left if part in problem), None)
        if match is None:
            yield f'it did not come to this: "{part}"'
        else:
            left[match] -= 1
    yield from (f"the caller: {problem}" for problem in left.elements())


def _complaint(complaint: Complaint) -> str:
    return f"{complaint}" + (f" (HTTP {complaint.http_status})" if complaint.http_status else "")


def _end(expect: Expect, seen: Seen) -> Iterator[str]:
    ended = seen.report.ended
    if expect.ended_by is not None and ended.by != expect.ended_by:
        yield f"ended by the {ended.by} ({ended.why}); expected the {expect.ended_by}"
    if expect.close_code is not None and seen.close_code != expect.close_code:
        yield f"the stream was closed with {seen.close_code or 'no code'}; expected {expect.close_code}"
    if ended.at_ms > expect.within_s * 1000:
        yield f"the call took {ended.at_ms / 1000:.1f} s; expected at most {expect.within_s:g}"


def _times(expect: Expect, seen: Seen) -> Iterator[str]:
    report = seen.report
    if (bound := expect.first_heard_within_ms) is not None:
        since = report.stream_started_ms
        waited = report.first_heard_ms - since if report.first_heard_ms is not None and since is not None else None
        if waited is None or waited > bound:
            said = "nothing was heard" if waited is None else f"first sound after {waited:.0f} ms"
            yield f"{said}; expected within {bound:g} ms"
    if (bound := expect.answers_within_ms) is not None and (late := max(report.latencies_ms, default=0.0)) > bound:
        yield f"an answer came after {late:.0f} ms; expected within {bound:g} ms"
    if (bound := expect.cut_within_ms) is not None:
        late = max((cut.silent_after_ms for cut in report.barge_ins), default=0.0)
        if late > bound:
            yield f"after a barge-in the agent spoke on for {late:.0f} ms; expected at most {bound:g} ms"


def _agent(expect: Expect, seen: Seen) -> Iterator[str]:
    if expect.agent_sockets is not None:
        yield from _count("agent sockets", expect.agent_sockets, len(seen.agent_calls or ()))
    if expect.agent_refusals is not None:
        yield from _count("refused agent sockets", expect.agent_refusals, seen.agent_refusals)
    for kind, count in expect.agent_gets.items():
        yield from _count(f"{kind} at the agent", count, seen.got(kind))


def _record(expect: Expect, seen: Seen) -> Iterator[str]:
    cause = str(seen.record.cause) if seen.record is not None else "no record"
    if expect.cause is not None and cause != expect.cause:
        yield f"hangup cause {cause}; expected {expect.cause}"
    counts = seen.record.counts if seen.record is not None else {}
    for name, count in expect.counts.items():
        yield from _count(f"counter {name}", count, counts.get(name, 0))
    heard = words(seen.heard)
    yield from (f'the caller did not hear "{text}"' for text in expect.heard if words(text) not in heard)
    for text in expect.unheard:
        if words(text) in heard:
            yield f'the caller heard "{text}"'


def _words(expect: Expect, seen: Seen) -> Iterator[str]:
    understood, said = words(seen.understood), words(seen.said)
    yield from (f'the agent did not understand "{text}"' for text in expect.understood if words(text) not in understood)
    yield from (f'the agent did not say "{text}"' for text in expect.says if words(text) not in said)


def _count(what: str, expected: Count, seen: float) -> Iterator[str]:
    within: Between = bounds(expected)
    if not within.holds(seen):
        yield f"{what}: {seen:g}; expected {within}"


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items))
