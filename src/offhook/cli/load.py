"""`offhook load`: many calls at once on a server of this machine, and what they cost. Figures are for `benchmarks/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import IO, TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import asyncio

    from offhook.sim.load import Load, LoadReport

#: For a server that we start: until it says it is ready, and until it has stopped.
READY_S = 60.0
STOP_S = 10.0
PUBLIC_URL = "https://load.example"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load")(load)


def load(
    calls: Annotated[int, typer.Option(help="Calls at once.", min=1, max=1000)] = 50,
    seconds: Annotated[float, typer.Option(help="How long all of them talk.", min=0.5, max=3600)] = 10.0,
    url: Annotated[
        str | None, typer.Option(help="A running server on this machine: voice webhook (http) or stream (ws).")
    ] = None,
    agent_port: Annotated[
        int, typer.Option(help="Port of the load's own agent; with --url the server must look for its agent there.")
    ] = 5101,
    sign_as: Annotated[str | None, typer.Option(help="Public URL of the server at --url, for the signatures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
) -> None:
    """Put real-time calls on a local server and report added delay, exactness, CPU and leaked sockets.

    Without --url a server is started for it and stopped again. Exit code 0: every call was answered and every frame
    was right; 1: not, with the reasons. With --url the token that signs comes from TWILIO_AUTH_TOKEN.
    """
    from offhook.cli.running import run_loop
    from offhook.sim.load import is_local

    if url is not None and not is_local(url):
        raise typer.BadParameter("load goes to this machine only (127.0.0.1, ::1, localhost)", param_hint="--url")
    raise typer.Exit(run_loop(_load(calls, seconds, url, agent_port, sign_as, as_json=as_json)))


async def _load(
    calls: int, seconds: float, url: str | None, agent_port: int, sign_as: str | None, *, as_json: bool
) -> int:
    import json
    import os

    from offhook.sim.load import Load, LoadPlan

    async with Load(agent_port if url else 0) as load_:
        if url:
            if not as_json:
                typer.echo(f"for exactness the server's DEEPGRAM_AGENT_URL must be {load_.agent_url}")
            account = os.environ.get("TWILIO_ACCOUNT_SID") or LoadPlan("").account_sid
            token = os.environ.get("TWILIO_AUTH_TOKEN") or None
            plan = LoadPlan(url, calls, seconds, auth_token=token, account_sid=account, sign_as=sign_as)
            report = await load_.run(plan)
        else:
            report = await _on_own_server(load_, calls, seconds, quiet=as_json)
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(_lines(report)))
    return 0 if report.is_good else 1


async def _on_own_server(load_: Load, calls: int, seconds: float, *, quiet: bool) -> LoadReport:
    import secrets

    from offhook.cli.free_port import free_port
    from offhook.sim.load import LoadPlan

    token, account = secrets.token_hex(16), f"AC{secrets.token_hex(16)}"
    port = free_port()
    environment = {
        "PORT": str(port),
        "TWILIO_ACCOUNT_SID": account,
        "TWILIO_AUTH_TOKEN": token,
        "DEEPGRAM_API_KEY": secrets.token_hex(20),
        "DEEPGRAM_AGENT_URL": load_.agent_url,
        "OFFHOOK_PUBLIC_URL": PUBLIC_URL,
        "OFFHOOK_LIMITS__CALLS": str(calls + 1),
        "OFFHOOK_LIMITS__CALLS_PER_SECOND": "1000",
        "OFFHOOK_LIMITS__CALLS_BURST": "1000",
        "OFFHOOK_LIMITS__CONNECTIONS": str(4 * calls + 100),
    }
    async with _server(environment, port) as process:
        if not quiet:
            typer.echo(f"{calls} calls for {seconds:g} s on a server of its own (port {port}) …")
        plan = LoadPlan(
            f"http://127.0.0.1:{port}/twilio/voice",
            calls,
            seconds,
            auth_token=token,
            account_sid=account,
            sign_as=PUBLIC_URL,
        )
        return await load_.run(plan, _cpu_meter(process.pid))


@asynccontextmanager
async def _server(environment: dict[str, str], port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `offhook serve` as a child process until the block ends. Raises `OurError` with its last words."""
    import asyncio
    import os
    import sys
    import tempfile

    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "offhook", "serve", "--host", "127.0.0.1"),
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            await _ready(process, port, log)
            yield process
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()  # nobody's calls are on it: Ctrl-C does not wait for its drain
            raise
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, port: int, log: IO[bytes]) -> None:
    import asyncio

    import aiohttp

    from offhook.errors import OffhookError

    deadline = asyncio.get_running_loop().time() + READY_S
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        while process.returncode is None and asyncio.get_running_loop().time() < deadline:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)
    log.seek(0)
    typer.echo(log.read()[-2000:].decode(errors="replace"), err=True)
    raise OffhookError(server="did not become ready", exit=process.returncode)


def _cpu_meter(pid: int) -> Callable[[], float | None]:
    """Return a meter of the process's CPU seconds; it says ``None`` where this machine does not tell them."""
    import os
    from pathlib import Path

    stat = Path(f"/proc/{pid}/stat")

    def cpu_s() -> float | None:
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    return cpu_s


def _lines(report: LoadReport) -> list[str]:
    """Say it in words."""

    def ms(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    lines = [f"calls            {report.audible} of {report.calls} heard their agent"]
    lines += [f"  failed         {count}: {why}" for why, count in report.failures.items()]
    for name, delay in (
        ("caller → agent", report.up_delay),
        ("agent → caller", report.down_delay),
        ("clear", report.clear_round_trip),
        ("first audio", report.first_audio),
        ("load's lateness", report.load_lateness),
    ):
        lines.append(f"{name:<16} p50 {ms(delay.p50_ms)} ms, p99 {ms(delay.p99_ms)} ms, max {ms(delay.max_ms)} ms")
    if report.cpu_ms_per_call_second is not None:
        lines.append(f"CPU              {report.cpu_ms_per_call_second:.2f} ms per call-second")
    for name, side in (("caller → agent", report.up), ("agent → caller", report.down)):
        wrong = f"{side.lost} lost, {side.repeated} repeated, {side.corrupt} corrupt"
        lines.append(f"{name:<16} {side.frames} frames, " + ("exact" if side.is_exact else wrong))
    lines.append(f"clears           {report.clears_due} due, {report.clears_missed} missed or late")
    lines.append(f"agent sockets    {report.leaked_agent_sockets} left open")
    if not report.agent_was_reached:
        lines.append("exactness        not checked: the server spoke to another agent than the load's")
    if (report.load_lateness.p99_ms or 0) > 5:
        lines.append("the load itself was late: this machine is too busy for these figures")
    return [*lines, "good" if report.is_good else "NOT good"]
