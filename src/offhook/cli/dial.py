"""`offhook dial`: calls any Media Streams server as Twilio would, and says what the caller heard. Not a load test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from offhook.scenario.shape import CallerPart
    from offhook.scenario.target import Target
    from offhook.sim.call import SimulatedCall
    from offhook.sim.caller import Step
    from offhook.sim.events import Event
    from offhook.sim.options import CallOptions

Network = Literal["none", "landline", "mobile", "poor-mobile", "intercontinental"]
Trial = Literal["current", "legacy"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dial")(dial)


def dial(
    url: Annotated[
        str, typer.Argument(help="A voice webhook (http, https) or a stream (ws, wss).")
    ] = "http://127.0.0.1:8080/twilio/voice",
    say: Annotated[list[str] | None, typer.Option("--say", help="What the caller says; repeat for more lines.")] = None,
    audio: Annotated[
        list[Path] | None, typer.Option("--audio", help="A recording to say: WAV or raw .ulaw; repeat for more.")
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", metavar="FILE|NAME", help="A scenario: a file, or a name of `offhook test --list`."),
    ] = None,
    caller: Annotated[str | None, typer.Option("--from", help="The caller's number.")] = None,
    called: Annotated[str | None, typer.Option("--to", help="The called number.")] = None,
    token_env: Annotated[
        str, typer.Option("--auth-token-env", help="Name of the variable (environment or .env) with the auth token.")
    ] = "TWILIO_AUTH_TOKEN",  # noqa: S107 - the name of a variable, not a secret
    account_sid: Annotated[
        str | None, typer.Option("--account-sid", help="The account; otherwise TWILIO_ACCOUNT_SID.")
    ] = None,
    sign_as: Annotated[
        str | None, typer.Option("--sign-as", help="The server's public URL, where it is not the one dialled.")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="GET or POST for the voice webhook.")] = "POST",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="NAME=VALUE for the start of a stream dialled directly.")
    ] = None,
    fallback: Annotated[str | None, typer.Option("--fallback", help="The number's fallback URL.")] = None,
    network: Annotated[
        Network | None, typer.Option("--network", help="The telephone network behind the caller.")
    ] = None,
    patience: Annotated[
        float | None, typer.Option("--patience", help="Hang up when nothing was heard for so many seconds.", min=0.5)
    ] = None,
    placed: Annotated[
        bool, typer.Option("--placed", help="Twilio places the call; the one who is called says what is said.")
    ] = False,
    trial: Annotated[Trial | None, typer.Option("--trial", help="The account is a trial's, of this kind.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for call.wav and call.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds until the call is cut off.", min=1)] = 300.0,
) -> None:
    """Call a server as Twilio would: signed, with real timing, and with a caller who listens.

    Exit code 0: a stream was established, something audible was heard, and there is no complaint. 1: there is a
    reason, and it is printed. 130: Ctrl-C.
    """
    import msgspec
    from msgspec.structs import replace

    from offhook.cli.credentials import credentials
    from offhook.cli.running import run_loop
    from offhook.scenario.shape import DetectionTable
    from offhook.scenario.target import Target

    if sum(bool(given) for given in (say, audio, scenario)) > 1:
        raise typer.BadParameter("give one of --say, --audio and --scenario")
    if any(not line.strip() for line in say or ()):
        raise typer.BadParameter("nothing to say", param_hint="--say")
    if method.upper() not in ("GET", "POST"):
        raise typer.BadParameter("--method is GET or POST")
    for name, address in {"URL": url, "--sign-as": sign_as, "--fallback": fallback}.items():
        _check_address(name, address)
    who, folder = _caller(say or [], audio or [], scenario)
    token, account = credentials(token_env, account_sid)
    chosen = {
        "caller": caller,
        "to": called,
        "parameters": {**who.parameters, **_parameters(parameter or [])},
        "network": network,
        "trial": trial,
        "life": replace(who.life, patience_s=patience) if patience else None,
        "detection": msgspec.convert({}, DetectionTable) if placed else None,
    }
    who = replace(who, **{name: value for name, value in chosen.items() if value is not None})
    target = Target(url, token, account) if sign_as is None else Target.public(url, sign_as, token, account)
    how = _Manner(target, method.upper(), fallback, timeout)
    _check_folder(out)
    raise typer.Exit(run_loop(_dial(who, folder, how, out, as_json=as_json)))


def _caller(say: Sequence[str], audio: Sequence[Path], wanted: str | None) -> tuple[CallerPart, Path]:
    """Return who calls, and where recordings are: a scenario's caller, or one who says each line after the agent's."""
    from offhook.scenario.shape import CallerPart
    from offhook.sim.scenario import FileStep, SayStep, WaitForAgentStep

    if wanted is not None:
        return _caller_of(wanted)
    steps: list[FileStep] = [WaitForAgentStep()]
    for text in say:
        steps += [SayStep(text=text), WaitForAgentStep()]
    for path in audio:
        steps += [SayStep(audio=str(path)), WaitForAgentStep()]
    return CallerPart(steps=steps), Path()


def _caller_of(wanted: str) -> tuple[CallerPart, Path]:
    """Return the caller of a scenario; its agent and what is expected are `offhook test`'s business."""
    from offhook.scenario.catalogue import find
    from offhook.scenario.reading import ScenarioError

    try:
        found = find(wanted)
    except (ScenarioError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None
    if len(found) != 1:
        raise typer.BadParameter("one scenario, please, not a folder", param_hint="--scenario")
    return found[0].scenario.who, found[0].folder


def _check_address(name: str, address: str | None) -> None:
    from offhook.sim.address import stream_address, web_address
    from offhook.sim.complaints import LineFault

    if address is None:
        return
    may_stream = name != "--fallback" and address.strip().startswith(("ws:", "wss:"))
    try:
        stream_address(address) if may_stream else web_address(address)
    except LineFault as fault:
        kinds = "http://, https://, ws:// or wss://" if name == "URL" else "http:// or https://"
        raise typer.BadParameter(f"{fault.text}; give a whole {kinds} address", param_hint=name) from None


def _check_folder(out: Path | None) -> None:
    """Make the folder before anything is dialled: what a call has told cannot be had again."""
    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be made: {error.strerror}", param_hint="--out") from None


def _parameters(given: Sequence[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if any(not name or not equals for name, equals, _ in pairs):
        raise typer.BadParameter("--parameter is NAME=VALUE")
    return {name: value for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the server is called; the rest is the caller's."""

    target: Target
    method: str
    fallback_url: str | None
    limit_s: float


async def _dial(who: CallerPart, folder: Path, how: _Manner, out: Path | None, *, as_json: bool) -> int:
    from offhook.cli.call_log import line_of, reasons_of, summary_of
    from offhook.sim.call import SimulatedCall

    is_read = not as_json

    def print_event(event: Event) -> None:
        nonlocal is_read
        if not is_read or (line := line_of(event)) is None:
            return
        try:
            typer.echo(line)
        except OSError:  # nobody reads any more: the call goes on to its end all the same
            is_read = False

    steps, options = await _prepared(who, folder, how)
    call = SimulatedCall(how.target.url, steps, options, print_event)
    is_written = False
    try:
        report = await call.run()
    finally:
        is_written = out is not None and _write(call, out)
    is_good = report.ok and is_written is (out is not None)
    if as_json:
        import json

        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        return 0 if is_good else 1
    typer.echo("")
    for line in summary_of(report):
        typer.echo(line)
    if is_written and out is not None:
        typer.echo(f"written: {out / 'call.wav'}, {out / 'call.json'}")
    for reason in reasons_of(report, signed=options.auth_token is not None):
        typer.echo(f"not in order: {reason}", err=True)
    if report.ok:
        typer.echo("in order: no complaints")
    return 0 if is_good else 1


async def _prepared(who: CallerPart, folder: Path, how: _Manner) -> tuple[list[Step], CallOptions]:
    """Return what the caller does, with its audio, and how the call is made."""
    from dataclasses import replace

    from offhook.cli.caller_voice import CallerVoice
    from offhook.scenario.caller import options_of, steps_of
    from offhook.scenario.reading import Named, ScenarioError
    from offhook.scenario.shape import Scenario

    try:
        async with CallerVoice() as voice:
            steps = await steps_of(Named("the caller", Scenario(caller=who), folder), voice.say)
            options = await options_of(who, how.target, voice.say)
    except ScenarioError as error:
        raise typer.BadParameter(str(error)) from None
    return steps, replace(options, method=how.method, fallback_url=how.fallback_url, limit_s=how.limit_s)


def _write(call: SimulatedCall, out: Path) -> bool:
    try:
        call.write(out)
    except OSError as error:
        typer.echo(f"offhook dial: {out} cannot be written: {error.strerror}", err=True)
        return False
    return True
