"""Writes docs/reference from the code itself: settings, command line, errors, metrics, schema. Invents nothing.

Run ``python -m tools.reference`` after changing a setting, a command, an error or a metric;
``python -m tools.reference --check`` says which pages are stale (tests/docs does the same).
"""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from offhook import errors
from offhook.cli.app import app
from offhook.config.keys import Key, every_key, item_of, part_of, table_of
from offhook.config.schema import schema_text
from offhook.config.settings import Settings
from offhook.observe.metrics import METRICS
from offhook.scenario.schema import schema_text as scenario_schema_text
from tools.scenario_reference import scenarios_page

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
_WRITTEN = "<!-- Written by `python -m tools.reference`. Do not edit by hand. -->\n"


def pages() -> dict[str, Callable[[], str]]:
    """Return every page of the reference with the function that writes it."""
    return {
        "settings.md": settings_page,
        "cli.md": cli_page,
        "errors.md": errors_page,
        "metrics.md": metrics_page,
        "scenarios.md": scenarios_page,
        "offhook.schema.json": schema_text,
        "scenario.schema.json": scenario_schema_text,
    }


def stale() -> list[str]:
    """Return the names of the pages that do not say what the code says."""
    return [name for name, write in pages().items() if not _is_fresh(FOLDER / name, write())]


def _is_fresh(page: Path, text: str) -> bool:
    return page.is_file() and page.read_text(encoding="utf-8") == text


