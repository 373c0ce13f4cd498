"""Deleting what has been kept long enough: oldest first, little by little, on a session of its own.

One DELETE a day would be the end of a district: 50,000 homes leave 47 million rows a day, and the
worker's own session answers within 15 s or loses its partitions. So each step takes a bounded
number of the oldest rows, found by the index (stream, received_ms), and rests three times as long
as it took: never more than a quarter of one backend, and never what a commit waits for.

Partitions by time, dropped whole, would be cheaper. But PostgreSQL wants the time in their unique
key then, and (hub, epoch, stream, seq) would no longer be what the database itself takes once.

What fails here is told (`fault`) and tried again: a database that cannot delete must go on storing.
"""

import asyncio
from collections.abc import Mapping

import asyncpg

from gateway.centre.database import DAY_MS, KEEP_DAYS
from gateway.centre.district.failing import failing
from gateway.clock import Clock
from gateway.errors import StoreError

STEP = 2000
REST = 3.0
LEAST_REST_S = 0.1
AGAIN_S = 600.0
RETRY_S = 60.0
ANSWER_S = 60.0
TELEMETRY = ("event", "sum", "res", "routine")
SESSION = {"application_name": "ansim-centre-retention", "lock_timeout": "5s"}


def _oldest(table: str, old: str, by: str) -> str:
    return (
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}"  # noqa: S608 - ours
        f" WHERE {old} ORDER BY {by} LIMIT $1))"
    )


_MESSAGES = _oldest("message", "stream = $2 AND received_ms < $3", "received_ms")
_OTHERS = (
    _oldest("alert", "closed_ms < $2", "closed_ms"),
    _oldest("journal", "at_ms < $2", "at_ms"),
    _oldest("access", "at_ms < $2", "at_ms"),
)


def kept_days(retain: int) -> Mapping[str, int]:
    """Return how many days each stream is kept; `retain`: telemetry.

    >>> kept_days(7)["event"], kept_days(7)["alarm"]
    (7, 730)
    """
    return {**KEEP_DAYS, **dict.fromkeys(TELEMETRY, retain)}


class Retention:
    """Runs for ever beside the worker that has partition 0."""

    def __init__(self, dsn: str, retain: int, clock: Clock, *, step: int = STEP) -> None:
        self._dsn, self._days, self._clock, self._step = dsn, kept_days(retain), clock, step
        self.deleted = 0
        self.fault = ""

    async def run(self) -> None:
        """Delete what is due, look again every ten minutes."""
        while True:
            try:
                await self.once()
                self.fault, pause_s = "", AGAIN_S
            except StoreError as wrong:
                self.fault, pause_s = str(wrong), RETRY_S
            await asyncio.sleep(pause_s)

    async def once(self) -> None:
        """Delete all that is due now; StoreError when the database does not."""
        with failing():
            connection = await asyncpg.connect(
                self._dsn, timeout=ANSWER_S, command_timeout=ANSWER_S, server_settings=SESSION
            )
            try:
                await self._delete(connection, self._clock.now().wall_ms)
            finally:
                connection.terminate()

    async def _delete(self, connection: asyncpg.Connection, now_ms: int) -> None:
        old = {name: now_ms - days * DAY_MS for name, days in self._days.items()}
        for stream in self._days.keys() - {"access"}:
            await self._steps(connection, _MESSAGES, stream, old[stream])
        for statement in _OTHERS:
            await self._steps(connection, statement, old["access"])

    async def _steps(self, connection: asyncpg.Connection, statement: str, *values: object) -> None:
        loop = asyncio.get_running_loop()
        gone = self._step
        while gone == self._step:
            began = loop.time()
            tag = await connection.execute(statement, self._step, *values)
            gone = int(tag.removeprefix("DELETE "))
            self.deleted += gone
            await asyncio.sleep(max(LEAST_REST_S, REST * (loop.time() - began)) if gone else 0)
