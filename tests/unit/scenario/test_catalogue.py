"""The library: large enough, each with its reason and its source, none beside another's name."""

from __future__ import annotations

import re

import pytest

from offhook.scenario.catalogue import find, find_all, library, names
from offhook.scenario.reading import ScenarioError

LIBRARY = library()


def test_there_are_at_least_sixty():
    assert len(names()) >= 60
    assert len({one.scenario.title for one in LIBRARY}) == len(names())


#: Of the fault catalogue, what no file can say: bytes below the protocol, two streams, thousands of calls.
ELSEWHERE = {"A25", "C1", "C11", "C20", "C21", "C22"}


def test_every_fault_of_either_leg_has_its_scenario():
    covered = {name for one in LIBRARY for name in one.scenario.stands_for}
    catalogue = {f"A{n}" for n in range(1, 28)} | {f"C{n}" for n in range(1, 26)}

    assert catalogue - covered == ELSEWHERE


@pytest.mark.parametrize("one", LIBRARY, ids=lambda one: one.name)
def test_each_says_why_and_where_it_is_from(one):
    scenario = one.scenario

    assert scenario.why
    assert scenario.source
    assert "\n" not in scenario.why + scenario.source
    assert all(re.fullmatch(r"[A-Z]\d{1,2}", name) for name in scenario.stands_for)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.name)


def test_a_wrong_name_is_told_with_what_was_meant():
    with pytest.raises(ScenarioError, match="did you mean dies-mid-sentence"):
        find("dies-midsentence")


def test_all_wrong_names_are_told_at_once():
    with pytest.raises(ScenarioError) as caught:
        find_all(["nowhere-at-all", "key-refused", "nothing-here"])

    assert len(caught.value.problems) == 2