# --- settings ---------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Write the page of every setting."""
    lines = [
        "# Settings",
        "",
        _WRITTEN,
        "Every key is optional. A value is taken from the first of: command line, environment, `.env`, `offhook.toml`,",
        "default. In the environment, lists and tables are JSON; an empty variable counts as unset. Secrets are taken",
        "from the environment or `.env` only. How to use all this: [configure](../howto/configure.md).",
        "",
    ]
    for name, field in Settings.model_fields.items():
        keys = [key for key in every_key() if key.path[0] == name]
        header = {"agents": "[agents.NAME]", "numbers": '[numbers."NUMBER"]'}.get(name, f"[{name}]")
        lines += [f"## `{header}`", "", field.description or "", ""]
        if name == "agents":
            lines += ["The same keys as [`[agent]`](#agent).", ""]
            continue
        lines += ["| key | type | default | environment | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += [_settings_row(key) for key in keys] + [""]
    lines += ["## Tables within tables", ""]
    for part in _inner_parts():
        lines += [f"### {part.__name__}", "", _first_sentence(part.__doc__), ""]
        lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        for name, field in part.model_fields.items():
            cells = (f"`{name}`", _kind(field.annotation), _default(field.default, required=field.is_required()))
            lines.append("| " + " | ".join((*cells, _cell(field.description or ""))) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _settings_row(key: Key) -> str:
    kind = "secret" if key.is_secret and len(key.path) == 2 else _kind(key.field.annotation)
    default = _default(key.field.default, required=key.field.is_required())
    names = ", ".join(f"`{name}`" for name in key.names) if "NUMBER" not in key.path else "JSON in `OFFHOOK_NUMBERS`"
    short = ".".join(key.path[1:]) if "NUMBER" not in key.path else key.path[-1]
    return f"| `{short}` | {kind} | {default} | {names} | {_cell(key.field.description or '')} |"


def _inner_parts() -> list[type[BaseModel]]:
    """Return the parts that appear as values: fallback entries, endpoints, functions, messages."""
    found: dict[str, type[BaseModel]] = {}

    def look(annotation: Any) -> None:
        for inner in (part_of(annotation), part_of(item_of(annotation))):
            if inner is not None and inner.__name__ not in found:
                found[inner.__name__] = inner
                for field in inner.model_fields.values():
                    look(field.annotation)

    for key in every_key():
        look(key.field.annotation)
    return [found[name] for name in sorted(found)]


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(_kind(member) for member in get_args(annotation) if member is not type(None))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    part, item, values = part_of(annotation), item_of(annotation), table_of(annotation)
    if item is not None:
        return f"list of {_kind(item)}"
    if values is not None:
        return "table of secrets" if values is SecretStr else "table"
    if part is not None:
        return f"[{part.__name__}](#{part.__name__.lower()})"
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    return {str: "text", int: "integer", float: "number", bool: "true/false", SecretStr: "secret"}.get(
        annotation, "any"
    )


def _default(value: Any, *, required: bool) -> str:
    if required or value is PydanticUndefined:
        return "needed"
    if value is None:
        return "unset"
    if isinstance(value, tuple | dict) and not value:
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    return f"`{_cell(json.dumps(value, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _first_sentence(doc: str | None) -> str:
    return re.split(r"\n\s*\n", doc or "")[0].replace("\n", " ")


# --- command line -----------------------------------------------------------------------------------------------


def cli_page() -> str:
    """Write the page of every command, from what `--help` knows."""
    lines = ["# Command line", "", _WRITTEN]
    for path, context in _commands(typer.main.get_command(app), (), None):
        lines += [f"## `{' '.join(('offhook', *path))}`", "", _help(context.command.help), ""]
        lines += ["```text", context.command.get_usage(context).removeprefix("Usage: "), "```", ""]
        records = [param.get_help_record(context) for param in context.command.get_params(context)]
        rows = [f"| `{_cell(name)}` | {_cell(meaning)} |" for name, meaning in filter(None, records)]
        if rows:
            lines += ["| option | meaning |", "| --- | --- |", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _commands(command: Any, path: tuple[str, ...], parent: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    context = command.context_class(
        command, info_name=path[-1] if path else "offhook", parent=parent, terminal_width=200
    )
    yield path, context
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name), context)


def _help(text: str | None) -> str:
    paragraphs = re.split(r"\n\s*\n", (text or "").replace("\f", "").strip())
    shown = []
    for paragraph in paragraphs:
        example = re.match(r"Examples?:\s*(.*)", paragraph, re.DOTALL)
        if example:
            commands = "\n".join(line.strip() for line in example[1].splitlines() if line.strip())
            shown.append(f"Example:\n\n```sh\n{commands}\n```")
        else:
            shown.append(" ".join(paragraph.split()))
    return "\n\n".join(shown)


# --- errors -----------------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Write the page of every error and what it means for the call."""
    lines = ["# Errors", "", _WRITTEN, "What ends a call, and whether the same step may succeed if done again.", ""]
    lines += [
        "| error | meaning | result | reason | again? | said to anybody |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for depth, error in _tree(errors.OffhookError, 0):
        name = "&emsp;" * depth + f"`{error.__name__}`"
        again = "yes" if error.retryable else "no"
        cells = (name, _meaning(error), f"`{error.result}`", f"`{error.reason}`", again, _cell(error.public))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _meaning(error: type[errors.OffhookError]) -> str:
    return _cell(_first_sentence(error.__doc__).replace("``", "`"))


def _tree(error: type[errors.OffhookError], depth: int) -> Iterator[tuple[int, type[errors.OffhookError]]]:
    yield depth, error
    for inner in error.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _tree(inner, depth + 1)


# --- metrics ----------------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """Write the page of every metric."""
    lines = ["# Metrics", "", _WRITTEN, "Served by `GET /metrics` in Prometheus' text format.", ""]
    lines += ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        lines.append(f"| `offhook_{metric.name}` | {metric.kind} | {labels} | {_cell(metric.help)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write every page, or with ``--check`` name the stale ones."""
    if "--check" in sys.argv[1:]:
        found = stale()
        for name in found:
            print(f"docs/reference/{name} is stale: run python -m tools.reference")  # noqa: T201
        return 1 if found else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write in pages().items():
        (FOLDER / name).write_text(write(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
