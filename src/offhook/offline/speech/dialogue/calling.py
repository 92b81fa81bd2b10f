"""The functions of the Settings: which one serves an intent, with which arguments, and what its result says. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from offhook.offline.ports import FunctionSpec
from offhook.offline.speech.dialogue.forms import Form
from offhook.offline.speech.dialogue.numbers import digits_in

#: What a function is for → words of its name, then words of its description.
_PURPOSES: Final = {
    "booking": (
        r"book|appointment|reserv|schedul",
        r"\b(book|make|create|schedule|reserve)\b.*\b(appointment|booking|reservation|visit|table)",
    ),
    "move": (r"resched|move|change|update", r"\b(reschedule|move|change)\b.*\b(appointment|booking|reservation)"),
    "cancellation": (r"cancel", r"\bcancel\b.*\b(appointment|booking|reservation)"),
    "message": (r"message|callback|call_back", r"\b(take|leave|pass|store)\b.*\bmessage"),
    "slots": (r"slot|availab|free", r"\b(free|available|availability|open)\b.*\b(slot|time|appointment|date)"),
    "hours": (r"hours|opening", r"\b(opening|business)\b.*\b(hours|times)"),
    "address": (r"address|location|directions", r"\b(address|location|directions)\b"),
    "goodbye": (
        r"hang_?up|end_?(the_?)?call|goodbye|terminate|finish_?call",
        r"\b(hang up|ends? the call|end this call)",
    ),
    "human": (
        r"transfer|human|operator|escalat|hand_?off|connect",
        r"\b(transfer|hand|connect|escalate)\b.*\b(human|person|agent|operator|call)",
    ),
}
#: Words of a booking's name that make it another function.
_NOT: Final = {"booking": r"cancel|resched|move|change|slot|avail|find|list|get|check|look|search|update|free"}
_SLOTS_OF: Final = {
    "day": r"date|day|when",
    "time": r"time|hour|slot|when",
    "name": r"name|customer|patient|caller|client|guest",
    "number": r"phone|number|telephone|mobile|contact|callback",
    "text": r"message|text|note|content|body|reason|comment",
}
_COMMON: Final = frozenset(
    re.findall(
        r"\S+",
        "the and for get set what your you are can please with from that this have has how does will would could about "
        "caller user customer call function name information details tell give find look check list number time date "
        "day",
    )
)
_LONGEST_RESULT: Final = 400


def function_for(purpose: str, functions: Sequence[FunctionSpec]) -> FunctionSpec | None:
    """Return the function that serves ``purpose``: by its name first, by its description where no name fits."""
    by_name, by_description = _PURPOSES[purpose]
    unwanted = _NOT.get(purpose)
    for spec in functions:
        name = spec.name.casefold()
        if re.search(by_name, name) and not (unwanted and re.search(unwanted, name)):
            return spec
    return next((s for s in functions if re.search(by_description, s.description.casefold())), None)


def function_mentioned(text: str, functions: Sequence[FunctionSpec]) -> FunctionSpec | None:
    """Return the function whose name or description the caller's own words point at."""
    said = set(_stems(text))
    scored = [
        (2 * len(said & set(_stems(s.name))) + len(said & set(_stems(s.description))), -n, s)
        for n, s in enumerate(functions)
    ]
    best = max(scored, key=lambda entry: entry[:2], default=None)
    return best[2] if best is not None and best[0] >= 2 else None


