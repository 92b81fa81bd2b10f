"""Legal randomness: what the vendor may do one way or the other, chosen for each call by a seed. Values only.

Nothing here is a fault: a client that cannot live with any of it will fail on a real line some day. The same seed and
the same number of the call give the same choice.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from offhook.offline.faults import Faults, Sent
from offhook.offline.manners import Manners

#: Messages the vendor sends sometimes (Voice Agent reference, "Normal voice turn").
OPTIONAL: Final[tuple[Sent, ...]] = ("AgentStartedSpeaking", "AgentThinking", "LatencyReport")
#: Longest a varied Welcome or SettingsApplied takes.
LATEST_S: Final = 0.3


def varied(seed: int, index: int, faults: Faults, manners: Manners) -> tuple[Faults, Manners]:
    """Return both with everything that is open chosen; a fault that was asked for stays."""
    dice = random.Random(f"{seed}/{index}")  # noqa: S311  # repeatable on purpose
    pace = replace(
        manners.pace,
        frame_bytes=dice.choice((160, 160, 320, 960)),
        speed=dice.uniform(10, 20),
        burst_ms=dice.choice((200, 400, 800)),
    )
    chosen = replace(
        manners,
        pace=pace,
        refusal=dice.choice(("message", "warning")),
        error_close=dice.choice((1005, 1005, 1000, 1011)),
        acks=dice.choice(("at_once", "after_audio")),
        ids=dice.choice(("call", "fc")),
        text_first=dice.random() < 0.5,
        report_first=dice.random() < 0.5,
        sparse_reports=dice.random() < 0.5,
        behavior=dice.random() < 0.8,
    )
    omitted = frozenset(kind for kind in OPTIONAL if dice.random() < 0.3)
    odd = dice.getrandbits(32) if dice.random() < 0.5 else None
    delays = dice.uniform(0, LATEST_S), dice.uniform(0, LATEST_S)
    return replace(
        faults,
        omitted=faults.omitted | omitted,
        odd_frames=odd if faults.odd_frames is None and faults.frame_bytes is None else faults.odd_frames,
        unknown=faults.unknown or dice.random() < 0.4,
        welcome_delay_s=faults.welcome_delay_s or delays[0],
        apply_delay_s=faults.apply_delay_s or delays[1],
    ), chosen
