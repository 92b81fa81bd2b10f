"""The stand-in and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.kit.railway.project import answering, written
from tests.kit.railway.standin import ACCOUNT_TOKEN, RailwayStandIn

from offhook.setup.railway.api import Railway, Token


@pytest.fixture
async def railway(tmp_path: Path) -> AsyncIterator[RailwayStandIn]:
    """A stand-in with one repository, ``owner/quick``; at its end, no request of ours may have been invalid."""
    async with RailwayStandIn() as railway:
        railway.code.repositories["owner/quick"] = written(tmp_path / "quick", answering())
        yield railway
        assert railway.invalid == []


@pytest.fixture
async def api(railway: RailwayStandIn) -> AsyncIterator[Railway]:
    """A client with an account token that looks often."""
    async with aiohttp.ClientSession() as session:
        yield Railway(session, Token("bearer", ACCOUNT_TOKEN), railway.url, look_s=0.02)