def _stems(text: str) -> Iterable[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").casefold()
    for word in re.findall(r"[a-z]{3,}", spaced):
        if word not in _COMMON:
            yield re.sub(r"(ings?|ed|es|s)$", "", word) if len(word) > 4 else word


def properties_of(spec: FunctionSpec) -> Mapping[str, Mapping[str, Any]]:
    """Return the parameters of a function's JSON Schema."""
    found = spec.parameters.get("properties")
    return {k: v for k, v in found.items() if isinstance(v, Mapping)} if isinstance(found, Mapping) else {}


def arguments_from(form: Form, spec: FunctionSpec) -> dict[str, Any]:
    """Fill the parameters whose names or descriptions say that they are one of the form's answers."""
    filled: dict[str, Any] = {}
    for name, schema in properties_of(spec).items():
        if (value := _slot_value(form, name, schema)) is not None:
            filled[name] = value
    return filled


def _slot_value(form: Form, name: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") in ("integer", "number", "boolean"):
        return None  # "guests" is no name
    words = name.casefold()
    both = f"{words} {schema.get('format', '')}"
    if re.search(r"date-?_?time|datetime|start|when", both) and form.day and form.time:
        return f"{form.day.date.isoformat()}T{form.time.iso}:00"
    for slot, pattern in _SLOTS_OF.items():
        value = getattr(form, slot)
        if value is None or not re.search(pattern, words) or (slot == "name" and "number" in words):
            continue
        match slot:
            case "day":
                return value.date.isoformat()
            case "time":
                return value.iso
            case _:
                return value
    return None


def arguments_in(text: str, spec: FunctionSpec) -> dict[str, Any]:
    """Find arguments in a caller's own words: one of the allowed values, a figure, or what follows in/for/of/to."""
    found: dict[str, Any] = {}
    for name, schema in properties_of(spec).items():
        value = _allowed_value(text, schema) if "enum" in schema else _free_value(text, schema)
        if value is not None and value not in found.values():
            found[name] = value
    return found


def _allowed_value(text: str, schema: Mapping[str, Any]) -> Any:
    said = text.casefold()
    return next((v for v in schema["enum"] if str(v).replace("_", " ").casefold() in said), None)


def _free_value(text: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") in ("integer", "number"):
        digits = digits_in(text)
        return int(digits[:18]) if digits else None
    if schema.get("type") == "boolean":
        return None
    behind = re.search(
        r"\b(?:in|for|of|to|about|number|called|named)\s+((?:the\s+)?[\w' -]+?)\s*(?:[.,?!]|please|$)", text
    )
    return behind[1].strip() if behind else None


def lacking(arguments: Mapping[str, Any], spec: FunctionSpec) -> tuple[str, ...]:
    """Return the required parameters that have no value."""
    required = spec.parameters.get("required")
    names = required if isinstance(required, list | tuple) else ()
    return tuple(name for name in names if isinstance(name, str) and name not in arguments)


def as_answer(name: str, text: str, spec: FunctionSpec) -> Any:
    """Take the caller's whole answer as one parameter's value, of the type the schema wants."""
    schema = properties_of(spec).get(name, {})
    if "enum" in schema:
        return _allowed_value(text, schema)
    if schema.get("type") in ("integer", "number"):
        return _free_value(text, schema)
    if schema.get("type") == "boolean":
        return re.match(r"\s*(yes|yeah|sure|correct)", text.casefold()) is not None
    return text.strip().rstrip(".!?") or None


def failed(result: str) -> bool:
    """Whether a function's answer is an error."""
    read = _read(result)
    if isinstance(read, Mapping):
        if read.get("error") or read.get("errors") or read.get("ok") is False or read.get("success") is False:
            return True
        return str(read.get("status", "")).casefold() in ("error", "failed", "failure")
    return isinstance(read, str) and re.match(r"\s*(error|failed|failure|exception)\b", read.casefold()) is not None


def spoken_result(result: str) -> str:
    """Put a function's answer into a sentence; empty where it says nothing a caller could use."""
    return _spoken(_read(result))[:_LONGEST_RESULT].strip()


def _read(result: str) -> Any:
    try:
        return json.loads(result)
    except ValueError:
        return result


def _spoken(value: Any) -> str:
    match value:
        case str():
            return value.strip()
        case bool() | None:
            return ""
        case int() | float():
            return f"The answer is {value}."
        case [*entries]:
            said = [_spoken(e).rstrip(".") for e in entries[:4]]
            return _listed([s for s in said if s])
        case Mapping():
            for key in ("spoken", "message", "text", "summary", "answer", "result", "content"):
                if isinstance(value.get(key), str) and value[key].strip():
                    return str(value[key]).strip()
            return _facts(value)
    return ""


def _facts(value: Mapping[str, Any]) -> str:
    unspoken = ("ok", "success", "status", "id", "error")
    plain = {
        k: v
        for k, v in value.items()
        if k not in unspoken and isinstance(v, str | int | float) and not isinstance(v, bool)
    }
    if plain:
        return ". ".join(f"The {_words(k)} is {v}" for k, v in list(plain.items())[:3]) + "."
    lists = next((v for v in value.values() if isinstance(v, list)), None)
    return _spoken(lists) if lists else ""


def _words(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).replace("_", " ").casefold()


def spoken_parameter(name: str) -> str:
    """Name a parameter as one asks for it."""
    return _words(name)


def _listed(entries: Sequence[str]) -> str:
    return entries[0] if len(entries) == 1 else ", ".join(entries[:-1]) + f" and {entries[-1]}" if entries else ""
