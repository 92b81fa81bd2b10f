"""What a check is, and how all are run at once within a few seconds. Knows no particular check."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, skip

Run = Callable[[Patient], Awaitable[Sequence[Finding]]]

#: One check's patience, and that of all together. What is not done by then says so; the others are told. With the
#: start and the end of the program it stays below the 15 s that people are promised.
CHECK_S: Final = 10.0
ALL_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``looks_at`` is a phrase for the docs; ``network`` says that it asks other machines.

    ``run`` returns at least one finding and raises nothing but defects of ours.
    """

    name: str
    looks_at: str
    run: Run
    network: bool = False


async def run_checks(
    checks: Sequence[Check], patient: Patient, told: Callable[[Finding], None] = lambda _: None
) -> list[Finding]:
    """Run all checks side by side and return their findings in the order of the list; ``told`` hears them in it, too.

    Each is told as soon as those before it are known, so that nobody looks at an empty screen. Without a session in
    ``patient`` the checks that need the network are left out.
    """
    wanted = [check for check in checks if patient.session is not None or not check.network]
    found: dict[str, Sequence[Finding]] = {}
    untold = list(wanted)

    def tell() -> None:
        while untold and untold[0].name in found:
            for finding in found[untold.pop(0).name]:
                told(finding)

    async def one(check: Check) -> None:
        found[check.name] = await _findings(check, patient)
        tell()

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(check)) for check in wanted]
        _, late = await asyncio.wait(running, timeout=ALL_S) if running else ((), set())
        for task in late:
            task.cancel()
    for check in wanted:
        found.setdefault(check.name, [skip(check.name, "did not end in time")])
    tell()
    return [finding for check in wanted for finding in found[check.name]]


async def _findings(check: Check, patient: Patient) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check.run(patient)
    except TimeoutError:
        return [
            Finding(
                check.name,
                "fail",
                f"no answer within {CHECK_S:.0f} s",
                cause="timeout",
                expected="an answer within seconds",
                fix="look at this machine's connection to the internet, then run the doctor again",
            )
        ]
