"""Whom a bridge lets in. From probes: a stranger's webhook, a stranger's handshake, a token used twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "webhook-signature-unchecked": "A webhook without Twilio's signature was answered: anybody can start calls.",
    "stream-signature-unchecked": "A stream without, or with a wrong, signature was let in: anybody can use the agent.",
    "token-reused": "The one-time token of another call was taken again: who has seen one has them all.",
    "stream-signed-over-https": "Twilio signs the stream's wss:// address; this bridge checks the https:// one.",
    "stream-refused": "The bridge refused the stream of its own TwiML.",
}


def run(case: Case) -> Iterator[Finding]:
    """Read the probes."""
    probed = case.probed
    if probed.unsigned_webhook:
        yield Finding("webhook-signature-unchecked", "an unsigned voice webhook was answered with 2xx")
    if probed.unsigned_stream or probed.wrong_stream:
        what = "an unsigned" if probed.unsigned_stream else "a wrongly signed"
        yield Finding("stream-signature-unchecked", f"{what} handshake was let in")
    if probed.reused_token:
        yield Finding("token-reused", "a stream with the token of an earlier call was let in")
    if probed.https_stream:
        yield Finding("stream-signed-over-https", "only a handshake signed over https:// is let in")
        return
    for stream in case.history.streams:
        if stream.is_refused:
            yield Finding(
                "stream-refused", f"the stream's handshake was answered with {stream.refused_status or 'nothing'}"
            )


RULE: Final = Rule(CODES, run)
