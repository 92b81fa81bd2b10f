"""Does the public address lead to this server? Asked before a number is pointed there. Changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import aiohttp

from offhook.errors import SetupError
from offhook.setup.doctor.checks import address
from offhook.setup.doctor.patient import Patient

#: A tunnel's name may be so new that the name servers do not know it yet.
_PATIENCE_S: Final = 45.0
_PAUSE_S: Final = 1.0
#: How often it is said that we still wait.
_REMIND_S: Final = 60.0
#: What passes by itself while a tunnel or a deployment comes up.
PASSING: Final = frozenset({"not-resolving", "gateway-502", "gateway-503", "tunnel-offline"})


async def must_lead_here(
    url: str,
    patience_s: float = _PATIENCE_S,
    told: Callable[[str], None] = lambda _: None,
    passing: Collection[str] = PASSING,
) -> None:
    """Wait until the address answers as offhook does; ``told`` hears that it takes a while.

    Raises SetupError that says what answers instead.
    """
    if (wrong := address.form(url)) is not None:
        raise SetupError(wrong.found, wrong.fix)
    loop = asyncio.get_running_loop()
    deadline, tell_at = loop.time() + patience_s, loop.time()
    async with aiohttp.ClientSession() as session:
        while True:
            patient = Patient(Path(), os.environ, url=url, session=session)
            finding = address.judge(await address.answered(patient))
            if finding.verdict == "ok":
                return
            if finding.cause not in passing or loop.time() >= deadline:
                raise SetupError(f"{url} does not lead here: {finding.found}", finding.fix)
            if loop.time() >= tell_at:
                left = deadline - loop.time()
                told(f"the address does not answer yet ({finding.found}); waiting up to {_spoken(left)} …")
                tell_at += _REMIND_S
            await asyncio.sleep(_PAUSE_S)


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 2 * _REMIND_S else f"{seconds:.0f} s"
