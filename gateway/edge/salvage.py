"""What can still be read of a database that was set aside: alarms on their way first of all.

A page that rotted among the readings must not take an alarm with it that nobody has stored. Each
table is read for itself, and one that breaks gives nothing. The rows keep their epoch and number,
so that the centre knows those it has. Replay counters come along: without them a button that is
still pressed would ring twice.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

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
    try:
        connection = connect(path)
    except sqlite3.Error:
        yield None
        return
    try:
        yield Database(connection, recursive_triggers=False, execute_plugins=False)
    finally:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
