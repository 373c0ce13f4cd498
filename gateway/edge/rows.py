"""Rows of the outbox into the database and out of it."""

import json
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from gateway.core.model import At
from gateway.core.outputs import Stream
from gateway.edge.records import Row, payload


def insert(db: Database, row: Row, body: str) -> None:
    at = row.at
    db.execute(
        "INSERT INTO outbox (stream, epoch, seq, id, alert, boot, boot_id, mono_ms, wall_ms,"
        " proven, durable, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        [
            row.stream.value,
            row.epoch,
            row.seq,
            row.id,
            row.alert,
            row.payload["boot"],
            at.boot,
            at.mono_ms,
            at.wall_ms,
            at.proven,
            row.durable,
            body,
        ],
    )


_ENVELOPE = frozenset(("v", "id", "hub", "epoch", "stream", "seq", "boot", "durable"))


def body_of(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.payload.items() if name not in _ENVELOPE}


_COLUMNS = "stream, epoch, seq, id, alert, boot, boot_id, mono_ms, wall_ms, proven, durable, body"


def select(
    db: Database,
    hub: str,
    stream: Stream,
    *,
    after: tuple[str, int] = ("", 0),
    upto: tuple[str, int] = ("~", 0),
    limit: int = -1,
    without: Iterable[str] = (),
) -> list[Row]:
    """Return rows of one stream with after < (epoch, seq) <= upto, in order ("~" follows ULIDs)."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608 - a constant
        " WHERE stream = ? AND (epoch, seq) > (?, ?) AND (epoch, seq) <= (?, ?)"
        " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY epoch, seq LIMIT ?",
        [stream.value, *after, *upto, json.dumps(list(without)), limit],
    )
    return [_row(hub, *values) for values in found.fetchall()]


def count(
    db: Database, epoch: str, stream: Stream, first: int, last: int, without: Iterable[str]
) -> int:
    """Return how many rows of a stream lie between two numbers, both included."""
    found = db.execute(
        "SELECT count(*) FROM outbox WHERE stream = ? AND epoch = ? AND seq BETWEEN ? AND ?"
        " AND id NOT IN (SELECT value FROM json_each(?))",
        [stream.value, epoch, first, last, json.dumps(list(without))],
    )
    return int(found.fetchone()[0])


def _row(
    hub: str,
    stream: str,
    epoch: str,
    seq: int,
    id_: str,
    alert: str | None,
    boot: int,
    boot_id: str,
    mono_ms: int,
    wall_ms: int,
    proven: int,
    durable: int,
    body: str,
) -> Row:
    return Row(
        stream=Stream(stream),
        epoch=epoch,
        seq=seq,
        id=id_,
        alert=alert,
        at=At(boot_id, mono_ms, wall_ms, bool(proven)),
        payload=payload(
            hub=hub,
            epoch=epoch,
            stream=Stream(stream),
            seq=seq,
            id=id_,
            boot=boot,
            durable=bool(durable),
            body=body,
        ),
        durable=bool(durable),
    )


def named(db: Database, epoch: str, stream: str, ids: Iterable[str], upto: int | None) -> list[str]:
    """Return the ids of outbox rows that an acknowledgement names, by id or by `upto`."""
    found = db.execute(
        # Two look-ups by index: one with OR walks the stream's whole backlog.
        "SELECT id, seq FROM outbox WHERE stream = ?1 AND epoch = ?2 AND seq <= ?3"
        " UNION SELECT id, seq FROM outbox WHERE id IN (SELECT value FROM json_each(?4))"
        " AND stream = ?1 AND epoch = ?2 ORDER BY seq",
        [stream, epoch, 0 if upto is None else upto, json.dumps(list(ids))],
    )
    return [id_ for id_, _seq in found.fetchall()]
