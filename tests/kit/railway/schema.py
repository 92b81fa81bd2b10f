"""Railway's own schema, from its introspection, as graphql-core has it. Read once per process."""

from __future__ import annotations

import json
from functools import cache

import pytest
from graphql import GraphQLSchema, build_client_schema
from tests.conftest import VENDOR_CONTRACTS

FILE = VENDOR_CONTRACTS / "railway-graphql-introspection-2026-08.json"


@cache
def schema() -> GraphQLSchema:
    """Return the schema, or skip the test that asks where the vendors' contracts are not at hand."""
    if not FILE.is_file():
        pytest.skip(f"no vendor contracts at {VENDOR_CONTRACTS}; set OFFHOOK_VENDOR_CONTRACTS")
    found = json.loads(FILE.read_text(encoding="utf-8"))
    # Railway deprecates Team.id but not Node.id, which newer graphql-core calls an invalid schema; all else is whole.
    return build_client_schema(found.get("data", found), assume_valid=True)
