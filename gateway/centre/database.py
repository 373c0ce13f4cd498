"""The centre's memory: SQLite, one transaction for each batch of messages, before any `stored`.

Theory of operation. The ledger's outcome is committed whole (WAL, synchronous=FULL) and only then
spoken. Killed between commit and word, the hub hears nothing, repeats, and is answered from the
committed key. Killed before the commit, nothing was said. Both ways nothing is lost or doubled.

It commits on the event loop's own thread, on purpose: a centre whose disk hangs must not look
alive. Its MQTT keepalive lapses, the broker publishes its will, and the homes sound and take
another path, which is what a centre that cannot store is for them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from sqlite_utils import Database

from gateway.centre.case import Case
from gateway.centre.household import Household
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Outcome
from gateway.centre.progress import Progress
from gateway.centre.rows import alert_row, as_json, case_of
from gateway.errors import StoreError

VERSION = 1
DAY_MS = 24 * 3600_000

KEEP_DAYS: Mapping[str, int] = MappingProxyType(
    {"access": 730, "alarm": 730, "evidence": 730, "res": 90, "event": 90, "sum": 90, "routine": 90}
)
"""Days until a row is really deleted. Two years for what concerns an alarm and who looked at it."""


class CentreDatabase:
    """The database file and its only connection; `with` closes it."""

    def __init__(self, path: Path | str) -> None:
        with _failing(path):
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._db = Database(self._connection)
            self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self) -> Ledger:
        """Return the ledger as it was last committed, with what is open."""
        cases = [
            case_of(row["whole"])
            for row in self._rows("SELECT whole FROM alert WHERE closed_ms IS NULL")
        ]
        homes = [
            Household(**json.loads(row["whole"]))
            for row in self._rows("SELECT whole FROM household")
        ]
        progress = {
            (row["hub"], row["epoch"], row["stream"]): Progress(
                row["high"], tuple((a, b) for a, b in json.loads(row["islands"])), row["announced"]
            )
            for row in self._rows("SELECT * FROM progress")
        }
        return Ledger(
            shelf=self,
            cases={case.id: case for case in cases},
            households={home.hub: home for home in homes},
            progress=progress,
        )

    def message_id(self, hub: str, epoch: str, stream: str, seq: int) -> str | None:
        """Return the id committed under this key, or None."""
        found = self._rows(
            "SELECT id FROM message WHERE hub = ? AND epoch = ? AND stream = ? AND seq = ?",
            (hub, epoch, stream, seq),
        )
        return next((str(row["id"]) for row in found), None)

    def case(self, alert_id: str) -> Case | None:
        """Return a case by the alert's id, or None."""
        found = self._rows("SELECT whole FROM alert WHERE id = ?", (alert_id,))
        return next((case_of(row["whole"]) for row in found), None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is written within, or none of it and raise StoreError.

        What is written within is seen by the ledger's look-ups at once: the same message may come
        twice in one batch.
        """
        with _failing("the database"), self._db.atomic():
            yield

    def prune(self, now_ms: int) -> None:
        """Delete what has been kept long enough."""
        with _failing("the database"), self._db.atomic():
            for stream, days in KEEP_DAYS.items():
                self._connection.execute(
                    "DELETE FROM message WHERE stream = ? AND received_ms < ?",
                    (stream, now_ms - days * DAY_MS),
                )
            old = (now_ms - KEEP_DAYS["access"] * DAY_MS,)
            self._connection.execute("DELETE FROM access WHERE at_ms < ?", old)
            self._connection.execute("DELETE FROM journal WHERE at_ms < ?", old)
            self._connection.execute("DELETE FROM alert WHERE closed_ms < ?", old)

    def journal(self, last: int) -> list[dict[str, Any]]:
        """Return the journal's newest rows, oldest first."""
        rows = self._rows("SELECT * FROM journal ORDER BY rowid DESC LIMIT ?", (last,))
        return list(rows)[::-1]

    def access_log(self, last: int) -> list[dict[str, Any]]:
        """Return the access log's newest rows, oldest first."""
        rows = self._rows("SELECT * FROM access ORDER BY rowid DESC LIMIT ?", (last,))
        return list(rows)[::-1]

    def count(self, table: str) -> int:
        """Return how many rows a table holds."""
        return int(self._db[table].count)

    # ------------------------------------------------------------------------------ writing
    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA busy_timeout = 2000")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            schema = files("gateway.centre").joinpath("schema_v1.sql").read_text("utf-8")
            self._connection.executescript(
                f"BEGIN; {schema} PRAGMA user_version = {VERSION}; COMMIT;"
            )
        elif version != VERSION:
            raise StoreError(f"a database of version {version}; this centre reads {VERSION}")

    def write(self, outcome: Outcome, at_ms: int) -> None:
        """Write the rows of one outcome, within a transaction."""
        self._insert(
            "message",
            [
                {
                    "hub": message.hub,
                    "epoch": message.epoch,
                    "stream": message.stream,
                    "seq": message.seq,
                    "id": message.id,
                    "received_ms": at_ms,
                    "body": as_json(message.body),
                }
                for message in outcome.kept
            ],
        )
        for (hub, epoch, stream), progress in outcome.progress:
            row = {"hub": hub, "epoch": epoch, "stream": stream, **asdict(progress)}
            row["islands"] = as_json(progress.islands)
            self._put("progress", row)
        for case in outcome.cases:
            self._put("alert", alert_row(case))
        for home in outcome.households:
            row = {"hub": home.hub, "heard_ms": home.heard_ms, "whole": as_json(asdict(home))}
            self._put("household", row)
        self._insert("journal", [asdict(event) for event in outcome.events])
        self._insert("access", [asdict(entry) for entry in outcome.access])

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._put(table, row, how="INSERT")

    def _put(self, table: str, row: Mapping[str, Any], how: str = "INSERT OR REPLACE") -> None:
        """Write one row. Not by sqlite-utils, which looks the table up anew for each."""
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        # Table and columns are names of this module, never data.
        self._connection.execute(f"{how} INTO {table} ({columns}) VALUES ({marks})", dict(row))

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> Iterator[dict[str, Any]]:
        with _failing("the database"):
            yield from self._db.query(sql, values)


@contextmanager
def _failing(what: Path | str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as wrong:
        raise StoreError(f"{what}: {wrong}") from wrong
