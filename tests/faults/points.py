"""Named crash points inside a hub: places where it dies when the harness has armed them.

The harness writes `name nth` into the hub's `arm` file; the nth time the hub passes that point, it
takes the order away and kills itself with SIGKILL. The points are lines of the daemon's own journal
and the statements of its own database connection, so a production hub carries none of this.

    decided     an alarm is decided, nothing is on the disk
    committing  its transaction stands before COMMIT
    committed   COMMIT has returned, nobody knows yet
    durable     the row is known to be durable, nothing is published
    published   the publication was handed to the socket
    stored      the centre's `stored` has come, the row is still on the disk
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

INSIDE = ("decided", "committing", "committed", "durable", "published", "stored")
LINES = {f"alarm {point}": point for point in INSIDE}


class CrashPoints:
    """Looks at the order at each point; `file` is empty or missing when nothing is armed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._deciding = False

    def passed(self, point: str) -> None:
        """Die here if that is the order."""
        if point == "decided":
            self._deciding = True
        if point == "durable":
            self._deciding = False
        with contextlib.suppress(OSError, ValueError):
            name, left = self._file.read_text().split()
            if name != point:
                return
            if int(left) > 1:
                self._file.write_text(f"{name} {int(left) - 1}")
                return
            self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    def around_commit(self, point: str) -> None:
        """Look only while an alarm is on its way to the disk: batches commit too."""
        if self._deciding:
            self.passed(point)

    def connect(self, path: Path) -> sqlite3.Connection:
        """Return the store's connection with crash points around its COMMIT."""
        points = self

        class Watched(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if sql != "COMMIT":
                    return super().execute(sql, *values)
                points.around_commit("committing")
                cursor = super().execute(sql, *values)
                points.around_commit("committed")
                return cursor

        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=1.0, factory=Watched
        )


class Journal:
    """The child's log as JSON lines with the event loop's time, which all processes share."""

    def __init__(self, out: TextIO, points: CrashPoints | None = None) -> None:
        self._out, self._points = out, points

    def install(self) -> None:
        """Become the process's log."""
        structlog.configure(
            processors=[self._write], logger_factory=structlog.ReturnLoggerFactory()
        )

    def _write(
        self, _logger: object, method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        try:
            at = asyncio.get_running_loop().time()
        except RuntimeError:
            at = 0.0
        self._out.write(json.dumps({"at": at, "level": method, **line}, default=str) + "\n")
        self._out.flush()
        point = LINES.get(str(line.get("event", "")))
        if point is not None and self._points is not None:
            self._points.passed(point)
        return line
