"""What is read from and written to the tables of schema_v1.sql. Runs inside a transaction.

A `seq` is given out in the same transaction as its row, so a number is used exactly once: neither
a rolled-back commit nor `kill -9` can double or skip one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from gateway.core.alerts import Alert
from gateway.core.model import At
from gateway.core.outputs import Keep, Post, Stream
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
        _insert(db, row, to_json(_body(row)))
    rows = tuple(_post(db, post, hub, epoch) for post in batch.posts)
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
    ids = [row.id for row in rows]
    return Written(rows, after, lambda late: _take_back(late, ids, last, before, after))


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
    _insert(db, row, body)
    return row


def _insert(db: Database, row: Row, body: str) -> None:
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


def _body(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.payload.items() if name not in _ENVELOPE}


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


def high_water(db: Database) -> dict[str, int]:
    """Return the last seq given out on each stream."""
    return dict(db.execute("SELECT stream, seq FROM streams").fetchall())


def restore(db: Database) -> Restored:
    """Return what a new run starts from."""
    alerts = db.execute("SELECT id, alert FROM alerts ORDER BY id").fetchall()
    memories = db.execute("SELECT device, counts FROM memories").fetchall()
    state = db.execute("SELECT name, state FROM detectors").fetchall()
    (seen,) = db.execute("SELECT last_seen FROM self").fetchone()
    known, unreadable = _decoded(alerts)
    return Restored(
        alerts=known,
        unreadable=unreadable,
        memories={device: json.loads(counts) for device, counts in memories},
        detector_state={name: bytes(blob) for name, blob in state},
        last_seen=at_from(json.loads(seen)) if seen else None,
    )


def _decoded(rows: list[tuple[str, str]]) -> tuple[tuple[Alert, ...], tuple[str, ...]]:
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


_COLUMNS = "stream, epoch, seq, id, alert, boot, boot_id, mono_ms, wall_ms, proven, durable, body"


def outbox(
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
        "SELECT id FROM outbox WHERE epoch = ? AND stream = ?"
        " AND (seq <= ? OR id IN (SELECT value FROM json_each(?))) ORDER BY seq",
        [epoch, stream, 0 if upto is None else upto, json.dumps(list(ids))],
    )
    return [id_ for (id_,) in found.fetchall()]


def _repair(db: Database, repair: Repair) -> None:
    """Mend the wall time of stored rows; bodies stay as they were sent. Twice does no harm."""
    values = [repair.shift_ms, repair.before_mono, repair.boot]
    db.execute(
        "UPDATE readings SET wall_ms = wall_ms + ?, proven = 1 WHERE proven = 0 AND mono_ms <= ?"
        " AND boot = (SELECT number FROM boots WHERE id = ?)",
        values,
    )
    db.execute(
        "UPDATE outbox SET wall_ms = wall_ms + ?, proven = 1 WHERE proven = 0 AND mono_ms <= ?"
        " AND boot_id = ?",
        values,
    )
