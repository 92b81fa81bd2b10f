"""Says in plain words what is wrong with a setting, where it was set and what to do. Never repeats a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from offhook.config.layers import suggestion

# What pydantic's error types mean to somebody who does not program (pydantic, "Validation Errors").
_WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of reasonable size",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text, in quotes",
    "missing": "is needed here",
    "dict_type": "must be a table (in the environment: JSON)",
    "model_type": "must be a table (in the environment: JSON)",
    "model_attributes_type": "must be a table (in the environment: JSON)",
    "tuple_type": "must be a list (in the environment: JSON)",
    "list_type": "must be a list (in the environment: JSON)",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must not be longer than {max_length} characters",
    "string_pattern_mismatch": "does not have the form this setting takes ({pattern})",
    "literal_error": "must be one of {expected}",
}


def rendered(error: ValidationError, origins: Mapping[tuple[str, ...], str]) -> list[str]:
    """Return one line per problem: the key, where it came from, what is wrong, the fix."""
    lines: dict[str, None] = {}
    for fault in error.errors(include_url=False):
        path = _without_union_tags(fault["loc"])
        key = ".".join(str(step) for step in path)
        origin = _origin(path, origins)
        where = f"{key} ({origin})" if origin else key
        lines[f"{where}: {_words(fault, path)}"] = None
    return list(lines)


def _words(fault: Any, path: tuple[str | int, ...]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a setting; {suggestion(path)}"
    if kind == "value_error":
        return str(context["error"])
    if kind.endswith("_parsing") and str(fault["input"]).startswith("$"):
        return "is the name of a variable ($…) that nothing has filled in; write the value itself, or leave it away"
    return _WORDS.get(kind, "does not have the form this setting takes").format(**context)


def _without_union_tags(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Drop what pydantic adds to a path for the members of a union and for the keys of a table."""
    return tuple(
        step
        for step in loc
        if not (isinstance(step, str) and (step in ("int", "[key]") or step.startswith("literal[")))
    )


def _origin(path: tuple[str | int, ...], origins: Mapping[tuple[str, ...], str]) -> str:
    steps = tuple(str(step) for step in path)
    for length in range(len(steps), 0, -1):
        if steps[:length] in origins:
            return origins[steps[:length]]
    # Nothing was said at the key itself: what lies in it, or else what lies beside it, is where to look.
    for prefix in (steps, steps[:-1]):
        near = {origin for leaf, origin in origins.items() if prefix and leaf[: len(prefix)] == prefix}
        if near:
            return near.pop() if len(near) == 1 else ""
    return ""
