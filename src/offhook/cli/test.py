"""`offhook test`: performs scenarios and says for each whether it went as it must. Prints; performs nothing itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from offhook.scenario.reading import Named
    from offhook.scenario.suite import Outcome
    from offhook.scenario.world import Stage, World

#: Where a bridge under test is expected to dial the offline agent.
DEEPGRAM_PORT = 8081


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(perform)


def perform(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DIR|FILE|NAME]...", help="Folders, files, names of the library. None: the library."),
    ] = None,
    bridge: Annotated[
        str | None, typer.Option("--bridge", metavar="URL", help="Another server's voice webhook or stream.")
    ] = None,
    agent: Annotated[
        Literal["offline", "real"], typer.Option(help="Who answers offhook's own server; `real` costs money.")
    ] = "offline",
    show: Annotated[bool, typer.Option("--list", help="Say what there is, and perform nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON and nothing else.")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the outcomes as JUnit XML.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of scenario files.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep each call's call.wav and call.json here.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings; default: offhook.toml here.")
    ] = None,
    at_once: Annotated[int | None, typer.Option("--jobs", "-j", min=1, max=64, help="Calls at once.")] = None,
    deepgram_port: Annotated[
        int, typer.Option(min=1, max=65535, help="With --bridge: where it finds the offline agent.")
    ] = DEEPGRAM_PORT,
    token_env: Annotated[
        str, typer.Option("--auth-token-env", help="With --bridge: the variable with the auth token.")
    ] = "TWILIO_AUTH_TOKEN",  # noqa: S107 - the name of a variable, not a secret
    sign_as: Annotated[str | None, typer.Option(help="With --bridge: its public URL, where that is another.")] = None,
) -> None:
    """Perform scenarios: a caller, a server, an agent, and what must come of it.

    Exit code 0: all went as they must, or were skipped and said so. 1: one did not, and why is printed. 2: a file or a
    setting is wrong, each problem with its place. 130: Ctrl-C.

    Example: offhook test scenarios --junit report.xml
    """
    if schema:
        from offhook.scenario.schema import schema_text

        typer.echo(schema_text(), nl=False)
        return
    named = _named(scenarios or [])
    if show:
        _list(named, as_json=as_json)
        return
    if bridge is not None and agent == "real":
        raise typer.BadParameter("--agent real is for offhook's own server; a bridge has its own agent")
    from offhook.cli.running import run_loop
    from offhook.observe.log import configure

    configure("text", "critical")
    world = _bridge(bridge, deepgram_port, token_env, sign_as) if bridge else _own(config, is_real=agent == "real")
    raise typer.Exit(run_loop(_perform(named, world, out, at_once, as_json=as_json, junit=junit)))


def _named(wanted: Sequence[str]) -> list[Named]:
    from offhook.scenario.catalogue import find_all
    from offhook.scenario.reading import ScenarioError

    try:
        return find_all(wanted)
    except ScenarioError as error:
        for problem in error.problems:
            typer.echo(f"offhook test: {problem}", err=True)
        raise typer.Exit(2) from None


def _list(named: Sequence[Named], *, as_json: bool) -> None:
    if as_json:
        import json

        rows = [
            {
                "name": one.name,
                "title": one.scenario.title,
                "why": one.scenario.why,
                "source": one.scenario.source,
                "stands_for": one.scenario.stands_for,
            }
            for one in named
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    widest = max((len(one.name) for one in named), default=0)
    for one in named:
        typer.echo(f"{one.name:<{widest}}  {one.scenario.title}")


def _own(config: Path | None, *, is_real: bool) -> World:
    import os

    from offhook.config.load import load
    from offhook.errors import ConfigError
    from offhook.scenario.world import Own

    if is_real and load(config).settings.deepgram.api_key is None:
        raise ConfigError(["deepgram.api_key: --agent real needs a key; set DEEPGRAM_API_KEY, or put it into .env"])
    return Own(config, environ=dict(os.environ), is_real=is_real)


def _bridge(url: str, port: int, token_env: str, sign_as: str | None) -> World:
    from offhook.cli.credentials import credentials
    from offhook.scenario.world import Bridge

    if not url.startswith(("http://", "https://", "ws://", "wss://")):
        raise typer.BadParameter("--bridge is a URL: http(s)://… of a voice webhook, or ws(s)://… of a stream")
    token, account = credentials(token_env, None)
    return Bridge(url, port, token, account, sign_as)


async def _perform(
    named: Sequence[Named], world: World, out: Path | None, at_once: int | None, *, as_json: bool, junit: Path | None
) -> int:
    import time

    from offhook.scenario.suite import AT_ONCE, run_suite

    def tell(outcome: Outcome) -> None:
        if not as_json:
            for line in _lines(outcome):
                typer.echo(line)

    began = time.monotonic()
    async with _staged(named, world, out) as stage:
        outcomes = await run_suite(named, stage, at_once or AT_ONCE, tell)
    took_s = time.monotonic() - began
    if junit is not None:
        _write(junit, outcomes, took_s)
    if as_json:
        _print(outcomes)
    else:
        typer.echo(_summary(outcomes, took_s))
    results = {outcome.result for outcome in outcomes}
    return 2 if "error" in results else 1 if "failed" in results else 0


@asynccontextmanager
async def _staged(named: Sequence[Named], world: World, out: Path | None) -> AsyncIterator[Stage]:
    """Load ears and voices where a scenario asks for them; without models those scenarios are skipped."""
    from offhook.errors import ConfigError
    from offhook.scenario.performance import is_spoken
    from offhook.scenario.world import Speech, Stage

    bare = Stage(world, keep=out)
    if not any(is_spoken(one, bare) for one in named):
        yield bare
        return
    from offhook.offline.speech.mind import SpeakingMind

    mind = SpeakingMind(progress=lambda line: typer.echo(f"offhook test: {line}", err=True))
    try:
        try:
            await mind.start()
        except ConfigError as missing:
            yield Stage(world, no_speech="; ".join(missing.problems), keep=out)
            return

        async def speak(text: str) -> bytes:
            return await mind.synthesise_line(text, caller=True)

        yield Stage(world, Speech(mind, speak), keep=out)
    finally:
        await mind.close()


def _lines(outcome: Outcome) -> list[str]:
    again = f" (attempt {outcome.attempts})" if outcome.attempts > 1 else ""
    lines = [f"{outcome.result:<7}  {outcome.named.name}  {outcome.took_s:.1f} s{again}"]
    lines += [f"         {reason}" for reason in outcome.reasons]
    return lines + [f"         not looked at - {untold}" for untold in outcome.untold]


def _summary(outcomes: Sequence[Outcome], took_s: float) -> str:
    results = [outcome.result for outcome in outcomes]
    counted = ((results.count(word), word) for word in ("passed", "failed", "skipped", "error"))
    said = ", ".join(f"{count} {word}" for count, word in counted if count)
    return f"\n{said or 'nothing to perform'} in {took_s:.0f} s"


def _print(outcomes: Sequence[Outcome]) -> None:
    import json

    rows = [
        {
            "name": outcome.named.name,
            "title": outcome.named.scenario.title,
            "result": outcome.result,
            "reasons": list(outcome.reasons),
            "not_looked_at": list(outcome.untold),
            "took_s": round(outcome.took_s, 3),
            "attempts": outcome.attempts,
        }
        for outcome in outcomes
    ]
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))


def _write(file: Path, outcomes: Sequence[Outcome], took_s: float) -> None:
    from offhook.scenario.junit import junit_xml

    try:
        file.write_text(junit_xml(outcomes, took_s), encoding="utf-8")
    except OSError as error:
        typer.echo(f"offhook test: {file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
