"""What is read from and written to the tables of schema_v1.sql. Runs inside a transaction.

A `seq` is given out in the same transaction as its row, so a number is used exactly once: neither
a rolled-back commit nor `kill -9` can double or skip one.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from gateway.core.alerts import Alert
from gateway.core.outputs import Keep, Post
from gateway.edge import rows
from gateway.edge.batch import Batch, Repair, Written
from gateway.edge.records import (
    Restored,
    Row,
    alert_from_json,
    alert_to_json,
    at_from,
    payload,
    to_json,
)
from gateway.errors import Bug


def write(db: Database, batch: Batch, *, hub: str, epoch: str, boot: str) -> Written:
    """Write a whole batch; the caller commits."""
    before = high_water(db)
    last = db.execute("SELECT coalesce(max(n), 0) FROM readings").fetchone()[0]
    # What goes makes room for what comes: on a full disk this is how the store recovers.
    db.conn.executemany("DELETE FROM alerts WHERE id = ?", [(i,) for i in batch.forget])
    db.conn.executemany("DELETE FROM outbox WHERE id = ?", [(i,) for i in batch.done])
    for repair in batch.repairs:
        _repair(db, repair)
    for row in batch.rescued:
        rows.insert(db, row, to_json(rows.body_of(row)))
    posted = tuple(_post(db, post, hub, epoch) for post in batch.posts)
    _keeps(db, batch.keeps)
    _upsert(db, "alerts (id, matter, alert)", _alert_rows(batch.alerts.values()))
    _upsert(
        db,
        "memories (device, counts)",
        [(m.device, to_json(m.values)) for m in batch.memories.values()],
    )
    _upsert(db, "detectors (name, state)", batch.state.items())
    if batch.seen:
        boot_number(db, boot)
        db.execute("UPDATE self SET last_seen = ?", [to_json(asdict(batch.seen))])
    after = high_water(db)
    ids = [row.id for row in posted]
    return Written(posted, after, lambda late: _take_back(late, ids, last, before, after))


def _take_back(
    db: Database, ids: list[str], last: int, before: Mapping[str, int], after: Mapping[str, int]
) -> None:
    """Remove the rows of a commit that came too late, and give back their numbers.

    Runs before anything else is written, so the numbers were seen by nobody. What a late commit
    wrote of alerts, memories and learnt state stays: it is written again, or newer, afterwards.
    """
    db.conn.executemany("DELETE FROM outbox WHERE id = ? AND durable = 1", [(i,) for i in ids])
    db.execute("DELETE FROM readings WHERE n > ?", [last])
    for stream, seq in after.items():
        db.execute(
            "UPDATE streams SET seq = ? WHERE stream = ? AND seq = ?",
            [before.get(stream, 0), stream, seq],
        )


def _post(db: Database, post: Post, hub: str, epoch: str) -> Row:
    (seq,) = db.execute(
        "INSERT INTO streams (stream, seq) VALUES (?, 1)"
        " ON CONFLICT (stream) DO UPDATE SET seq = seq + 1 RETURNING seq",
        [post.stream.value],
    ).fetchall()[0]
    boot = boot_number(db, post.at.boot)
    body = to_json(post.body)
    row = Row(
        stream=post.stream,
        epoch=epoch,
        seq=seq,
        id=post.id,
        alert=post.alert,
        at=post.at,
        payload=payload(
            hub=hub,
            epoch=epoch,
            stream=post.stream,
            seq=seq,
            id=post.id,
            boot=boot,
            durable=True,
            body=body,
        ),
        durable=True,
    )
    rows.insert(db, row, body)
    return row


def _keeps(db: Database, keeps: Iterable[Keep]) -> None:
    db.conn.executemany(
        "INSERT INTO readings (boot, mono_ms, wall_ms, proven, device, what, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                boot_number(db, keep.at.boot),
                keep.at.mono_ms,
                keep.at.wall_ms,
                keep.at.proven,
                keep.device,
                keep.what,
                to_json(keep.value),
            )
            for keep in keeps
        ],
    )


def _alert_rows(alerts: Iterable[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.id, alert.matter.value, alert_to_json(alert)) for alert in alerts]


def _upsert(db: Database, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * (table.count(",") + 1))
    # `table` is a constant of this module, never data.
    db.conn.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", list(rows))  # noqa: S608


def boot_number(db: Database, boot: str) -> int:
    """Return the number of a boot, the next one when it is new."""
    known = db.execute("SELECT number FROM boots WHERE id = ?", [boot]).fetchone()
    if known is None:
        return int(db.execute("INSERT INTO boots (id) VALUES (?)", [boot]).lastrowid)
    return int(known[0])


def begin_anew(db: sqlite3.Connection, epoch: str) -> None:
    """Count from one again in a new epoch; what waits to be sent keeps the epoch it was given."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE self SET epoch = ?", [epoch])
    db.execute("DELETE FROM streams")
    db.execute("COMMIT")


def knows(db: Database, boot: str) -> bool:
    """Whether this database was open in a boot."""
    return db.execute("SELECT 1 FROM boots WHERE id = ?", [boot]).fetchone() is not None


def high_water(db: Database) -> dict[str, int]:
    """Return the last seq given out on each stream."""
    return dict(db.execute("SELECT stream, seq FROM streams").fetchall())


def restore(db: Database) -> Restored:
    """Return what a new run starts from."""
    alerts = db.execute("SELECT id, alert FROM alerts ORDER BY id").fetchall()
    memories = db.execute("SELECT device, counts FROM memories").fetchall()
    state = db.execute("SELECT name, state FROM detectors").fetchall()
    (seen,) = db.execute("SELECT last_seen FROM self").fetchone()
    known, unreadable = decoded(alerts)
    return Restored(
        alerts=known,
        unreadable=unreadable,
        memories={device: json.loads(counts) for device, counts in memories},
        detector_state={name: bytes(blob) for name, blob in state},
        last_seen=at_from(json.loads(seen)) if seen else None,
    )


def decoded(rows: list[tuple[str, str]]) -> tuple[tuple[Alert, ...], tuple[str, ...]]:
    """Return the alerts, and the ids of those that another version wrote in its own way.

    One such must not keep the hub from starting; its messages are in the outbox as they were.
    """
    known, unreadable = [], []
    for id_, text in rows:
        try:
            known.append(alert_from_json(text))
        except (ValueError, TypeError, KeyError, Bug):
            unreadable.append(id_)
    return tuple(known), tuple(unreadable)


def _repair(db: Database, repair: Repair) -> None:
    """Mend the wall time of stored rows; bodies stay as they were sent. Twice does no harm."""
    proof = repair.proof
    values = [proof.wall_ms - proof.mono_ms, proof.mono_ms, proof.boot]
    db.execute(
        "UPDATE readings SET wall_ms = mono_ms + ?, proven = 1 WHERE proven = 0 AND mono_ms <= ?"
        " AND boot = (SELECT number FROM boots WHERE id = ?)",
        values,
    )
    db.execute(
        "UPDATE outbox SET wall_ms = mono_ms + ?, proven = 1 WHERE proven = 0 AND mono_ms <= ?"
        " AND boot_id = ?",
        values,
    )
