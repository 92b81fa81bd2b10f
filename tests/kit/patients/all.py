"""Every seeded set-up, and the table of them for the docs."""

from __future__ import annotations

from tests.kit.patients.addresses import ADDRESSES
from tests.kit.patients.local import LOCAL
from tests.kit.patients.railway import RAILWAY
from tests.kit.patients.tunnels import TUNNELS
from tests.kit.patients.twilio import TWILIO
from tests.kit.patients.vendors import VENDORS

SEEDS = [*LOCAL, *VENDORS, *TWILIO, *ADDRESSES, *TUNNELS, *RAILWAY]


def table() -> str:
    """Return the table as Markdown."""
    rows = [f"| {seed.words} | {seed.verdict} | `{seed.check}` | `{seed.cause}` |" for seed in SEEDS]
    return "\n".join(["| set-up | verdict | check | case |", "| --- | --- | --- | --- |", *rows, ""])
