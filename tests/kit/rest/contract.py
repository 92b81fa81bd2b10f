"""The vendor's OpenAPI document, asked whether a request and an answer keep to it. No network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FILE = "twilio-api-v2010-openapi-2026-04.json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    spec: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Contract:
    """What the document says. Every method returns violations as sentences; none means that all is well."""

    def __init__(self, folder: Path) -> None:
        self._document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        self._paths = {
            path: re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+?)", re.escape(path))) for path in self._document["paths"]
        }

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a request; None where the document has no such path or method."""
        matching = [known for known, pattern in self._paths.items() if pattern.fullmatch(path)]
        for known in sorted(matching, key=lambda path: path.count("{")):
            spec = self._document["paths"][known].get(method.lower())
            if spec is not None:
                return Operation(method.upper(), known, spec)
        return None

    def request(self, method: str, target: str, content_type: str, body: str) -> list[str]:
        """Judge a request."""
        parts = urlsplit(target)
        operation = self.operation(method, parts.path)
        if operation is None:
            return [f"{method} {parts.path}: the document has no such operation"]
        found = [*self._path_names(operation, parts.path), *self._query(operation, parts.query)]
        if method == "POST":
            found += self._form(operation, content_type, body)
        elif body:
            found.append("has a body")
        return [f"{operation}: {violation}" for violation in found]

    def _path_names(self, operation: Operation, path: str) -> Iterator[str]:
        matched = self._paths[operation.path].fullmatch(path)
        assert matched is not None
        named = dict(zip(re.findall(r"\{(\w+)\}", operation.path), matched.groups(), strict=True))
        for parameter in operation.spec.get("parameters", ()):
            if parameter["in"] == "path":
                for wrong in self._text(named[parameter["name"]], parameter["schema"]):
                    yield f"{parameter['name']} {wrong}"

    def _query(self, operation: Operation, query: str) -> Iterator[str]:
        known = {
            parameter["name"]: parameter["schema"]
            for parameter in operation.spec.get("parameters", ())
            if parameter["in"] == "query"
        }
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name not in known:
                yield f"unknown query parameter {name}"
            else:
                yield from (f"query parameter {name} {wrong}" for wrong in self._text(value, known[name]))

    def _form(self, operation: Operation, content_type: str, body: str) -> Iterator[str]:
        schema = self._resolved(operation.spec["requestBody"]["content"][FORM]["schema"])
        if content_type.partition(";")[0].strip() != FORM:
            yield f"content type is {content_type or 'missing'}"
            return
        pairs = parse_qsl(body, keep_blank_values=True)
        names = [name for name, _ in pairs]
        yield from (f"lacks {name}" for name in schema.get("required", ()) if name not in names)
        for name in sorted(set(names)):
            if name not in schema["properties"]:
                yield f"unknown parameter {name}"
                continue
            kind = self._resolved(schema["properties"][name])
            if names.count(name) > 1 and kind.get("type") != "array":
                yield f"{name} is sent {names.count(name)} times"
            item = self._resolved(kind["items"]) if kind.get("type") == "array" else kind
            for value in (value for found, value in pairs if found == name and value != ""):
                # an empty value takes a field away; the document has no word for that
                yield from (f"{name} {wrong}" for wrong in self._text(value, item))

    def _text(self, value: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """Judge a value that is written as text."""
        schema = self._resolved(schema)
        match schema.get("type"):
            case "integer" if re.fullmatch(r"-?\d+", value):
                yield from self._value(int(value), schema)
            case "number" if re.fullmatch(r"-?\d+(\.\d+)?", value):
                pass
            case "boolean" if value in ("true", "false", "True", "False"):
                pass
            case "integer" | "number" | "boolean" as kind:
                yield f"is no {kind}"
            case "array":
                yield from self._text(value, schema["items"])
            case _:
                yield from self._value(value, schema)

    def answer(self, method: str, path: str, status: int, content_type: str, body: str) -> list[str]:
        """Judge an answer."""
        operation = self.operation(method, path)
        if operation is None:
            return [] if status >= 400 else [f"{method} {path}: an answer where the document has no operation"]
        return [f"{operation} → {status}: {wrong}" for wrong in self._answer(operation, status, content_type, body)]

    def _answer(self, operation: Operation, status: int, content_type: str, body: str) -> Iterator[str]:
        if status >= 400:
            yield from _error(status, content_type, body)
            return
        known = operation.spec["responses"].get(str(status))
        if known is None:
            yield f"the status is not documented, only {', '.join(operation.spec['responses'])}"
            return
        content = known.get("content", {})
        if not content:
            yield from ["has a body"] if body else []
        elif content_type.partition(";")[0].strip() not in content:
            yield f"content type is {content_type or 'missing'}"
        else:
            yield from self._value(json.loads(body), content["application/json"]["schema"], "$")

    def _value(self, value: Any, schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
        schema = self._resolved(schema)
        where = f"{at} " if at else ""
        if value is None:
            if not schema.get("nullable"):
                # enumerations behind a reference cannot say that they are nullable, and their examples are null
                yield from [] if "enum" in schema else [f"{where}is null"]
            return
        kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}
        kind = schema.get("type")
        if kind is not None and (not isinstance(value, kinds[kind]) or (kind == "integer" and value is True)):
            yield f"{where}is no {kind} but {type(value).__name__}"
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._value(item, schema["items"], f"{at}[{index}]")
        elif isinstance(value, dict) and "properties" in schema:
            yield from (f"{at}.{name} is not in the document" for name in value.keys() - schema["properties"].keys())
            yield from (f"{at}.{name} is missing" for name in schema["properties"].keys() - value.keys())
            for name in value.keys() & schema["properties"].keys():
                yield from self._value(value[name], schema["properties"][name], f"{at}.{name}")
        else:
            yield from (f"{where}{wrong}" for wrong in _plain(value, schema))

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)


