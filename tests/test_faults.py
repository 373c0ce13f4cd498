"""A fixed handful of the fault harness's runs; `scripts/fault_run` does as many as one likes."""

from collections.abc import AsyncIterator

import pytest

from tests.brokers import needs_mosquitto
from tests.faults.children import Nursery
from tests.faults.plan import plan
from tests.faults.run import run

QUICK = ("kills", "points", "wire", "centre", "broker", "corrupt", "clock", "meddler")

pytestmark = [needs_mosquitto, pytest.mark.broker]


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    async with Nursery() as each:
        yield each


@pytest.mark.timeout(120)
async def test_whatever_is_broken_every_cry_is_stored_exactly_once(nursery: Nursery) -> None:
    for number, theme in enumerate(QUICK):
        account = await run(nursery, plan(number, theme))
        assert account.caused == 10
        assert account.good, account
