"""Judges one call by all rules. The list of rules is here; a new one is a line and a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import History
from offhook.lab.judge.patience import Patience
from offhook.lab.judge.probed import Probed
from offhook.lab.judge.rule import Case, Rule
from offhook.lab.judge.rules import agent, audio, auth, barge_in, ending, functions, messages, twiml

RULES: Final[tuple[Rule, ...]] = (
    *(twiml.RULE, auth.RULE, messages.RULE, agent.RULE),
    *(audio.RULE, barge_in.RULE, functions.RULE, ending.RULE),
)


#: Where one of these is found, Deepgram's `Error` is only its echo.
_EXPLAIN_AN_ERROR: Final = frozenset((*agent.CODES, *functions.CODES)) - {"agent-error", "no-keep-alive"}

#: Where one of these is found, Twilio played nothing because it could not.
_EXPLAIN_SILENCE: Final = frozenset(
    ("binary-frame", "message-invalid", "message-extra-field", "start-instead-of-connect", "stream-refused")
)


def codes() -> Mapping[str, str]:
    """Return every code a finding may have, with what is wrong and what to do."""
    return {code: words for rule in RULES for code, words in rule.codes.items()}


def judge(history: History, probed: Probed | None = None, patience: Patience | None = None) -> list[Finding]:
    """Return what the bridge did wrong on this call, in the order it happened; nothing for a bridge that is right.

    The same defect seen many times is one finding with a count.
    """
    case = Case(history, patience or Patience(), probed or Probed())
    found: dict[str, Finding] = {}
    for rule in RULES:
        for finding in rule.run(case):
            known = found.get(finding.code)
            found[finding.code] = finding if known is None else replace(known, times=known.times + 1)
    if any(code in found for code in _EXPLAIN_AN_ERROR):
        found.pop("agent-error", None)
    if any(code in found for code in _EXPLAIN_SILENCE):
        found.pop("greeting-unheard", None)
    return sorted(found.values(), key=lambda finding: finding.at_ms or 0.0)