def _plain(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Judge text or a number by the rest of its schema."""
    if "enum" in schema and value not in schema["enum"]:
        yield f"is {value!r}, none of {', '.join(map(str, schema['enum']))}"
    if "pattern" in schema and not re.search(schema["pattern"], str(value)):
        yield f"does not match {schema['pattern']}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield "is out of range"
    form = _FORMS.get(schema.get("format", ""))
    if form is not None and value != "" and not form(str(value)):
        yield f"is no {schema['format']}"


def _is_rfc2822(value: str) -> bool:
    try:
        return parsedate_to_datetime(value).tzinfo is not None and value[:3].isalpha()
    except ValueError:
        return False


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_uri(value: str) -> bool:
    return bool(re.match(r"(https?|wss?)://[^\s/]+|/", value)) and " " not in value


_FORMS = {
    "date-time-rfc-2822": _is_rfc2822,
    "date-time": _is_iso,
    "date": lambda value: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)),
    "uri": _is_uri,
    "phone-number": lambda value: bool(re.fullmatch(r"[+*\d]+|[a-z]+:.+", value)),
    "endpoint": lambda value: bool(re.fullmatch(r"\+\d+|(sip|client):.+", value)),
    "twiml": lambda value: "<Response" in value,
    "currency": lambda value: bool(re.fullmatch(r"[A-Za-z]{3}", value)),
}


def _error(status: int, content_type: str, body: str) -> Iterator[str]:
    """Judge a refusal: the document has none; its form is Twilio's, "REST API: error responses"."""
    if not content_type.startswith("application/json"):
        yield f"content type of a refusal is {content_type or 'missing'}"
        return
    said = json.loads(body)
    if set(said) != {"code", "message", "more_info", "status"}:
        yield f"a refusal has {', '.join(sorted(said))}"
    elif not isinstance(said["code"], int) or said["status"] != status or str(said["code"]) not in said["more_info"]:
        yield "a refusal contradicts itself"
