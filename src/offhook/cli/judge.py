"""`offhook judge`: says what a bridge did wrong in recorded calls. Prints; the rules are in `offhook.lab.judge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offhook.lab.judge import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge")(judge)


def judge(
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE...", help="Wire traces, one call a file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")] = False,
) -> None:
    """Judge recorded calls: one line per finding. Traces come from `offhook lab --trace` and `offhook serve --trace`.

    Exit code 0: nothing is wrong. 1: there are findings. 2: a file cannot be judged.
    """
    import json

    found = {path: _findings(path) for path in traces}
    if as_json:
        told = [{"trace": str(path), "findings": [_told(f) for f in findings]} for path, findings in found.items()]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for path, findings in found.items():
            for finding in findings:
                typer.echo(f"{path.name}: {finding}")
            if not findings:
                typer.echo(f"{path.name}: nothing is wrong")
    raise typer.Exit(1 if any(found.values()) else 0)


def _findings(path: Path) -> list[Finding]:
    from offhook.lab.judge import History, SeveralCallsError
    from offhook.lab.judge import judge as judge_call
    from offhook.trace import TraceError, read_trace

    try:
        return judge_call(History.of(read_trace(path)))
    except (TraceError, SeveralCallsError) as error:
        typer.echo(f"offhook judge: {path.name}: {error}", err=True)
    except OSError as error:
        typer.echo(f"offhook judge: {path} cannot be read: {error.strerror}", err=True)
    raise typer.Exit(2)


def _told(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "sentence": finding.sentence,
        "at_ms": None if finding.at_ms is None else round(finding.at_ms, 1),
        "times": finding.times,
    }
