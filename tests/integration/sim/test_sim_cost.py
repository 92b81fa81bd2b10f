"""The measurement of what a simulated call costs runs, and loses no frame. Its speed is for `docs/`, not for a test."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvloop", reason="the measurement runs on uvloop")
ROOT = Path(__file__).parents[3]


async def test_every_frame_that_is_due_goes_out():
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.twins.twilio", "5", "2"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        told, _ = await made.communicate()
    figures = json.loads(told)
    assert figures["frames_dropped"] == figures["complaints"] == 0
    assert figures["frames_sent"] == pytest.approx(figures["frames_due"], rel=0.1)
    assert figures["heard_s"] >= figures["said_s"] * 0.9
