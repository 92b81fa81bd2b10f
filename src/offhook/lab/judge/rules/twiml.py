"""The TwiML a bridge answers with: the traps that silence a call although every page says 200."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "start-instead-of-connect": "`<Start><Stream>` only listens: the caller never hears the agent. Use `<Connect>`.",
    "stream-url-query": "Twilio does not keep a query string on a stream URL. Use `<Parameter>` or a path segment.",
    "stream-url-not-wss": "Twilio opens streams over TLS only. Write `wss://`.",
    "trailing-pause": "A `<Pause>` after `</Connect>` holds the caller on a silent line after the agent. Take it out.",
    "parameter-too-long": "Name and value of a `<Parameter>` have 500 characters or more. Send an id instead.",
    "webhook-slow": "The voice webhook took so long that the caller heard nothing. Answer first, work later.",
    "webhook-failed": "The voice webhook gave no usable document.",
}
_PARAMETER: Final = 500


def run(case: Case) -> Iterator[Finding]:
    """Look at the voice webhook and its document."""
    yield from _webhook(case)
    root = case.history.document()
    if root is None:
        return
    connected = False
    for verb in root:
        if verb.tag == "Start" and verb.find("Stream") is not None and root.find("Connect") is None:
            yield Finding("start-instead-of-connect", "the stream is under <Start>, not under <Connect>")
        if verb.tag == "Pause" and connected:
            yield Finding("trailing-pause", f"a <Pause> of {verb.get('length', '1')} s follows <Connect>")
        connected = connected or verb.tag == "Connect"
    for stream in root.iter("Stream"):
        yield from _stream(stream)


def _webhook(case: Case) -> Iterator[Finding]:
    for voice in case.history.webhooks[:1]:
        if voice.answered_ms is None or voice.status is None or voice.status >= 300:
            what = f"answered {voice.status}" if voice.status else "gave no answer; is the bridge running?"
            yield Finding("webhook-failed", f"the voice webhook {what}", voice.asked_ms)
        elif voice.answered_ms - voice.asked_ms > case.patience.webhook_ms:
            took_s = (voice.answered_ms - voice.asked_ms) / 1000
            yield Finding("webhook-slow", f"the voice webhook took {took_s:.1f} s", voice.asked_ms)


def _stream(stream: Element) -> Iterator[Finding]:
    url = urlsplit(stream.get("url", ""))
    if url.query:
        yield Finding("stream-url-query", "the stream URL has a query string")
    if url.scheme != "wss" and not _is_here(url.hostname or ""):
        yield Finding("stream-url-not-wss", f"the stream URL begins with {url.scheme or 'no scheme'}")
    for parameter in stream.iter("Parameter"):
        length = len(parameter.get("name", "")) + len(parameter.get("value", ""))
        if length >= _PARAMETER:
            yield Finding("parameter-too-long", f"a <Parameter> has {length} characters")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


RULE: Final = Rule(CODES, run)
