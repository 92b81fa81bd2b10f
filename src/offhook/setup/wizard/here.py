"""The server on this laptop for as long as the wizard lives: a process of its own. It asks nobody.

It is `offhook dev` without a terminal. When its standard input closes - because the wizard ended, however it ended - it
puts the number back and stops. What it does is one JSON list per line on its standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from offhook.errors import OffhookError
from offhook.setup.dev.run import Wanted, run


def _stop_with_the_wizard() -> None:
    """Wait for the end of our standard input, then stop as on Ctrl-C."""
    while os.read(0, 1024):
        pass
    signal.raise_signal(signal.SIGINT)


def say(what: str, line: str) -> None:
    """Tell the wizard one thing."""
    try:
        sys.stdout.write(json.dumps([what, line]) + "\n")
        sys.stdout.flush()
    except OSError:
        pass  # the wizard is gone; the number is put back all the same


def main(number: str, takes: str) -> int:
    """Serve ``number`` (its SID) from here; ``takes`` names what may be taken off it, with commas."""
    from offhook.config.load import load
    from offhook.observe.log import configure

    settings = load(folder=Path()).settings
    configure(settings.log.format, settings.log.level)
    threading.Thread(target=_stop_with_the_wizard, daemon=True).start()
    may_take = frozenset(name for name in takes.split(",") if name)
    try:
        return asyncio.run(run(Wanted(number=number, may_take=may_take), say))  # type: ignore[arg-type] # both are Takeable
    except OffhookError as error:
        say("failed", str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
