"""What a reader of the demo sees: who said what, understood, heard, how fast; and whether it went well. No audio."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from offhook.cli.terminal import wrapped
from offhook.sim import events as seen

if TYPE_CHECKING:
    from offhook.call.actions import CallRecord
    from offhook.cli.demo_script import DemoScript
    from offhook.offline.record import CallRecord as AgentCall
    from offhook.offline.record import Frame
    from offhook.sim.events import Event
    from offhook.sim.report import CallReport

#: An utterance counts as understood when this share of its letters came through: "half-past", "good-by".
_ALIKE = 0.9
_WIDTH = 9


class Telling:
    """Prints a call as it happens, and judges it at the end."""

    def __init__(self, script: DemoScript, say: Callable[[str], None]) -> None:
        self._script, self._say = script, say
        self._began = time.monotonic()
        self._said: list[str] = []
        self._understood: list[list[str]] = []
        self._speaking = False
        self._latency_ms: float | None = None
        self._record: CallRecord | None = None

    def begins(self) -> None:
        """The caller dials now."""
        self._began = time.monotonic()
        self._say("")

    def ended(self, record: CallRecord) -> None:
        """Take the server's call record."""
        self._record = record

    def agent_frame(self, _: AgentCall, frame: Frame) -> None:
        """Print what the agent understood and says, as it reports it."""
        if not frame.sent or frame.kind != "ConversationText":
            return
        text = str(frame.message["content"])
        if frame.message["role"] == "user":
            if self._understood:
                self._understood[-1].append(text)
            self._line("", f"  understood: {text}")
        else:
            self._line("agent", text)

    def event(self, event: Event) -> None:
        """Print what the simulated caller and Twilio do."""
        match event:
            case seen.Dialled():
                self._line("twilio", "a call comes in; the voice webhook is asked, signed")
            case seen.StreamStarted():
                self._line("twilio", "media stream open")
            case seen.CallerSpeaks(_, text, over_agent):
                self._said.append(text)
                self._understood.append([])
                self._line("caller", f"{text}{'   << interrupts' if over_agent else ''}")
            case seen.AgentHeard(_, after_caller_ms) if after_caller_ms is not None:
                self._line("", f"  heard {after_caller_ms / 1000:.2f} s after the caller's last sound")
            case seen.ClearReceived(_, discarded_ms, _):
                self._line("", f"  agent cut: {discarded_ms / 1000:.1f} s of its answer will not be heard")
            case seen.Complained(_, complaint):
                self._line("twilio", f"complains: {complaint}")
            case seen.HungUp(_, by, _):
                self._line("twilio", f"hung up by the {by}")
            case _:
                pass

    def concludes(self, report: CallReport, out: Path) -> int:
        """Print the summary, add the server's side to call.json, and return the exit code."""
        self._say("")
        for line in self._summary(report):
            self._say(wrapped(line, rest="  "))
        self._extend(out / "call.json")
        self._say("")
        where = f"{out / 'call.wav'} (left: caller, right: agent as heard)"
        self._say(wrapped(f"listen to {where}; all facts in {out / 'call.json'}", rest="  "))
        wrong = list(self._wrong(report))
        for reason in wrong:
            self._say(wrapped(f"NOT AS IT SHOULD BE: {reason}", rest="  "))
        return 1 if wrong else 0

    # -- inner -------------------------------------------------------------------------------------------------

    def _line(self, who: str, text: str) -> None:
        first = f"{time.monotonic() - self._began:6.2f}  {who:<{_WIDTH}}"
        self._say(wrapped(text, first, " " * (len(first) + 2)))

    def _summary(self, report: CallReport) -> Iterator[str]:
        yield f"{len(self._said)} utterances, {len(report.latencies_ms)} answers"
        if report.median_latency_ms is not None:
            median_s, worst_s = report.median_latency_ms / 1000, max(report.latencies_ms) / 1000
            yield f"answers began {median_s:.2f} s after the caller's last sound (median), {worst_s:.2f} s at worst"
        for cut in report.barge_ins:
            yield f"interruption: the agent fell silent {cut.silent_after_ms:.0f} ms after the caller's first sound"
        for turn in self._record.turns if self._record is not None else ():
            if turn.interrupted:
                yield f'  it would have said: "{turn.said}"'
                yield f'  the caller heard:   "{turn.heard}"'
        if self._record is not None:
            yield f"ended: {self._record.cause}, after {self._record.duration_s:.1f} s"

    def _wrong(self, report: CallReport) -> Iterator[str]:
        yield from report.why_not
        for said, parts in zip(self._said, self._understood, strict=True):
            if not alike(said, " ".join(parts)):
                yield f'"{said}" was not understood'
        if len(self._said) != self._script.utterances:
            yield f"the caller got {len(self._said)} of {self._script.utterances} utterances out"
        caller = [turn for turn in report.turns if turn.who == "caller"]
        for turn in caller:
            if not any(reply.who == "agent" and reply.start_ms > turn.start_ms for reply in report.turns):
                yield f'"{turn.text}" was not answered'
        if not any(cut.clear_after_ms is not None for cut in report.barge_ins):
            yield "the interruption did not cut the agent"
        if self._record is None or self._record.cause.result != "completed":
            yield f"the server ended the call as {self._record.cause if self._record else 'nothing'}"

    def _extend(self, path: Path) -> None:
        facts = json.loads(path.read_text(encoding="utf-8"))
        record = self._record
        if record is not None:
            facts["server"] = {
                "cause": str(record.cause),
                "duration_s": round(record.duration_s, 2),
                "first_audio_s": record.first_audio_s and round(record.first_audio_s, 3),
                "turns": [
                    {
                        "who": turn.role,
                        "at_s": round(turn.at_s, 2),
                        "said": turn.said,
                        "heard": turn.heard,
                        "interrupted": turn.interrupted,
                        "answer_s": turn.answer_s and round(turn.answer_s, 3),
                    }
                    for turn in record.turns
                ],
            }
        path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def alike(said: str, understood: str) -> bool:
    """Whether ``understood`` is ``said``, letter by letter but for a few: spelling is not understanding."""
    first, second = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (said, understood))
    return difflib.SequenceMatcher(None, first, second).ratio() >= _ALIKE
