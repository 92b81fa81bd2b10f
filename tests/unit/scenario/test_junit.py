"""Outcomes as JUnit XML: what a CI reads of it, read with an XML parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from offhook.scenario.junit import junit_xml
from offhook.scenario.reading import Named
from offhook.scenario.shape import Scenario
from offhook.scenario.suite import Outcome


def named(name: str, *, is_ours: bool = False) -> Named:
    return Named(name, Scenario(), Path("calls"), is_ours)


def test_a_case_for_each_and_totals_that_agree():
    outcomes = [
        Outcome(named("good", is_ours=True), "passed", took_s=1.25),
        Outcome(named("bad"), "failed", ("first <&>", "second \x00\x1b")),
        Outcome(named("away"), "skipped", ("no models",)),
        Outcome(named("wrong"), "error", ("no such file",), untold=("cause: nobody tells",)),
    ]

    text = junit_xml(outcomes, 3.5)

    root = ET.fromstring(text.partition("\n")[2])
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    assert root.tag == "testsuites"
    (suite,) = root
    totals = {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "3.500"}
    assert {name: suite.get(name) for name in totals} == totals
    cases = {case.get("name"): case for case in suite}
    assert (cases["good"].get("classname"), cases["good"].get("time")) == ("offhook.library", "1.250")
    assert [child.tag for case in cases.values() for child in case] == ["failure", "skipped", "error", "system-out"]
    failure = cases["bad"].find("failure")
    assert (failure.get("message"), failure.get("type")) == ("first <&>", "failed")
    assert failure.text == "first <&>\nsecond ��"


def test_the_shape_every_reader_of_junit_knows():
    """Element and attribute names of the JUnit schema (Jenkins' xunit plugin), as far as we write any."""
    known = {
        "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
        "testcase": {"classname", "name", "time"},
        "failure": {"message", "type"},
        "error": {"message", "type"},
        "skipped": {"message"},
        "system-out": set(),
    }
    outcomes = [
        Outcome(named(result), result, ("why",), ("that",)) for result in ("passed", "failed", "skipped", "error")
    ]

    for element in ET.fromstring(junit_xml(outcomes, 1.0).partition("\n")[2]).iter():
        assert set(element.attrib) <= known[element.tag]
