"""Railway's own schema, from its introspection, as graphql-core has it. Read once per process."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema
from tests.conftest import VENDOR_CONTRACTS

FILE = VENDOR_CONTRACTS / "railway-graphql-introspection-2026-08.json"


@cache
def schema() -> GraphQLSchema:
    """Return the schema, or skip the test that asks where the vendors' contracts are not at hand."""
    return _built(_introspection())


def without(*fields: tuple[str, str]) -> GraphQLSchema:
    """Return the schema as it would be without some fields: type and field."""
    found = _introspection()
    for kind in found["__schema"]["types"]:
        kept = [each for each in kind["fields"] or [] if (kind["name"], each["name"]) not in fields]
        kind["fields"] = kept if kind["fields"] is not None else None
    return _built(found)


def _introspection() -> dict[str, Any]:
    if not FILE.is_file():
        pytest.skip(f"no vendor contracts at {VENDOR_CONTRACTS}; set OFFHOOK_VENDOR_CONTRACTS")
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return found.get("data", found)


def _built(introspection: dict[str, Any]) -> GraphQLSchema:
    # Railway deprecates Team.id but not Node.id, which newer graphql-core calls an invalid schema; all else is whole.
    return build_client_schema(introspection, assume_valid=True)
