"""What must come of a scenario, as it is written in its file. Values; `verdict` compares them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Words = Annotated[str, Meta(min_length=1, max_length=400)]
Milliseconds = Annotated[float, Meta(gt=0, le=600_000)]


class Between(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bounds of a number, both included."""

    at_least: float = 0
    at_most: float | None = None

    def holds(self, number: float) -> bool:
        """Whether the number is within the bounds."""
        return self.at_least <= number and (self.at_most is None or number <= self.at_most)

    def __str__(self) -> str:
        if self.at_most is None:
            return f"at least {self.at_least:g}"
        if self.at_least == self.at_most:
            return f"{self.at_least:g}"
        return f"{self.at_least:g} to {self.at_most:g}"


#: How often: exactly, or within bounds.
Count = Annotated[int, Meta(ge=0)] | Between


def bounds(count: Count) -> Between:
    """Return a count as bounds."""
    return count if isinstance(count, Between) else Between(at_least=count, at_most=count)


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must come of the call. What is not mentioned is not looked at, except for the first nine.

    A scenario without a word here still expects one stream, something to be heard, and nobody to find fault.
    """

    streams: Annotated[Count, Meta(description="Media streams that were opened.")] = 1
    silent: Annotated[bool, Meta(description="Nothing of the agent is heard, and that is right.")] = False
    findings: Annotated[list[str], Meta(description="Codes of the judge's findings: exactly these.")] = []
    may_find: Annotated[list[str], Meta(description="Findings that may be there and need not.")] = []
    complaints: Annotated[
        list[int], Meta(description="Codes of Twilio's complaints: exactly these. Codes below zero are offhook's own.")
    ] = []
    may_complain: Annotated[list[int], Meta(description="Complaints that may be there and need not.")] = []
    problems: Annotated[
        list[Words],
        Meta(description="What did not go as the caller may expect, by a part of its sentence: exactly these."),
    ] = []
    refused: Annotated[
        int | None, Meta(description="HTTP status that Twilio is refused with, at the webhook or at the stream.")
    ] = None
    within_s: Annotated[float, Meta(gt=0, description="The call is over by then.")] = 60.0

    ended_by: Annotated[
        Literal["caller", "server", "twilio"] | None, Meta(description="Whose doing the end of the call is.")
    ] = None
    cause: Annotated[
        str | None, Meta(description="The hangup cause, like `completed/caller_hung_up`. offhook's own server only.")
    ] = None
    close_code: Annotated[int | None, Meta(description="Close code the bridge ends the (last) stream with.")] = None
    verbs: Annotated[
        list[str] | None, Meta(description='The TwiML verbs that ran, in order, like `["Connect", "Hangup"]`.')
    ] = None
    announces: Annotated[list[Words], Meta(description="Words in what Twilio says with `<Say>`.")] = []

    agent_sockets: Annotated[Count | None, Meta(description="Sockets to Deepgram that were opened for the call.")] = (
        None
    )
    agent_refusals: Annotated[Count | None, Meta(description="Attempts to open one that Deepgram refused.")] = None
    agent_gets: Annotated[
        dict[str, Count], Meta(description="Messages Deepgram got, by type: how many. `audio_s`: seconds of sound.")
    ] = {}

    understood: Annotated[list[Words], Meta(description="Words the agent understood.")] = []
    says: Annotated[list[Words], Meta(description="Words the agent said, heard or not.")] = []
    heard: Annotated[
        list[Words], Meta(description="Words of the agent that the caller heard. offhook's own server only.")
    ] = []
    unheard: Annotated[
        list[Words],
        Meta(description="Words the agent said and the caller did not hear. offhook's own server only."),
    ] = []
    counts: Annotated[
        dict[str, Count], Meta(description="Counters of the call record. offhook's own server only.")
    ] = {}

    heard_s: Annotated[Between | None, Meta(description="Seconds of agent audio that were heard.")] = None
    answers: Annotated[Count | None, Meta(description="Times the agent answered the caller, as heard.")] = None
    barge_ins: Annotated[Count | None, Meta(description="Times the caller broke in.")] = None
    clears: Annotated[Count | None, Meta(description="`clear` messages of the bridge.")] = None
    cut_within_ms: Annotated[
        Milliseconds | None, Meta(description="After a barge-in the agent is silent by then. Generous, please.")
    ] = None
    first_heard_within_ms: Annotated[
        Milliseconds | None, Meta(description="From the stream's start to the first audible sound. Generous, please.")
    ] = None
    answers_within_ms: Annotated[
        Milliseconds | None, Meta(description="From the caller's last sound to each answer's first. Generous, please.")
    ] = None
