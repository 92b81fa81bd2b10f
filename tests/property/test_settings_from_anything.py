"""Whatever stands in the files and the environment: settings or a list of problems, never another error or a leak."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.config import Settings, load
from offhook.config.keys import every_key
from offhook.errors import ConfigError

KEYS = list(every_key())
SECRET = "c4nary" + "5" * 20
_names = st.sampled_from([name for key in KEYS for name in key.names if "NAME" not in name and "NUMBER" not in name])
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_text = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
_value = st.one_of(_text, _json.map(json.dumps), st.just(SECRET), st.integers().map(str))
_environ = st.dictionaries(_names | st.text("OFHK_AGENTS", max_size=20).map("OFFHOOK_".__add__), _value, max_size=8)


def loaded(toml: bytes, dotenv: bytes, environ: dict[str, str]) -> Settings | str:
    """Load from real files; return the settings or the whole text of the problems."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "offhook.toml").write_bytes(toml)
        (Path(folder) / ".env").write_bytes(dotenv)
        try:
            return load(Path(folder) / "offhook.toml", environ).settings
        except ConfigError as error:
            return str(error)


@settings(max_examples=100, deadline=None)
@given(environ=_environ)
def test_any_environment(environ):
    outcome = loaded(b"", b"", environ)

    if isinstance(outcome, str):
        assert outcome
        assert SECRET not in outcome


@settings(max_examples=100, deadline=None)
@given(toml=st.binary(max_size=80) | _text.map(str.encode), dotenv=st.binary(max_size=80) | _text.map(str.encode))
def test_any_bytes_in_the_files(toml, dotenv):
    outcome = loaded(toml, dotenv, {})

    assert isinstance(outcome, str) or outcome.limits.calls >= 1


@settings(max_examples=100, deadline=None)
@given(key=st.sampled_from([key for key in KEYS if "NAME" not in key.path and "NUMBER" not in key.path]), value=_json)
def test_any_value_at_any_key_of_the_file(key, value):
    """Values that JSON and TOML share are written as TOML; the outcome is decided, and a problem names the key."""
    text = _as_toml(value)
    outcome = loaded(f"[{'.'.join(key.path[:-1])}]\n{key.path[-1]} = {text}\n".encode(), b"", {})

    if isinstance(outcome, str):
        assert ".".join(key.path[:2]) in outcome or "offhook.toml" in outcome


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_good_number_is_the_same_from_every_source(data):
    key = data.draw(st.sampled_from([key for key in KEYS if key.path[0] == "limits"]))
    bounds = {type(rule).__name__: rule for rule in key.field.metadata}
    least = math.ceil(getattr(bounds.get("Ge"), "ge", None) or getattr(bounds.get("Gt"), "gt", 0) + 1)
    value = data.draw(st.integers(least, min(getattr(bounds.get("Le"), "le", 10**6), 10**6)))
    outcomes = [
        loaded(f"[limits]\n{key.path[1]} = {value}\n".encode(), b"", {}),
        loaded(b"", f"{key.env}={value}\n".encode(), {}),
        loaded(b"", b"", {key.env: str(value)}),
    ]

    assert [isinstance(outcome, Settings) and getattr(outcome.limits, key.path[1]) for outcome in outcomes] == [
        value
    ] * 3


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_as_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    if value is None:
        return '""'
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    return json.dumps(value)
