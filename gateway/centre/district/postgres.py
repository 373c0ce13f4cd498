"""The district's memory: PostgreSQL, one transaction for each batch, before any `stored`.

One session a worker, which holds the locks of its partitions (leases.py) and writes for them: when
it ends, for whatever reason, everything begins again from what was committed. A commit whose answer
never came is no special case: the position says whether it was done.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from importlib.resources import files

import asyncpg

from gateway.centre.database import DAY_MS, KEEP_DAYS
from gateway.centre.district.feed import Position
from gateway.centre.district.leases import Leases
from gateway.centre.district.rows import BatchShelf, MessageKey, Rows
from gateway.centre.district.streams import Lane
from gateway.centre.household import Household
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import StreamKey
from gateway.centre.progress import Progress
from gateway.centre.rows import alert_row, as_json, case_of
from gateway.errors import ConfigurationError, StoreError

VERSION = 1
ANSWER_S = 15.0
SESSION = {
    "application_name": "ansim-centre",
    # A worker speaks once a second; one that is stopped or cut off loses its locks.
    "idle_session_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "synchronous_commit": "on",
}
_MAKING = 0x616E7376  # "ansv": who makes the tables

_MESSAGES = """INSERT INTO message (hub, epoch, stream, seq, id, received_ms, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
$7::text[])"""
_FIND = """SELECT m.hub, m.epoch, m.stream, m.seq, m.id FROM message m
JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS k (hub, epoch, stream, seq)
ON m.hub = k.hub AND m.epoch = k.epoch AND m.stream = k.stream AND m.seq = k.seq"""
_PROGRESS = """INSERT INTO progress (hub, epoch, stream, part, high, announced, islands)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::bigint[],
$6::bigint[], $7::text[]) ON CONFLICT (hub, epoch, stream) DO UPDATE
SET high = excluded.high, announced = excluded.announced, islands = excluded.islands"""
# An alert belongs to one hub: what another says of it under the same id changes nothing.
_ALERTS = """INSERT INTO alert (id, hub, part, kind, matter, word, cause, received_ms, closed_ms,
whole) SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[],
$6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[]) ON CONFLICT (id) DO UPDATE
SET kind = excluded.kind, matter = excluded.matter, word = excluded.word, cause = excluded.cause,
closed_ms = excluded.closed_ms, whole = excluded.whole WHERE alert.hub = excluded.hub"""
_HOMES = """INSERT INTO household (hub, part, heard_ms, whole)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::text[])
ON CONFLICT (hub) DO UPDATE SET heard_ms = excluded.heard_ms, whole = excluded.whole"""
_POSITIONS = """INSERT INTO position (lane, part, made, seq) VALUES ($1, $2, $3, $4)
ON CONFLICT (lane, part) DO UPDATE SET made = excluded.made, seq = excluded.seq"""

Positions = dict[tuple[Lane, int], Position]


class DistrictDatabase:
    """One session."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.leases = Leases(connection)

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, partitions: int) -> AsyncIterator["DistrictDatabase"]:
        """Connect, and make the tables if there are none; StoreError when there is no database."""
        with failing():
            connection = await asyncpg.connect(
                dsn, timeout=ANSWER_S, command_timeout=ANSWER_S, server_settings=SESSION
            )
        try:
            database = cls(connection)
            with failing():
                await database._prepare(partitions)
            yield database
        finally:
            connection.terminate()  # the locks end now, not when a goodbye has been answered

    async def _prepare(self, partitions: int) -> None:
        async with self._connection.transaction():
            await self._connection.execute("SELECT pg_advisory_xact_lock($1)", _MAKING)
            if await self._connection.fetchval("SELECT to_regclass('district')") is None:
                schema = files("gateway.centre.district").joinpath("schema_v1.sql")
                await self._connection.execute(schema.read_text("utf-8"))
                await self._connection.execute(
                    "INSERT INTO district VALUES ($1, $2)", VERSION, partitions
                )
            row = await self._connection.fetchrow("SELECT version, partitions FROM district")
        if row is None or (row["version"], row["partitions"]) != (VERSION, partitions):
            raise ConfigurationError(
                f"the database has {dict(row or {})}, this worker version {VERSION} and"
                f" {partitions} partitions: they are fixed when it is made"
            )

    async def load(self, partition: int, shelf: BatchShelf) -> Ledger:
        """Return a partition's ledger as it was last committed."""
        with failing():
            alerts = await self._connection.fetch(
                "SELECT whole FROM alert WHERE closed_ms IS NULL AND part = $1", partition
            )
            homes = await self._connection.fetch(
                "SELECT whole FROM household WHERE part = $1", partition
            )
            streams = await self._connection.fetch(
                "SELECT * FROM progress WHERE part = $1", partition
            )
        cases = [case_of(row["whole"]) for row in alerts]
        households = [Household(**json.loads(row["whole"])) for row in homes]
        return Ledger(
            shelf=shelf,
            cases={case.id: case for case in cases},
            households={home.hub: home for home in households},
            progress=dict(map(_progress_of, streams)),
        )

    async def position(self, lane: Lane, partition: int) -> Position:
        """Return how far a feed was read when it was last committed."""
        with failing():
            row = await self._connection.fetchrow(
                "SELECT made, seq FROM position WHERE lane = $1 AND part = $2", lane, partition
            )
        return Position(row["made"], row["seq"]) if row else Position()

    async def fill(self, shelf: BatchShelf, keys: list[MessageKey], alerts: list[str]) -> None:
        """Put on the shelf what was committed under these keys, and nothing else."""
        shelf.ids.clear()
        shelf.cases.clear()
        with failing():
            if keys:
                columns = [list(column) for column in zip(*keys, strict=True)]
                for row in await self._connection.fetch(_FIND, *columns):
                    shelf.ids[row["hub"], row["epoch"], row["stream"], row["seq"]] = row["id"]
            if alerts:
                found = await self._connection.fetch(
                    "SELECT whole FROM alert WHERE id = ANY($1)", alerts
                )
                cases = (case_of(row["whole"]) for row in found)
                shelf.cases.update((case.id, case) for case in cases)

    async def commit(self, rows: Rows, positions: Positions, at_ms: int) -> None:
        """Write all of it or none and raise StoreError."""
        with failing():
            async with self._connection.transaction():
                if rows.messages:
                    await self._connection.execute(_MESSAGES, *_messages(rows, at_ms))
                if rows.progress:
                    await self._connection.execute(_PROGRESS, *_progress(rows))
                if rows.cases:
                    done = await self._connection.execute(_ALERTS, *_alerts(rows))
                    if done != f"INSERT 0 {len(rows.cases)}":
                        raise StoreError("an alert of one hub came from another at the same time")
                if rows.homes:
                    await self._connection.execute(_HOMES, *_homes(rows))
                await self._log(rows)
                where = [(lane, part, p.made, p.seq) for (lane, part), p in positions.items()]
                if where:
                    await self._connection.executemany(_POSITIONS, where)

    async def _log(self, rows: Rows) -> None:
        if rows.events:
            events = [tuple(map(_clean, asdict(event).values())) for event in rows.events]
            await self._connection.executemany(
                "INSERT INTO journal VALUES ($1, $2, $3, $4, $5)", events
            )
        if rows.access:
            entries = [tuple(asdict(entry).values()) for entry in rows.access]
            await self._connection.executemany(
                "INSERT INTO access VALUES ($1, $2, $3, $4, $5)", entries
            )

    async def prune(self, now_ms: int) -> None:
        """Delete what has been kept long enough."""
        with failing():
            for stream, days in KEEP_DAYS.items():
                await self._connection.execute(
                    "DELETE FROM message WHERE stream = $1 AND received_ms < $2",
                    stream,
                    now_ms - days * DAY_MS,
                )
            old = now_ms - KEEP_DAYS["access"] * DAY_MS
            await self._connection.execute("DELETE FROM access WHERE at_ms < $1", old)
            await self._connection.execute("DELETE FROM journal WHERE at_ms < $1", old)
            await self._connection.execute("DELETE FROM alert WHERE closed_ms < $1", old)


