"""The district's memory: PostgreSQL, one transaction for each batch, before any `stored`.

One session a worker, which holds the locks of its partitions (leases.py) and writes for them: when
it ends, for whatever reason, everything begins again from what was committed. A commit whose answer
never came is no special case: the position says whether it was done.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files

import asyncpg

from gateway.centre.district.failing import failing
from gateway.centre.district.feed import Position
from gateway.centre.district.leases import Leases
from gateway.centre.district.rows import BatchShelf, MessageKey, Rows
from gateway.centre.district.streams import Lane
from gateway.centre.household import Household
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import StreamKey
from gateway.centre.progress import Progress
from gateway.centre.rows import alert_row, as_json, case_of
from gateway.errors import ConfigurationError

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

# Each question costs a round trip, and on a busy machine a round trip is what takes the time: one
# question finds all that a batch needs, one statement, a transaction by itself, writes all of it.
_FIND = """SELECT m.hub, m.epoch, m.stream, m.seq, m.id, NULL AS whole FROM message m
JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS k (hub, epoch, stream, seq)
ON m.hub = k.hub AND m.epoch = k.epoch AND m.stream = k.stream AND m.seq = k.seq
UNION ALL SELECT '', '', '', 0, id, whole FROM alert WHERE id = ANY($5::text[])"""

# An alert belongs to one hub: where another speaks of the same id at the same time, fewer rows come
# back than were written, and the division by 0 undoes the whole.
_WRITE = """WITH messages AS (INSERT INTO message (hub, epoch, stream, seq, id, received_ms, body)
SELECT hub, epoch, stream, seq, id, $35::bigint, body FROM
unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
AS new (hub, epoch, stream, seq, id, body)),
progress AS (INSERT INTO progress (hub, epoch, stream, part, high, announced, islands)
SELECT * FROM unnest($7::text[], $8::text[], $9::text[], $10::smallint[], $11::bigint[],
$12::bigint[], $13::text[]) ON CONFLICT (hub, epoch, stream) DO UPDATE
SET high = excluded.high, announced = excluded.announced, islands = excluded.islands),
alerts AS (INSERT INTO alert (id, hub, part, kind, matter, word, cause, received_ms, closed_ms,
whole) SELECT * FROM unnest($14::text[], $15::text[], $16::smallint[], $17::text[], $18::text[],
$19::text[], $20::text[], $21::bigint[], $22::bigint[], $23::text[]) ON CONFLICT (id) DO UPDATE
SET kind = excluded.kind, matter = excluded.matter, word = excluded.word, cause = excluded.cause,
closed_ms = excluded.closed_ms, whole = excluded.whole WHERE alert.hub = excluded.hub RETURNING 1),
homes AS (INSERT INTO household (hub, part, heard_ms, whole)
SELECT * FROM unnest($24::text[], $25::smallint[], $26::bigint[], $27::text[])
ON CONFLICT (hub) DO UPDATE SET heard_ms = excluded.heard_ms, whole = excluded.whole),
positions AS (INSERT INTO position (lane, part, made, seq)
SELECT * FROM unnest($28::text[], $29::smallint[], $30::text[], $31::bigint[])
ON CONFLICT (lane, part) DO UPDATE SET made = excluded.made, seq = excluded.seq),
journal AS (INSERT INTO journal SELECT r.* FROM json_populate_recordset(NULL::journal, $32) r),
access AS (INSERT INTO access SELECT r.* FROM json_populate_recordset(NULL::access, $33) r)
SELECT 1 / (CASE WHEN (SELECT count(*) FROM alerts) = $34 THEN 1 ELSE 0 END)"""

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
        if not keys and not alerts:
            return
        columns = [list(column) for column in zip(*keys, strict=True)] or [[], [], [], []]
        with failing():
            found = await self._connection.fetch(_FIND, *columns, alerts)
        for row in found:
            if row["whole"] is None:
                shelf.ids[row["hub"], row["epoch"], row["stream"], row["seq"]] = row["id"]
            else:
                shelf.cases[row["id"]] = case_of(row["whole"])

    async def commit(self, rows: Rows, positions: Positions, at_ms: int) -> None:
        """Write all of it or none and raise StoreError."""
        with failing():
            await self._connection.fetchval(
                _WRITE,
                *_columns(6, _messages(rows)),
                *_columns(7, _progress(rows)),
                *_columns(10, _alerts(rows)),
                *_columns(4, _homes(rows)),
                *_columns(4, ((*key, at.made, at.seq) for key, at in positions.items())),
                as_json([_clean(asdict(event)) for event in rows.events]),
                as_json([_clean(asdict(entry)) for entry in rows.access]),
                len(rows.cases),
                at_ms,
            )


def _progress_of(row: asyncpg.Record) -> tuple[StreamKey, Progress]:
    islands = tuple((low, top) for low, top in json.loads(row["islands"]))
    return (row["hub"], row["epoch"], row["stream"]), Progress(
        row["high"], islands, row["announced"]
    )


def _columns(width: int, rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _messages(rows: Rows) -> Iterator[tuple[object, ...]]:
    for m in rows.messages:
        yield m.hub, m.epoch, m.stream, m.seq, m.id, as_json(m.body)


def _progress(rows: Rows) -> Iterator[tuple[object, ...]]:
    for key, (part, value) in rows.progress.items():
        yield (*key, part, value.high, value.announced, as_json(value.islands))


def _alerts(rows: Rows) -> Iterator[tuple[object, ...]]:
    for part, case in rows.cases.values():
        row = alert_row(case)
        first = (row.pop("id"), row.pop("hub"), part)
        yield (*first, *row.values())


def _homes(rows: Rows) -> Iterator[tuple[object, ...]]:
    for part, home in rows.homes.values():
        yield home.hub, part, home.heard_ms, as_json(asdict(home))


def _clean(row: dict[str, object]) -> dict[str, object]:
    """PostgreSQL's text takes every character but NUL; a hub's words may hold one."""
    return {
        key: value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for key, value in row.items()
    }
