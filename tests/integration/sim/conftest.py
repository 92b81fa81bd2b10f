"""The voice application that most of these tests call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.integration.sim.office import Office, open_office


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    """One office on a free port."""
    async with open_office() as office:
        yield office
