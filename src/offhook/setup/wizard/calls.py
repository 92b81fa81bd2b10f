"""The steps of the calls: a simulated one through the public address, then the owner's own. They change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp

from offhook.carrier.client import Carrier
from offhook.errors import SetupError
from offhook.setup.doctor.checks import selfcall
from offhook.setup.doctor.patient import examine
from offhook.setup.doctor.verdict import Finding
from offhook.setup.wizard.journey import Setup
from offhook.setup.wizard.keys import tell_finding
from offhook.setup.wizard.number import current
from offhook.setup.wizard.real_call import Watching
from offhook.setup.wizard.watch import Watch

#: A server that has just started may refuse its first call: its own check of the agent is not over.
ATTEMPTS: Final = 5
PAUSE_S: Final = 2.0
_PASSING: Final = frozenset({"not-ready", "no-stream", "skipped"})
CALL_S: Final = 600


def simulated(setup: Setup) -> None:
    """Call the server as Twilio would, signed, through its public address, and hear the greeting."""
    setup.tell.line("do", f"calling {setup.state.url} as Twilio would")
    findings = setup.run(_simulated(setup))
    for finding in findings:
        if finding.verdict in ("fail", "skip"):
            raise SetupError(f"the simulated call failed: {finding.found}", finding.fix)
        tell_finding(setup, finding)


async def _simulated(setup: Setup) -> Sequence[Finding]:
    findings: Sequence[Finding] = ()
    for attempt in range(ATTEMPTS):
        await asyncio.sleep(PAUSE_S if attempt else 0.0)
        async with aiohttp.ClientSession() as session:
            findings = await selfcall.run(examine(setup.folder, setup.environ, url=setup.state.url, session=session))
        if not any(finding.cause in _PASSING for finding in findings):
            break
    return findings


def real(setup: Setup) -> None:
    """Have the owner call the number, and watch that call until the greeting was heard."""
    number = current(setup)
    heard = f"{setup.state.url} {number.sid}"
    if setup.state.heard == heard:
        setup.tell.line("ok", f"a greeting was heard here before; call {number.e164} whenever you like")
        return
    if not setup.is_calling or setup.ask.known("call") is False:
        setup.tell.line("note", f"left out, as you wished; call {number.e164} whenever you like")
        return
    setup.run(_watched(setup, float(setup.ask.known("call_s") or CALL_S)))
    setup.remember(heard=heard)
    setup.tell.line("ok", f"the greeting was heard: {number.e164} is answered by your agent")


async def _watched(setup: Setup, within_s: float) -> None:
    settings = setup.settings
    async with aiohttp.ClientSession() as session, Carrier.of(settings) as carrier:
        number = await carrier.numbers.fetch(setup.state.number_sid)
        watch = Watch.of(session, setup.state.url, settings)
        watching = Watching(watch, carrier, number, setup.root, lambda line: setup.tell.line("", line))
        await watching.begin()
        setup.tell.line("do", f"now call {number.e164} from your phone, and listen")
        await watching.until_heard(within_s)
