"""Turns the events and the report of a simulated call into lines for people. Prints nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.sim.complaints import Complaint
    from offhook.sim.events import Event
    from offhook.sim.report import CallReport

_BY = {"caller": "by the caller", "server": "by the server", "twilio": "by Twilio", "nobody": "by nobody"}
#: Marks come every half second and say nothing to a reader.
_UNTOLD = "MarkReturned"


def line_of(event: Event) -> str | None:
    """Return one line for an event, or ``None`` for one that nobody wants to read."""
    from offhook.sim import events as seen

    match event:
        case seen.Dialled(at_ms, target):
            said = ("dialling", target)
        case seen.AnsweredBy(at_ms, verdict, took_ms):
            said = ("detected", f"{verdict} after {_s(took_ms)}")
        case seen.Fetched(at_ms, what, status, took_ms):
            said = ("webhook", f"{what} answered {status} in {took_ms:.0f} ms")
        case seen.VerbRun(at_ms, verb, text):
            said = ("twiml", f"<{verb}> {text}".rstrip())
        case seen.StreamStarted(at_ms, stream_sid):
            said = ("stream", f"open ({stream_sid})")
        case seen.StreamEnded(at_ms, by, how, code, unheard_ms):
            closed = f" with code {code}" if code not in (None, 1000, 1005) else ""
            unheard = f"; {_s(unheard_ms)} of audio was not heard" if unheard_ms >= 20 else ""
            ender = "" if by == "nobody" else f" {_BY[by]}"
            said = ("stream", f"{how}{ender}{closed}{unheard}")
        case seen.CallerSpeaks(at_ms, text, over_agent):
            said = ("caller", (f'"{text}"' if text else "speaks") + (" (interrupts)" if over_agent else ""))
        case seen.CallerQuiet(at_ms, spoke_ms):
            said = ("caller", f"quiet after {_s(spoke_ms)}")
        case seen.AgentHeard(at_ms, after_caller_ms):
            late = "" if after_caller_ms is None else f", {_s(after_caller_ms)} after the caller"
            said = ("agent", f"is heard{late}")
        case seen.AgentQuiet(at_ms, heard_ms):
            said = ("agent", f"quiet after {_s(heard_ms)}")
        case seen.ClearReceived(at_ms, discarded_ms, _):
            said = ("clear", f"{_s(discarded_ms)} of agent audio will not be heard")
        case seen.DigitPressed(at_ms):
            said = ("caller", "presses a key")
        case seen.Complained(at_ms, complaint):
            said = ("complaint", str(complaint))
        case seen.HungUp(at_ms, by, why):
            said = ("hung up", _BY[by] if by == "caller" else f"{_BY[by]}: {why}")
        case _:
            return None
    return f"{at_ms / 1000:7.2f}  {said[0]:<9}  {said[1]}"


def summary_of(report: CallReport) -> Iterator[str]:
    """Yield the closing lines of a call."""
    if report.stream_started_ms is None:
        return
    asked = sum(turn.who == "caller" for turn in report.turns)
    yield f"{asked} said by the caller, {len(report.latencies_ms)} answered; {_s(report.heard_ms)} of agent audio heard"
    if report.first_heard_ms is not None:
        yield f"first agent audio {_s(report.first_heard_ms - report.stream_started_ms)} after the stream opened"
    if report.median_latency_ms is not None:
        yield (
            f"answers began, as heard, {_s(report.median_latency_ms)} after the caller's last sound (median), "
            f"{_s(max(report.latencies_ms))} at worst"
        )
    for cut in report.barge_ins:
        cleared = "no clear came" if cut.clear_after_ms is None else f"clear after {cut.clear_after_ms:.0f} ms"
        yield f"interruption: agent silent {cut.silent_after_ms:.0f} ms after the caller's first sound ({cleared})"
    if report.frames_dropped:
        yield f"{report.frames_dropped} of {report.frames_sent + report.frames_dropped} caller frames were dropped"


def reasons_of(report: CallReport, *, signed: bool) -> Iterator[str]:
    """Yield why a call is not in order, each with what to do about it where that is known."""
    yield from report.problems
    for found in report.complaints:
        if found.code == _DEAD_AIR and report.problems:
            continue  # one of the problems says it, and for how long
        hint = hint_of(found, signed=signed)
        yield f"{found}{f' - {hint}' if hint else ''}"
    if report.stream_started_ms is None:
        yield f"no stream was established ({report.ended.why})"
    elif not report.heard_ms:
        yield "a stream was established, but nothing audible was heard"


def hint_of(found: Complaint, *, signed: bool) -> str:
    """Return what to do about a complaint, or nothing where its own words say it."""
    if found.http_status in (401, 403):
        if signed:
            return (
                "signature refused: TWILIO_AUTH_TOKEN is not the server's, or the server knows itself by another URL "
                "(then --sign-as that URL)"
            )
        return "signature refused: set TWILIO_AUTH_TOKEN to the server's token, in the environment or in .env"
    if found.http_status in (429, 503):
        return "the server is at capacity or is stopping"
    return {
        404: "wrong path",
        405: "wrong method: try the other one of --method GET and --method POST",
    }.get(found.http_status or 0, _BY_CODE.get(found.code, ""))


_DEAD_AIR = -3
_BY_CODE = {
    31902: "is the server running, and is this its port?",
    11205: "is the server running, and is this its port?",
    11210: "is the name spelt right, and is the tunnel or the deployment there?",
    11220: "is it https there? A server on this machine speaks http://, mostly",
    31910: "Twilio wants TLS with a certificate that everybody trusts; a server on this machine speaks ws://, mostly",
    31904: "is the name spelt right, and is the tunnel or the deployment there?",
    31921: "the server refused the stream after `start`: a missing token, another account, or an error of its own",
    12300: "the voice webhook must answer with Content-Type: text/xml",
    _DEAD_AIR: "the agent never spoke, or stopped answering",
}


def _s(ms: float) -> str:
    return f"{ms / 1000:.2f} s"
