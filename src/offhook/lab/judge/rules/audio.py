"""Did every byte of sound arrive, once, in order, in time? Both directions, by content, whatever the segmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.follow import Followed, Piece, follow
from offhook.lab.judge.history import AgentSide, StreamSide, Timed
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "caller-audio-lost": "Caller audio did not reach the agent: words are missing from what it understands.",
    "caller-silence-lost": "The caller's silence was not sent on: by it the agent hears that a turn has ended.",
    "caller-audio-repeated": "Caller audio reached the agent twice.",
    "caller-audio-reordered": "Caller audio reached the agent out of order.",
    "caller-audio-altered": "The agent got audio that the caller never sent: it was transcoded, resampled or damaged.",
    "caller-audio-late": "Caller audio reached the agent late: every answer comes later by as much.",
    "caller-audio-gathered": "Caller audio was gathered into large pieces: half their length is added to every answer.",
    "preroll-replayed": "Audio from before the agent was ready was played into it afterwards: it answers the past.",
    "agent-audio-lost": "Agent audio did not reach the caller: a sentence has a hole.",
    "agent-audio-repeated": "The caller got agent audio twice.",
    "agent-audio-reordered": "The caller got agent audio out of order.",
    "agent-audio-altered": "The caller got audio, or silence, that the agent never sent, in the midst of its speech.",
    "agent-audio-late": "Agent audio reached Twilio late: the caller waits longer for every answer.",
    "stale-audio": "Audio of the interrupted turn was sent after the barge-in: the caller hears the agent go on.",
}
#: What is shorter than this is an edge: a frame under way when something ended.
_EDGE_MS: Final = 60.0
#: A break of this length ends a stretch of the agent's speech.
_STRETCH_MS: Final = 300.0
#: Silence of this length, taken out of what the caller sends or put into what the agent says, is no accident.
_SILENCE_MS: Final = 1000.0
_STUFFING_MS: Final = 200.0
_LEFT_OVER_MS: Final = 100.0
#: Where the sound that is lost is no more than so many times the sound that nobody knows, the one is made of the other.
_MADE_OF: Final = 8
#: Audio under way when the agent says that the user speaks.
_CROSSING_MS: Final = 150.0


def run(case: Case) -> Iterator[Finding]:
    """Follow both directions of the call."""
    stream, agent = case.history.stream, case.history.agent
    if stream is None or agent is None:
        return
    yield from _caller(case, stream, agent)
    yield from _agent(case, stream, agent)


def _caller(case: Case, stream: StreamSide, agent: AgentSide) -> Iterator[Finding]:
    applied, slack = agent.first("SettingsApplied"), case.history.late_ms()
    if applied is None:
        return
    over = min(_over(stream), agent.closed_ms if agent.closed_ms is not None else float("inf"))
    source = [(at, audio) for at, audio in stream.caller_audio if at <= over]
    followed = follow(source, agent.caller_audio)

    told = followed.recognised()
    timely = [piece for piece in told if piece.sent_ms > applied]

    def may_be_lost(piece: Piece) -> bool:
        early, last = applied + _CROSSING_MS + slack, over - 2 * _CROSSING_MS - slack - _late(timely)
        return not early < piece.sent_ms < last

    heard = list(_common("caller-audio", followed, may_be_lost, "the agent", is_altered=bool(followed.foreign)))
    yield from heard
    if not heard and not followed.foreign:
        yield from _silence(
            source, agent, applied + _CROSSING_MS + slack, over - 2 * _CROSSING_MS - slack - _late(timely)
        )
    if followed.foreign:
        yield Finding("caller-audio-altered", "the agent got sound that the caller never sent", followed.foreign[0][0])
    stale = [piece for piece in told if (piece.arrived_ms or 0) - piece.sent_ms > case.patience.stale_caller_ms + slack]
    if stale and stale[0].sent_ms <= applied:
        age_s = ((stale[0].arrived_ms or 0) - stale[0].sent_ms) / 1000
        yield Finding("preroll-replayed", f"audio {age_s:.1f} s old was sent to the agent", stale[0].arrived_ms)
    elif _late(timely) > case.patience.late_ms + slack:
        yield Finding("caller-audio-late", f"caller audio arrives {_late(timely):.0f} ms late (median)", applied)
    gathered = sum(len(audio) for _, audio in agent.caller_audio if len(audio) / 8 >= case.patience.gathered_ms)
    total = sum(len(audio) for _, audio in agent.caller_audio)
    if gathered * 2 > total > 0:
        largest = max(len(audio) for _, audio in agent.caller_audio) / 8
        yield Finding("caller-audio-gathered", f"caller audio is sent in pieces of up to {largest:.0f} ms", applied)


def _agent(case: Case, stream: StreamSide, agent: AgentSide) -> Iterator[Finding]:
    if stream.started_ms is None:
        return
    over, slack = _over(stream), case.history.late_ms()
    source = [(at, audio) for at, audio in agent.agent_audio if at <= over]
    sink = [(at, _bare(audio)) for at, audio in sorted(stream.agent_audio + stream.misframed, key=lambda one: one[0])]
    followed = follow(source, sink)
    cuts = agent.times("UserStartedSpeaking")
    turns = sorted(agent.times("AgentStartedSpeaking") + _assistant(agent))

    def may_be_lost(piece: Piece) -> bool:
        is_unreadable = any(abs(at - piece.sent_ms) < _STRETCH_MS + slack for at in stream.unreadable_ms)
        late = piece.sent_ms >= over - 2 * _CROSSING_MS - slack
        return late or is_unreadable or _is_cut(piece.sent_ms, cuts, turns)

    altered = _altered(followed, agent)
    yield from _common("agent-audio", followed, may_be_lost, "the caller", is_altered=altered is not None)
    if altered is not None:
        yield altered
    stale = list(_stale(case, stream, followed, cuts))
    yield from stale or _left_over(followed, cuts, sorted(turns + agent.times("AgentAudioDone")))
    first = [p for p in _stretches(followed.recognised()) if p.sent_ms >= (stream.started_ms or 0.0)]
    if _late(first) > case.patience.late_ms + slack:
        yield Finding(
            "agent-audio-late", f"agent audio reaches Twilio {_late(first):.0f} ms late (median)", first[0].sent_ms
        )


def _common(
    direction: str, followed: Followed, may_be_lost: Callable[[Piece], bool], whom: str, *, is_altered: bool
) -> Iterator[Finding]:
    lost = [piece for piece in followed.lost if not piece.is_flat and not may_be_lost(piece)]
    holes = [piece for piece in followed.holes() if not may_be_lost(piece)]
    lost_ms = sum(piece.ms for piece in lost)
    altered_ms = sum(len(audio) for _, audio in followed.foreign) / 8
    if (lost_ms > _EDGE_MS or holes) and not (is_altered and lost_ms <= _MADE_OF * altered_ms):
        length = f"{lost_ms:.0f} ms" if lost_ms >= 1 else f"{lost_ms * 8:.0f} samples"
        yield Finding(f"{direction}-lost", f"{length} did not reach {whom}", lost[0].sent_ms)
    for what, pieces in (("repeated", followed.repeated), ("reordered", followed.reordered)):
        long_ms = sum(piece.ms for piece in pieces)
        if long_ms >= 20:
            yield Finding(f"{direction}-{what}", f"{long_ms:.0f} ms reached {whom} {what}", pieces[0].arrived_ms)


def _silence(source: Sequence[Timed], agent: AgentSide, since: float, until: float) -> Iterator[Finding]:
    """Say where silence was held back. A bridge that says `KeepAlive` meanwhile holds it back on purpose, and may."""
    until = min(until, agent.caller_audio[-1][0] if agent.caller_audio else 0.0)  # a wire that died held back nothing
    due = sum(len(audio) for at, audio in source if since < at < until)
    held_ms = (due - sum(len(audio) for _, audio in agent.caller_audio)) / 8
    if held_ms > _SILENCE_MS and not any(since < at < until for at, _ in agent.sent("KeepAlive")):
        yield Finding("caller-silence-lost", f"{held_ms / 1000:.1f} s of the caller's silence were held back", since)


def _altered(followed: Followed, agent: AgentSide) -> Finding | None:
    """Sound of the bridge's own, an announcement, is its right; in the place or midst of the agent's it is damage."""
    lost = [piece.sent_ms for piece in followed.lost if not piece.is_flat]
    for at, _ in followed.foreign:
        is_meanwhile = agent.closed_ms is None or at < agent.closed_ms
        if is_meanwhile and any(abs(at - sent) < _STRETCH_MS for sent in lost):
            return Finding("agent-audio-altered", "the caller got sound that the agent never sent", at)
    sound = followed.recognised()
    sent, ends = {piece.start: piece.sent_ms for piece in sound}, {piece.end for piece in sound}
    midst = [one for one in followed.fillings if one.before in ends and sent.get(one.before, one.at_ms) < one.at_ms]
    if (ms := sum(one.length for one in midst) / 8) > _STUFFING_MS:
        return Finding("agent-audio-altered", f"{ms:.0f} ms of silence were put into its speech", midst[0].at_ms)
    return None


def _stale(case: Case, stream: StreamSide, followed: Followed, cuts: Sequence[float]) -> Iterator[Finding]:
    """Say where the agent went on after a barge-in: sent after the `clear`, or on and on in spite of the caller."""
    clears, went_on_ms = stream.clears_ms(), 0.0
    for piece in followed.recognised():
        arrived = piece.arrived_ms or 0.0
        cut = next((at for at in cuts if piece.sent_ms < at <= arrived), None)
        if cut is None:
            continue
        cleared = [at for at in clears if at < arrived - 1.0]
        if cleared and cleared[-1] >= cut - _CROSSING_MS:
            yield Finding("stale-audio", "audio of the interrupted turn was sent after `clear`", arrived)
            return
        late_ms = case.patience.clear_ms + case.history.late_ms(cut, arrived)
        went_on_ms += piece.ms if arrived > cut + late_ms else 0.0
        if went_on_ms > _STRETCH_MS:
            after_s = (arrived - cut) / 1000
            yield Finding(
                "stale-audio", f"the interrupted turn was still sent {after_s:.1f} s after the barge-in", arrived
            )
            return


def _left_over(followed: Followed, cuts: Sequence[float], news: Sequence[float]) -> Iterator[Finding]:
    """Say where sound that came after UserStartedSpeaking, before anything new began, was passed on: the old turn's."""
    old: list[Piece] = []
    for cut in cuts:
        new = next((at for at in news if at > cut), float("inf"))
        old += [piece for piece in followed.recognised() if cut < piece.sent_ms < new and piece not in old]
    if sum(piece.ms for piece in old) > _LEFT_OVER_MS:
        yield Finding("stale-audio", "what was left of the interrupted turn was passed on", old[0].arrived_ms)


