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
