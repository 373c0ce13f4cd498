from collections.abc import AsyncIterator

import pytest

from gateway.clock import SystemClock
from gateway.virtual.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(SystemClock()) as home:
        yield home