def _stretches(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the first piece of every stretch of speech."""
    firsts: list[Piece] = []
    last = float("-inf")
    for piece in pieces:
        if piece.sent_ms - last > _STRETCH_MS:
            firsts.append(piece)
        last = piece.sent_ms
    return firsts


def _late(pieces: Sequence[Piece]) -> float:
    return median((piece.arrived_ms or 0.0) - piece.sent_ms for piece in pieces) if pieces else 0.0


def _is_cut(at: float, cuts: Sequence[float], turns: Sequence[float]) -> bool:
    """Whether agent audio of this time belongs to a turn that the caller had interrupted."""
    for cut in cuts:
        following = next((turn for turn in turns if turn > cut), float("inf"))
        if cut - _CROSSING_MS <= at < following:
            return True
    return False


def _assistant(agent: AgentSide) -> list[float]:
    return [at for at, said in agent.told if said.get("type") == "ConversationText" and said.get("role") == "assistant"]


def _over(stream: StreamSide) -> float:
    ends = [at for at in (stream.stop_ms, stream.closed_ms) if at is not None]
    return min(ends) if ends else float("inf")


def _bare(audio: bytes) -> bytes:
    """Return audio without a file header, which is another rule's business."""
    if audio.startswith(b"RIFF") and (data := audio.find(b"data")) >= 0:
        return audio[data + 8 :]
    return audio


RULE: Final = Rule(CODES, run)
__all__ = ["CODES", "RULE", "Timed", "run"]