@contextmanager
def failing() -> Iterator[None]:
    """Make every way in which PostgreSQL fails one error."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as wrong:
        raise StoreError(f"PostgreSQL: {wrong!r}") from wrong


def _progress_of(row: asyncpg.Record) -> tuple[StreamKey, Progress]:
    islands = tuple((low, top) for low, top in json.loads(row["islands"]))
    return (row["hub"], row["epoch"], row["stream"]), Progress(
        row["high"], islands, row["announced"]
    )


def _columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _messages(rows: Rows, at_ms: int) -> list[list[object]]:
    return _columns(
        (m.hub, m.epoch, m.stream, m.seq, m.id, at_ms, as_json(m.body)) for m in rows.messages
    )


def _progress(rows: Rows) -> list[list[object]]:
    return _columns(
        (*key, part, value.high, value.announced, as_json(value.islands))
        for key, (part, value) in rows.progress.items()
    )


def _alerts(rows: Rows) -> list[list[object]]:
    made = []
    for part, case in rows.cases.values():
        row = alert_row(case)
        first = (row.pop("id"), row.pop("hub"), part)
        made.append((*first, *row.values()))
    return _columns(made)


def _homes(rows: Rows) -> list[list[object]]:
    return _columns(
        (home.hub, part, home.heard_ms, as_json(asdict(home))) for part, home in rows.homes.values()
    )


def _clean(value: object) -> object:
    """PostgreSQL's text takes every character but NUL; a hub's words may hold one."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
