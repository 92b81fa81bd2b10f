"""Every operation we send is one that Railway's own schema allows."""

from __future__ import annotations

import pytest
from graphql import parse
from tests.kit.railway.standin import judge

from offhook.setup.railway.operations import ALL


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_railways_schema_allows_it(operation):
    assert judge(operation.document) == []
    (defined,) = parse(operation.document).definitions
    assert defined.name.value == operation.name
    assert (defined.operation.value == "mutation") == operation.is_mutation


def test_names_are_unique():
    assert len({operation.name for operation in ALL}) == len(ALL)
