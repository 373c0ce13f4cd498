"""Retention that really deletes: by age, then by a byte budget, and the file shrinks.

Order of going, when the budget is passed: readings, summaries, events, evidence of closed alarms;
the oldest first. Alarms, results, and evidence of an alarm that is not closed never go. Every row
that goes before the centre has it is counted, and the gap in `seq` tells the centre.

Why a proof by test: thingsboard-gateway 3.8.5 compares seconds with milliseconds and deletes
nothing; at its limit it drops the newest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from gateway.core.model import At

CHUNK = 500
"""Rows in one transaction: an alarm that waits behind it waits for milliseconds."""

VACUUM_PAGES = 256
"""Pages given back to the file system in one transaction (1 MB)."""

_CLOSED = "alert IS NULL OR alert NOT IN (SELECT id FROM alerts WHERE matter <> 'closed')"
_OLDEST = "ORDER BY wall_ms, mono_ms LIMIT ?"
LANES = {
    "readings": f"DELETE FROM readings WHERE n IN (SELECT n FROM readings {_OLDEST})",  # noqa: S608
    **{
        stream: "DELETE FROM outbox WHERE rowid IN (SELECT rowid FROM outbox"  # noqa: S608
        f" WHERE stream = '{stream}' AND ({_CLOSED}) {_OLDEST})"
        for stream in ("sum", "event", "evidence")
    },
}


@dataclass(frozen=True, slots=True)
class Evicted:
    """What went: `expired` readings by age; by lane, what went for want of room."""

    expired: int
    lanes: Mapping[str, int]
    bytes_on_disk: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What retention goes by, at the hub's own `now`."""

    now: At
    keep_ms: int
    max_bytes: int


def step(db: Database, policy: Policy) -> tuple[str, int]:
    """Do one small piece of retention; return the lane and how many rows went ("" when done).

    One piece is one short transaction, so that an alarm can pass between two of them.
    """
    if gone := _expire(db, policy):
        return "expired", gone
    if used_bytes(db) > policy.max_bytes:
        for lane in LANES:
            if gone := _shed(db, lane):
                return lane, gone
    if free := _pragma(db, "freelist_count"):
        # executescript runs it to its end; execute() would free a single page.
        db.conn.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        return "vacuum", free - _pragma(db, "freelist_count")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return "", 0


def make_room(db: Database) -> None:
    """Give up the oldest of what may go, so that an alarm finds room on a full disk.

    The log is folded into the file first: it can then be written from its beginning again, which
    takes no new room of a disk that has none.
    """
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    for lane in LANES:
        if _shed(db, lane):
            return


def regain(db: Database, pages: int) -> bool:
    """Do one small piece of winning back `pages` from the file; return whether more is to do.

    A quarter more stays free inside the file, so that it need not grow at the next row.
    """
    if _pragma(db, "freelist_count") < pages + pages // 4 and any(
        _shed(db, lane) for lane in LANES
    ):
        return True
    db.conn.executescript(f"PRAGMA incremental_vacuum({pages})")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return False


def used_bytes(db: Database) -> int:
    """Return the bytes in use (free pages inside the file not counted)."""
    return _pragma(db, "page_size") * (_pragma(db, "page_count") - _pragma(db, "freelist_count"))


def bytes_on_disk(db: Database) -> int:
    """Return the size of the file."""
    return _pragma(db, "page_size") * _pragma(db, "page_count")


@dataclass(frozen=True, slots=True)
class Census:
    """What the file holds: outbox rows by stream, readings, rows evicted since it was made."""

    lanes: Mapping[str, int] = field(default_factory=dict)
    readings: int = 0
    evicted: Mapping[str, int] = field(default_factory=dict)
    bytes_on_disk: int = 0


def census(db: Database, without: list[str]) -> Census:
    """Count, leaving out outbox rows whose id is in `without`."""
    lanes = db.execute(
        "SELECT stream, count(*) FROM outbox"
        " WHERE id NOT IN (SELECT value FROM json_each(?)) GROUP BY stream",
        [json.dumps(without)],
    )
    readings = db.execute("SELECT count(*) FROM readings").fetchone()[0]
    return Census(dict(lanes.fetchall()), readings, evicted(db), bytes_on_disk(db))


def evicted(db: Database) -> dict[str, int]:
    """Return how many rows went before their time, by lane."""
    return dict(db.execute("SELECT lane, rows FROM evicted").fetchall())


def _expire(db: Database, policy: Policy) -> int:
    """Delete readings older than `keep_ms`.

    Within this boot the age is monotonic and certain. Of other boots only the wall clock speaks;
    where it was not proven it is a lower bound, so the age an upper one.
    """
    now, keep_ms = policy.now, policy.keep_ms
    sql = (
        "DELETE FROM readings WHERE n IN (SELECT n FROM readings WHERE CASE WHEN boot ="
        " (SELECT number FROM boots WHERE id = ?) THEN mono_ms < ? ELSE wall_ms < ? END LIMIT ?)"
    )
    return _delete(db, sql, [now.boot, now.mono_ms - keep_ms, now.wall_ms - keep_ms, CHUNK])


def _shed(db: Database, lane: str) -> int:
    return _delete(db, LANES[lane], [CHUNK], count_as=lane)


def _delete(db: Database, sql: str, values: list[int | str], count_as: str = "") -> int:
    db.execute("BEGIN IMMEDIATE")
    try:
        gone = int(db.execute(sql, values).rowcount)
        if count_as and gone:
            db.execute(
                "INSERT INTO evicted (lane, rows) VALUES (?, ?)"
                " ON CONFLICT (lane) DO UPDATE SET rows = rows + excluded.rows",
                [count_as, gone],
            )
        db.execute("COMMIT")
    except BaseException:
        if db.conn.in_transaction:
            db.execute("ROLLBACK")
        raise
    return gone


def _pragma(db: Database, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
