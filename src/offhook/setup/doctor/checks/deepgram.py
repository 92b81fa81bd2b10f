"""Does Deepgram take our key and our settings, and which LLM will think? One real handshake; no audio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from offhook.agent.probe import Probed, probe
from offhook.agent.providers import ThinkLadder
from offhook.errors import AgentBusy, AgentError, AgentRefused, AgentRejectedSettings, AgentUnavailable
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip

KEY: Final = "deepgram-key"
SETTINGS: Final = "deepgram-settings"
LLM: Final = "deepgram-llm"

#: What goes wrong on the way, in plain words.
_WHY: Final[Mapping[str, str]] = {
    "TimeoutError": "no answer in time",
    "ClientConnectorDNSError": "its name is not found",
    "ClientConnectorError": "the connection is refused",
    "ClientConnectorCertificateError": "its certificate is not valid: does a proxy or a virus scanner open TLS here?",
    "ClientConnectorSSLError": "TLS fails",
}
_APPLIED: Final = "Deepgram applies the settings"


async def run(patient: Patient) -> Sequence[Finding]:
    """Handshake, send the settings of every agent, and say what thinks."""
    settings = patient.settings
    if settings is None or settings.deepgram.api_key is None:
        return [skip(KEY, "no key to try")]
    ladder = ThinkLadder()
    found: list[Finding] = []
    for name, profile in {"agent": settings.agent, **settings.agents}.items():
        try:
            learned = await probe(settings, profile, ladder)
        except AgentError as error:
            return [*found, refused(error, name)]
        found += [*([] if found else [ok(KEY, "Deepgram takes the key")]), *_thinks(name, learned)]
    return found


def _thinks(name: str, learned: Probed) -> list[Finding]:
    took = f"{_APPLIED} of {name} in {learned.took_s:.1f} s"
    if not learned.choice.is_fallback:
        return [ok(SETTINGS, took), ok(LLM, f"{name} thinks with {learned.choice.label}")]
    left_out = ", ".join(entry.label for entry in learned.choice.left_out)
    return [
        ok(SETTINGS, took),
        Finding(
            LLM,
            "warn",
            f"Deepgram refuses {left_out} for this project; {name} thinks with {learned.choice.label} instead",
            "fallback",
            f"{left_out}, the first choice",
            "ask Deepgram to enable it for this project, or name the other model first in agent.think",
        ),
    ]


def refused(error: AgentError, agent: str = "agent") -> Finding:
    """Say in plain words why the handshake failed, and what to do."""
    facts = error.facts
    match error:
        case AgentBusy():
            return _bad(
                KEY,
                "busy-429",
                "Deepgram answers 429: all the sessions of this project's plan are in use",
                "end other agents that use this key, or raise the plan's concurrency; then run this again",
            )
        case AgentRefused():
            return _status(facts.get("status"))
        case AgentRejectedSettings():
            field = f" at {facts['field']}" if facts.get("field") else ""
            return _bad(
                SETTINGS,
                "rejected",
                f"Deepgram rejects the settings of {agent}: {facts.get('code')}{field}",
                f"correct {_setting(str(facts.get('field') or ''), agent)} in offhook.toml; "
                "`offhook config show` prints what is sent",
            )
        case AgentUnavailable() if facts.get("status"):
            return _bad(
                KEY, "vendor-down", f"Deepgram answers {facts['status']}", "try again; see Deepgram's status page"
            )
        case AgentUnavailable():
            return _bad(
                KEY,
                "unreachable",
                f"Deepgram cannot be reached ({_WHY.get(str(facts.get('why')), facts.get('why') or error.reason)})",
                "check this machine's connection, its proxy and deepgram.agent_url",
            )
        case _:
            return _bad(KEY, "broken-off", f"Deepgram ended the handshake ({error.reason})", "try again in a minute")


def _status(status: object) -> Finding:
    match status:
        case 401:
            return _bad(
                KEY,
                "refused-401",
                "Deepgram answers 401: it does not know this key",
                "copy DEEPGRAM_API_KEY again, or create a new key in the Deepgram console under API Keys",
            )
        case 402:
            return _bad(
                KEY,
                "refused-402",
                "Deepgram answers 402: the project has no credit left",
                "add credit in the Deepgram console under Billing",
            )
        case 403:
            return _bad(
                KEY,
                "refused-403",
                "Deepgram answers 403: the key is good but may not use the Voice Agent",
                "create a key with the role Member in the project that has the Voice Agent, and use that",
            )
        case 404:
            return _bad(
                KEY,
                "refused-404",
                "Deepgram answers 404: there is no Voice Agent at this address",
                "take deepgram.agent_url away to use the usual one, or correct its path to /v1/agent/converse",
            )
        case _:
            return _bad(
                KEY,
                f"refused-{status}",
                f"Deepgram refuses the handshake with {status}",
                "check DEEPGRAM_API_KEY and deepgram.agent_url",
            )


def _setting(field: str, agent: str) -> str:
    """Return our setting's name for a field of the vendor's Settings."""
    table = "agent" if agent == "agent" else f"agents.{agent}"
    inner = field.removeprefix("settings.").removeprefix("agent.").replace(".provider", "")
    return f"{table}.{inner}" if field.removeprefix("settings.").startswith("agent.") else f"the table [{table}]"


def _bad(check: str, cause: str, found: str, fix: str) -> Finding:
    return Finding(check, "fail", found, cause, _APPLIED, fix)
