"""The place "this laptop": starts server and tunnel as a process beside, for as long as the wizard lives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from offhook.errors import SetupError
from offhook.setup.tunnel import cloudflared, ngrok_agent, ngrok_sdk
from offhook.setup.tunnel.choose import apis_of
from offhook.setup.wizard.journey import Setup
from offhook.setup.wizard.number import consent, current

#: Where the server's own log goes meanwhile, seen from the project's folder.
LOG: Final = Path(".offhook") / "setup.log"
ATTEMPTS: Final = 6
_ANSWERS: Final = "answers at "
_END_S: Final = 15.0


def serve(setup: Setup) -> None:
    """Start the server here, open the tunnel, point the number at it; all is as before when the wizard ends."""
    _have_tunnel(setup)
    number = current(setup)
    may_take = consent(setup, number.wiring)
    root = setup.root
    setup.confirm(
        f"Twilio, for {number.e164}, until the wizard ends",
        [
            f"VoiceUrl: {number.wiring.voice_url or 'nothing'} → {root}/voice at the tunnel's address",
            f"StatusCallback: {number.wiring.status_url or 'nothing'} → {root}/status at the tunnel's address",
            *(f"{kind}: taken off" for kind in may_take),
        ],
    )
    setup.remember(url=_started(setup, ",".join(may_take)))
    setup.tell.line("ok", f"the server is healthy at {setup.state.url}")


def _started(setup: Setup, takes: str) -> str:
    """Start the server and return its public address. One that a killed wizard has left goes within seconds."""
    for attempt in range(ATTEMPTS, 0, -1):
        with contextlib.ExitStack() as stack:
            process = stack.enter_context(_running(setup, takes))
            try:
                url = _ready(setup, process)
            except SetupError as error:
                if attempt == 1 or "cannot listen" not in error.said:
                    raise
            else:
                setup.ends.push(stack.pop_all())
                return url
        setup.run(asyncio.sleep(1.0))
    raise AssertionError("the last attempt returns or raises")


def _have_tunnel(setup: Setup) -> None:
    """Ask for ngrok's authtoken where no tunnel could be opened without it."""
    dev = setup.settings.dev
    if dev.tunnel not in ("auto", "ngrok") or ngrok_sdk.token_of(setup.environ, setup.folder):
        return
    is_other = cloudflared.program() is not None or setup.run(ngrok_agent.endpoints(apis_of(dev))) is not None
    if dev.tunnel == "auto" and is_other:
        return
    setup.tell.line("", "Twilio must reach this computer, so a tunnel is opened: a public address that leads here.")
    setup.tell.line("", "ngrok is such a tunnel, not the server. Its token: dashboard.ngrok.com, Your Authtoken.")
    setup.secret("ngrok_authtoken", ngrok_sdk.NAME, "", "ngrok authtoken (it stays hidden as you paste)")


@contextlib.contextmanager
def _running(setup: Setup, takes: str) -> Iterator[subprocess.Popen[str]]:
    """Run the server; at the end close its input, which makes it put the number back and stop."""
    (setup.folder / LOG).parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "offhook.setup.wizard.here", setup.state.number_sid, takes]
    with (setup.folder / LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603  # ourselves; no secret is among the arguments
            command,
            cwd=setup.folder,
            env={**setup.environ, "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            start_new_session=os.name != "nt",  # Ctrl-C is for the wizard, which then closes our input
        )
    try:
        yield process
    finally:
        _end(setup, process)


def _end(setup: Setup, process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        for what, line in _told(process):
            if what == "number":
                setup.tell.line("", line)
        process.wait(_END_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
        raise
    finally:
        process.stdout.close()


def _told(process: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    assert process.stdout is not None
    for text in process.stdout:
        with contextlib.suppress(ValueError):
            what, line = json.loads(text)
            yield str(what), str(line)


def _ready(setup: Setup, process: subprocess.Popen[str]) -> str:
    """Tell what the server does until it is ready; return its public address."""
    url = ""
    for what, line in _told(process):
        match what:
            case "ready":
                return url
            case "failed":
                said, _, fix = line.partition("; ")
                raise SetupError(said, fix)
            case "server" if line.startswith(_ANSWERS):
                url = line.removeprefix(_ANSWERS)
        setup.tell.line("", f"{what}: {line}")
    raise SetupError(f"the server on this computer stopped; its log is {LOG}", "`offhook doctor` looks for the cause")


def stay(setup: Setup) -> None:
    """Keep answering until somebody stops it, where that is wished."""
    if setup.state.place != "laptop":
        return
    wished = setup.ask.known("stay")
    if wished is None and setup.ask.is_person:
        wished = setup.ask.agree("Keep answering calls on this computer until Ctrl-C?")
    if wished:
        setup.tell.line("do", "answering; Ctrl-C ends it and puts the number back")
        with contextlib.suppress(KeyboardInterrupt):  # that is how it ends well
            setup.run(_forever())


async def _forever() -> None:
    await asyncio.Event().wait()
