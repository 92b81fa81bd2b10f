"""How a bridge talks to Deepgram: Settings once and first, no audio before they are applied, signs of life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import AgentSide
from offhook.lab.judge.rule import Case, Rule

CODES: Final = {
    "audio-before-settings-applied": "Audio was sent before `SettingsApplied`: Deepgram drops it or ends the session.",
    "json-as-audio": "A JSON message was sent to Deepgram in a binary frame, which is sound to it. Send text frames.",
    "settings-late": "`Settings` did not follow `Welcome` in time: Deepgram ends the session.",
    "settings-not-first": "Another message was sent before `Settings`.",
    "settings-twice": "`Settings` was sent twice; Deepgram ends the session. Use the Update messages.",
    "settings-format": "The formats do not fit a telephone: µ-law, 8000 Hz, container none, both ways.",
    "no-keep-alive": "Nothing was sent to Deepgram for so long that it ends the session. Send `KeepAlive`.",
    "agent-error": "Deepgram answered a message of the bridge with an `Error`.",
}
#: Of Deepgram's own words; they name the field that is wrong.
_SHOWN: Final = 160
_WRONGED: Final = frozenset(
    ("UNPARSABLE_CLIENT_MESSAGE", "INVALID_SETTINGS", "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", "INVALID_AGENT_ID")
)


def run(case: Case) -> Iterator[Finding]:
    """Look at every agent socket of the call."""
    for agent in case.history.agents:
        if agent.opened_ms is not None:
            yield from _settings(case, agent)
            yield from _alive(case, agent)


def _settings(case: Case, agent: AgentSide) -> Iterator[Finding]:
    welcome, applied = agent.first("Welcome"), agent.first("SettingsApplied")
    settings = agent.sent("Settings")
    early = [at for at, _ in agent.caller_audio if applied is None or at < applied]
    if early:
        never = "" if settings or agent.misframed else "; no `Settings` was ever sent"
        yield Finding("audio-before-settings-applied", f"{len(early)} audio frames went out too early{never}", early[0])
    for at, message in agent.misframed:
        yield Finding("json-as-audio", f"a {str(message['type'])[:40]} was sent in a binary frame", at)
    if agent.asked and agent.asked[0][1].get("type") != "Settings":
        yield Finding("settings-not-first", f"the first message was {agent.asked[0][1].get('type')}", agent.asked[0][0])
    if len(settings) > 1:
        yield Finding("settings-twice", "a second `Settings` was sent", settings[1][0])
    due = (welcome or 0.0) + case.patience.settings_ms + case.history.late_ms()
    sent = settings[0][0] if settings else agent.closed_ms or case.history.ended_ms
    if welcome is not None and sent > due and not agent.misframed:
        yield Finding("settings-late", f"`Settings` came {(sent - welcome) / 1000:.1f} s after `Welcome`", welcome)
    if settings and (wrong := _format(settings[0][1])) is not None:
        yield Finding("settings-format", wrong, settings[0][0])
    for at, message in agent.told:
        if message.get("type") == "Error" and message.get("code") in _WRONGED and not early:
            why = str(message.get("description", ""))[:_SHOWN]
            yield Finding("agent-error", f"Deepgram answered {message['code']}" + (f": {why}" if why else ""), at)


def _format(settings: dict[str, Any]) -> str | None:
    audio = settings.get("audio")
    for side in ("input", "output"):
        part = audio.get(side) if isinstance(audio, dict) else None
        part = part if isinstance(part, dict) else {}
        if (part.get("encoding"), part.get("sample_rate")) != ("mulaw", 8000):
            return f"audio.{side} is {part.get('encoding')} at {part.get('sample_rate')}, not mulaw at 8000"
        if side == "output" and part.get("container", "none") != "none":
            return f"audio.output.container is {part.get('container')}, not none"
    return None


def _alive(case: Case, agent: AgentSide) -> Iterator[Finding]:
    signs = sorted(at for sent in (agent.caller_audio, agent.asked, agent.misframed) for at, _ in sent)
    if not signs or agent.opened_ms is None:
        return
    end = agent.closed_ms if agent.closed_ms is not None else case.history.ended_ms
    for before, after in zip(signs, [*signs[1:], end], strict=True):
        if after - before > case.patience.silence_ms + case.history.late_ms(before, after):
            yield Finding("no-keep-alive", f"nothing was sent for {(after - before) / 1000:.1f} s", before)
            return


RULE: Final = Rule(CODES, run)
