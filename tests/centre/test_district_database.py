"""What a district's PostgreSQL takes and gives back, and what it refuses."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from gateway.centre.database import DAY_MS
from gateway.centre.district.feed import Position
from gateway.centre.district.postgres import DistrictDatabase
from gateway.centre.district.retention import _MESSAGES, _OTHERS, Retention
from gateway.centre.district.rows import BatchShelf, Rows, alerts_of, keys_of
from gateway.centre.district.streams import Lane
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Access, Event, Notice, Outcome
from gateway.errors import ConfigurationError, StoreError
from tests.district import Postgres, needs_district
from tests.fakes_centre import HUB, T0, HandClock, alarm, birth, counted, received

pytestmark = [pytest.mark.broker, needs_district, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Postgres]:
    async with Postgres() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def postgres(server: Postgres) -> Postgres:
    await server.empty()
    return server


def batch(*bodies: dict[str, object]) -> Rows:
    """Return what a ledger that knows nothing makes of these."""
    shelf, rows = BatchShelf(), Rows()
    ledger = Ledger(shelf)
    for body in bodies:
        outcome = ledger.receive(received(body), T0)
        shelf.decided(outcome)
        rows.add(3, outcome, {})
    return rows


async def test_all_of_a_batch_is_there_again_after_a_restart(postgres: Postgres) -> None:
    rows = batch(birth(), alarm(1), alarm(2), counted("sum", 1), counted("sum", 3))
    told = Outcome(
        events=(Event(T0, Notice.PROTOCOL, HUB, "A1", "a NUL \x00 in it"),),
        access=(Access(T0, "kim", "close", HUB, "A1"),),
    )
    rows.add(3, told, {})
    position = Position("monday", 7)
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await database.commit(rows, {(Lane.REST, 3): position}, T0)
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        shelf = BatchShelf()
        ledger = await database.load(3, shelf)
        assert await database.position(Lane.REST, 3) == position
        assert await database.position(Lane.ALARM, 3) == Position()
        messages = [received(alarm(2)), received(counted("sum", 2))]
        await database.fill(shelf, keys_of(messages), alerts_of(messages))
    assert {key: case for key, (_, case) in rows.cases.items()} == ledger.cases
    assert ledger.households == {HUB: rows.homes[HUB][1]}
    assert ledger.progress == {key: value for key, (_, value) in rows.progress.items()}
    assert list(shelf.ids.values()) == ["A2"]
    assert shelf.cases == {"A2": ledger.cases["A2"]}
    (journal,) = await postgres.rows("SELECT detail FROM journal")
    assert journal["detail"] == "a NUL \N{REPLACEMENT CHARACTER} in it"
    (access,) = await postgres.rows("SELECT operator, action, subject FROM access")
    assert tuple(access) == ("kim", "close", "A1")


async def test_a_message_under_a_key_that_is_taken_undoes_the_whole_batch(
    postgres: Postgres,
) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await database.commit(batch(alarm(1)), {}, T0)
        with pytest.raises(StoreError, match="UniqueViolation"):
            await database.commit(batch(alarm(1, ident="B1"), alarm(2)), {}, T0)
    kept = await postgres.rows("SELECT id FROM message")
    assert [row["id"] for row in kept] == ["A1"]
    assert [row["id"] for row in await postgres.rows("SELECT id FROM alert")] == ["A1"]


async def test_an_alert_of_one_hub_is_not_changed_by_another_of_another_partition(
    postgres: Postgres,
) -> None:
    other = "b" * 26
    rows = batch(alarm(1, hub=other, sev=1))
    assert rows.cases["A1"][1].hub == other
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await database.commit(batch(alarm(1)), {}, T0)
        with pytest.raises(StoreError):
            await database.commit(rows, {}, T0)
    (alert,) = await postgres.rows("SELECT hub FROM alert")
    assert alert["hub"] == HUB
    assert len(await postgres.rows("SELECT 1 FROM message")) == 1


async def test_a_lock_ends_with_its_session_and_a_session_counts_while_it_hears(
    postgres: Postgres,
) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16) as first:
        assert await first.leases.take(5)
        assert await first.leases.members(hearing=True) == 1
        async with DistrictDatabase.open(postgres.dsn, 16) as second:
            assert await second.leases.members(hearing=True) == 2
            assert not await second.leases.take(5)
            assert await first.leases.members(hearing=False) == 1
            await first.leases.give(5)
            assert await second.leases.take(5)


async def test_another_number_of_partitions_is_refused(postgres: Postgres) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16):
        pass
    with pytest.raises(ConfigurationError, match="16"):
        async with DistrictDatabase.open(postgres.dsn, 8):
            pass


async def kept(postgres: Postgres, table: str) -> list[str]:
    rows = await postgres.rows(f"SELECT id FROM {table} ORDER BY id")  # noqa: S608 - a name of ours
    return [row["id"] for row in rows]


async def after(days: int, postgres: Postgres, retain: int = 90) -> Retention:
    """Let so many days pass, and delete one row at a time."""
    retention = Retention(postgres.dsn, retain, HandClock(T0 + days * DAY_MS), step=1)
    await retention.once()
    return retention


async def test_what_was_kept_long_enough_is_deleted_and_what_is_open_is_not(
    postgres: Postgres,
) -> None:
    rows = batch(alarm(1), alarm(2), *(counted("sum", seq) for seq in (1, 2, 3)))
    closed = replace(rows.cases["A2"][1], closed_ms=T0)
    rows.cases["A2"] = (3, closed)
    rows.add(3, Outcome(access=(Access(T0, "kim", "close", HUB, "A2"),)), {})
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await database.commit(rows, {}, T0)
    whole = await kept(postgres, "message")
    assert (len(whole), (await after(89, postgres)).deleted) == (5, 0)
    assert (await after(91, postgres)).deleted == 3
    assert await kept(postgres, "message") == ["A1", "A2"]
    assert (await after(729, postgres)).deleted == 0
    assert (await after(731, postgres)).deleted == 4
    assert await kept(postgres, "alert") == ["A1"]


async def test_a_district_may_keep_telemetry_for_a_week_and_keeps_its_alarms(
    postgres: Postgres,
) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await database.commit(batch(alarm(1), counted("sum", 1), counted("event", 1)), {}, T0)
    await after(8, postgres, retain=7)
    assert await kept(postgres, "message") == ["A1"]


async def test_the_oldest_are_found_by_an_index_and_not_by_reading_everything(
    postgres: Postgres,
) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16):
        pass
    messages = _MESSAGES.replace("$1", "1").replace("$2", "'sum'").replace("$3", "1")
    alerts = _OTHERS[0].replace("$1", "1").replace("$2", "1")
    for statement in (messages, alerts):
        plan = await postgres.rows(f"EXPLAIN {statement}")
        assert any("Index" in row[0] and "_age" in row[0] for row in plan), plan


async def test_a_database_that_cannot_delete_is_told_and_goes_on_storing(
    postgres: Postgres,
) -> None:
    async with DistrictDatabase.open(postgres.dsn, 16) as database:
        await postgres.rows("ALTER TABLE journal RENAME TO elsewhere")
        with pytest.raises(StoreError, match="journal"):
            await after(91, postgres)
        assert await database.position(Lane.REST, 3) == Position()
