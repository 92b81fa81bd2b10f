"""Agent audio on its way to the caller: held until `start`, discarded after a barge-in, booked as heard. Pure.

Answers with verdicts instead of actions, because it stands in the path of every frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Literal

from offhook.call.actions import Clear, Play, SendMark
from offhook.call.playback import PlaybackLedger
from offhook.call.turns import Segment, Transcript
from offhook.config.limits import Limits
from offhook.wire.twilio import MarkName

#: Verdicts of `Downlink.take`; any other string is the name of the mark to send behind the audio.
DROP: Final = None
SEND: Final = ""
Verdict = MarkName | Literal[""] | None

_CLEAR_EVERY_S: Final = 0.1
_BYTES_PER_S: Final = 8000
#: A finished turn that will be over by then is not cut when the agent is gone.
_LAST_SENTENCE_S: Final = 5.0


class Downlink:
    """The books of one call's agent audio. ``sounds`` is told that the agent is heard, now and then while it is."""

    __slots__ = (
        "_began_at",
        "_cleared_at",
        "_counts",
        "_discarding",
        "_held",
        "_held_bytes",
        "_segment",
        "_sounding",
        "_sounds",
        "_stop_at",
        "_unheard_s",
        "agent_from",
        "first_audio_at",
        "greeted_at",
        "heard_at",
        "is_open",
        "is_streaming",
        "ledger",
        "transcript",
    )

    def __init__(self, limits: Limits, counts: Counter[str], sounds: Callable[[float], None], now: float) -> None:
        self._sounds = sounds
        self._began_at = now
        self.is_open = False
        self._sounding: Segment | None = None
        self._stop_at = 0
        self.ledger = PlaybackLedger(limits.mark_every_ms, limits.marks)
        self.transcript = Transcript(limits.transcript_turns)
        self.is_streaming = False
        self.first_audio_at: float | None = None
        #: Where in the playback the agent itself began, when that was sent, and when a mark proved it heard.
        self.agent_from: int | None = None
        self.greeted_at: float | None = None
        self.heard_at: float | None = None
        self._counts = counts
        self._unheard_s = limits.unheard_s
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._discarding = False
        self._segment: Segment | None = None
        self._cleared_at = -1.0

    def take(self, audio: bytes, now: float) -> Verdict:
        """Take agent audio; return DROP, SEND, or the name of the mark to send behind it.

        The plain frame, in the middle of a segment, with no mark due, is booked right here.
        """
        segment = self._sounding
        ledger = self.ledger
        end = ledger.sent + len(audio)
        if segment is None or end >= self._stop_at or not audio:
            return self._long_way(audio, now)
        if now >= ledger.dry_at:  # as in `PlaybackLedger.send`
            ledger.anchor_pos, ledger.anchor_at, ledger.dry_at = ledger.sent, now, now
        ledger.dry_at += len(audio) / _BYTES_PER_S
        ledger.sent = segment.end = end
        return SEND

    def _long_way(self, audio: bytes, now: float) -> Verdict:
        if not self.is_open or self._discarding or not audio:
            self._counts["stale_agent_audio_bytes"] += len(audio)
            return DROP
        segment = self._segment
        if segment is None:
            segment = self._segment = self.transcript.agent_sounds(self.position, now - self._began_at)
        if not self.is_streaming:
            return self._hold(audio, segment)
        self._sounds(now)
        ledger = self.ledger
        if ledger.unheard_s(now) > self._unheard_s:
            self._counts["unheard_overflow_bytes"] += len(audio)
            self._sounding = None
            return DROP
        due = ledger.send(len(audio), now)
        segment.end = ledger.sent
        if self.greeted_at is None:
            self._greeted(ledger.sent - len(audio), now)
        verdict: Verdict = ledger.mark() if due else SEND
        self._sounding = segment
        self._stop_at = ledger.next_mark_at if ledger.can_mark else ledger.sent + _BYTES_PER_S
        return verdict

    def pause(self) -> None:
        """Look at the next frame closely: something waits for it."""
        self._sounding = None

    def shut(self) -> None:
        """There is no agent: drop what still comes."""
        self.is_open, self._sounding = False, None

    @property
    def position(self) -> int:
        """Where the next agent audio will stand in the playback, in bytes."""
        return self.ledger.sent + self._held_bytes

    def text(self, text: str, at_s: float) -> None:
        """The agent's next audio says ``text``. What came before a barge-in is over."""
        self._discarding, self._sounding = False, None
        self._segment = self.transcript.agent_says(text, self.position, at_s)

    def new_turn(self) -> None:
        """Audio from now on belongs to a new turn."""
        self._discarding, self._segment, self._sounding = False, None, None

    def done(self) -> list[SendMark]:
        """The agent's turn was sent whole; a mark at its end tells when it was heard whole.

        After a barge-in this is the interrupted turn's own end, and what still comes is still stale (A21): only a text
        or AgentStartedSpeaking begins something new.
        """
        self._segment = None
        self.pause()
        self.transcript.agent_done()
        if self.is_streaming and self.ledger.has_unmarked and self.ledger.can_mark:
            return [SendMark(self.ledger.mark())]
        return []

    def release(self, now: float) -> list[Play]:
        """The stream is there: let go what was held."""
        self.is_streaming = True
        held, self._held, self._held_bytes = b"".join(self._held), [], 0
        if held:
            self._greeted(self.ledger.sent, now)
        return [self.play(held, now)] if held else []

    def echoed(self, name: MarkName, now: float) -> bool:
        """Book a returned mark. Returns whether it was ours, once."""
        is_ours = self.ledger.echoed(name, now)
        if self.heard_at is None and self.agent_from is not None and self.ledger.proven > self.agent_from:
            self.heard_at = now
        return is_ours

    def play(self, audio: bytes, now: float) -> Play:
        """Book audio of our own, or audio that was held, with a mark behind it."""
        self.pause()
        self.ledger.send(len(audio), now)
        if self.first_audio_at is None:
            self.first_audio_at = now
        return Play(audio, self.ledger.mark())

    def barge_in(self, now: float) -> tuple[list[Clear], float | None]:
        """The caller speaks: what is unheard must be silenced, and what still comes of this turn dropped.

        Returns the `Clear`, and when to call `clear` again where the last one was under 100 ms ago (A20).
        """
        self._discarding = self._discarding or self._segment is not None or self.ledger.may_sound(now)
        self._held, self._held_bytes, self._segment = [], 0, None
        self.pause()
        return self.clear(now)

    def clear(self, now: float, *, at_once: bool = False) -> tuple[list[Clear], float | None]:
        """Silence what is unheard and book it as such."""
        self.pause()
        if not self.is_streaming or not self.ledger.may_sound(now):
            return [], None
        again_at = self._cleared_at + _CLEAR_EVERY_S  # the very sum that is waited for: a difference may be less
        if now < again_at and not at_once:
            return [], again_at
        self._cleared_at = now
        self._counts["clear"] += 1
        self.transcript.cut(self.ledger.clear(now))
        return [Clear()], None

    def _greeted(self, position: int, now: float) -> None:
        """Note the first of the agent's own audio, as against a phrase of ours."""
        self.agent_from, self.greeted_at = position, now
        if self.first_audio_at is None:
            self.first_audio_at = now

    def last(self, now: float) -> tuple[list[Clear], float]:
        """There will be no more: cut what is unheard, unless the agent's turn is whole and soon over (A10, A11).

        Returns the `Clear`, if any, and how long the turn will still be heard: nobody listens to a long one alone.
        """
        unheard_s = self.ledger.unheard_s(now)
        if self._segment is None and not self._discarding and unheard_s <= _LAST_SENTENCE_S:
            return [], unheard_s
        return self.clear(now, at_once=True)[0], 0.0

    def _hold(self, audio: bytes, segment: Segment) -> Verdict:
        """Keep audio until `start`. The beginning is what must not be lost, so the newest is dropped."""
        if self._held_bytes > self._unheard_s * _BYTES_PER_S:
            self._counts["unheard_overflow_bytes"] += len(audio)
        else:
            self._held.append(audio)
            self._held_bytes += len(audio)
            segment.end = self.position
        return DROP
