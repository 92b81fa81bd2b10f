"""Outcomes as JUnit XML, the form every CI reads. Text only; writes no file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from offhook.scenario.suite import Outcome

#: What XML 1.0 has no way to hold.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS: Final = {"failed": "failure", "error": "error", "skipped": "skipped"}


def junit_xml(outcomes: Sequence[Outcome], took_s: float) -> str:
    """Return a document with one suite and a case for each scenario."""
    results = [outcome.result for outcome in outcomes]
    totals = {
        "tests": str(len(outcomes)),
        "failures": str(results.count("failed")),
        "errors": str(results.count("error")),
        "skipped": str(results.count("skipped")),
        "time": f"{took_s:.3f}",
    }
    root = ET.Element("testsuites", {"name": "offhook", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": "offhook test", **totals})
    for outcome in outcomes:
        suite.append(_case(outcome))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(outcome: Outcome) -> ET.Element:
    where = "offhook.library" if outcome.named.is_ours else outcome.named.folder.name or "scenarios"
    case = ET.Element(
        "testcase", {"classname": _clean(where), "name": _clean(outcome.named.name), "time": f"{outcome.took_s:.3f}"}
    )
    kind = _ELEMENTS.get(outcome.result)
    if kind is not None:
        reasons = [_clean(reason) for reason in outcome.reasons]
        told = ET.SubElement(case, kind, {"message": reasons[0] if reasons else outcome.result})
        if kind != "skipped":
            told.set("type", outcome.result)
            told.text = "\n".join(reasons)
    if outcome.untold:
        ET.SubElement(case, "system-out").text = _clean("not looked at: " + "; ".join(outcome.untold))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
