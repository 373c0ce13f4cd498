"""What can still be read of a database that cannot be used: alarms on their way first of all.

A page that rotted among the readings, or a worn card that has gone read-only, must not take an
alarm with it that nobody has stored. Each table is read for itself, and one that breaks gives
nothing. The rows keep their epoch and number, so that the centre knows those it has. Replay
counters come along: without them a button that is still pressed would ring twice.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database

from gateway.core.alerts import Alert
from gateway.core.outputs import Stream
from gateway.edge import rows, tables
from gateway.edge.files import connect
from gateway.edge.records import Restored, Row

UNREADABLE = (sqlite3.Error, ValueError, TypeError)


def salvage(path: Path, hub: str) -> tuple[Restored, list[Row]]:
    """Return what the file at `path` still says of alerts, counters, routine and unsent alarms."""
    restored, alarms = Restored(), list[Row]()
    with _opened(path) as db:
        if db is None:
            return restored, alarms
        with contextlib.suppress(*UNREADABLE):
            alarms = rows.select(db, hub, Stream.ALARM)
        alerts: tuple[Alert, ...] = ()
        memories: dict[str, dict[str, int | str]] = {}
        state: dict[str, bytes] = {}
        with contextlib.suppress(*UNREADABLE):
            alerts, _ = tables.decoded(db.execute("SELECT id, alert FROM alerts").fetchall())
        with contextlib.suppress(*UNREADABLE):
            counted = db.execute("SELECT device, counts FROM memories").fetchall()
            memories = {device: json.loads(counts) for device, counts in counted}
        with contextlib.suppress(*UNREADABLE):
            learnt = db.execute("SELECT name, state FROM detectors").fetchall()
            state = {name: bytes(blob) for name, blob in learnt}
        restored = Restored(alerts=alerts, memories=memories, detector_state=state)
    return restored, alarms


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Database | None]:
    """Give the first way in that reads anything; a card gone read-only has no room for a log.

    `immutable` sees what had been folded into the file only, so it comes last.
    """
    uri = f"file:{quote(str(path))}?mode=ro"
    ways: tuple[Callable[[], sqlite3.Connection], ...] = (
        lambda: connect(path),
        lambda: sqlite3.connect(uri, uri=True, check_same_thread=False),
        lambda: sqlite3.connect(f"{uri}&immutable=1", uri=True, check_same_thread=False),
    )
    for way in ways if path.exists() else ():
        with contextlib.suppress(sqlite3.Error), contextlib.closing(way()) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield Database(connection, recursive_triggers=False, execute_plugins=False)
            return
    yield None
