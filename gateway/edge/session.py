"""One connection's life: subscribe, birth, heartbeats, and the outbox through the window.

Theory of operation. `_pump` sends as long as the window has room and something is due, then waits
for a change (PUBACK, new rows, a settled row) or for the next due time. The window counts what the
broker has not acknowledged; a part of it is kept for alarms, so that a fresh alarm goes out at once
in the middle of a backlog of any size. A broker that leaves a publication unanswered for 20 s is
given up: an alarm must not wait for the keepalive.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from gateway.core.outputs import Stream
from gateway.core.wire import MAX_PAYLOAD, Topics, encode
from gateway.edge.lanes import Alarm, AlarmLane, BulkLane
from gateway.edge.mqtt import Connection, Publication
from gateway.edge.unfinished import Order, Row
from gateway.errors import LinkError, StoreError

PUBACK_S = 20.0
DAY_S = 86400
EXPIRY_S: Mapping[Stream, int] = {Stream.EVENT: 7 * DAY_S, Stream.SUM: 3 * DAY_S, Stream.RES: DAY_S}
HEARTBEAT_EXPIRY_S = 120
STORE_RETRY_S = 2.0

ReadPage = Callable[[Stream, Order | None], Awaitable[Sequence[Row]]]
_log = structlog.get_logger(__name__)


class Session:
    """What one connection does until it ends."""

    def __init__(
        self,
        connection: Connection,
        topics: Topics,
        alarms: AlarmLane,
        *,
        read_page: ReadPage,
        window: int,
        heartbeat_s: float,
        birth: Mapping[str, Any],
        heartbeat: Callable[[], Mapping[str, Any]],
        centre_gone: Callable[[], bool],
        published: Callable[[str], None] = lambda _id: None,
        pace: float = 1.0,
    ) -> None:
        self._connection = connection
        self._topics = topics
        self._alarms = alarms
        self._read_page = read_page
        self._heartbeat_s = heartbeat_s
        self._birth = birth
        self._heartbeat = heartbeat
        self._centre_gone = centre_gone
        self._published = published
        self._changed = asyncio.Event()
        self._patience_s = PUBACK_S * pace
        self.bulk = BulkLane(pace)
        self.window = max(1, min(window, connection.receive_maximum))
        self.for_bulk = max(1, self.window - max(1, self.window // 8))

    def changed(self, *, rows: bool = False) -> None:
        """Something may be sendable now; `rows`: the outbox has new rows."""
        if rows:
            self.bulk.woken()
        self._changed.set()

    async def run(self, subscriptions: tuple[str, ...]) -> None:
        """Live until the connection ends; raises why it did."""
        self._alarms.again(asyncio.get_running_loop().time())
        # First the subscriptions: whoever answers the birth must find them made.
        suback = self._connection.send_subscribe(subscriptions)
        self._publish(Publication(self._topics.up("state"), encode(self._birth), retain=True))
        parts = [
            asyncio.ensure_future(part)
            for part in (
                self._connection.closed.wait(),
                self._connection.subscribed(suback),
                self._pump(),
                self._beat(),
            )
        ]
        try:
            waiting = set(parts)
            while True:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if self._connection.closed.is_set():
                    raise self._connection.why  # what the parts say then only follows from it
                for part in done:
                    part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            body = {**self._heartbeat(), "session": self._birth["session"]}
            topic = self._topics.up("hb")
            self._publish(Publication(topic, encode(body), expiry_s=HEARTBEAT_EXPIRY_S))

    # ---------------------------------------------------------------------------------- the pump
    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if self._connection.unanswered_s() >= self._patience_s:
                raise LinkError(f"the broker left a message unanswered for {self._patience_s:g} s")
            self._send_alarms(loop.time())
            again_at = await self._send_bulk(loop)
            if self._changed.is_set():
                continue
            due = [again_at, loop.time() + self._patience_s / 4]
            if self._connection.in_flight < self.window:
                due.append(self._alarms.next_due())
            wait_s = min(at for at in due if at is not None) - loop.time()
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _send_alarms(self, now: float) -> None:
        while self._connection.in_flight < self.window:
            alarm = self._alarms.next(now)
            if alarm is None:
                return
            self._publish(self._alarm(alarm), partial(self._alarms.answered, alarm.row.id))
            self._published(alarm.row.id)
            _log.info("alarm published", message=alarm.row.id, attempt=alarm.attempt)

    def _alarm(self, alarm: Alarm) -> Publication:
        message = {**alarm.row.payload, "attempt": alarm.attempt}
        payload = encode(message)
        if len(payload) > MAX_PAYLOAD and message.get("evid"):
            payload = encode({**message, "evid": {"cut": True}})  # the alarm itself must arrive
        reply = (self._topics.dn("ack"), alarm.row.id)
        return Publication(self._topics.up("alarm"), payload, reply=reply)

    async def _send_bulk(self, loop: asyncio.AbstractEventLoop) -> float | None:
        """Send what the bulk's part of the window takes; return when to look again."""
        if self._centre_gone():
            return None  # nobody would store it: it would only be sent again
        self.bulk.overdue(loop.time())
        while self._connection.in_flight < self.for_bulk:
            row = self.bulk.next(loop.time())
            if row is not None:
                self._publish(self._message(row))
                continue
            wanted = self.bulk.wants()
            if wanted is None:
                return self.bulk.next_due()
            try:
                rows = await self._read_page(*wanted)
            except StoreError as wrong:
                _log.warning("outbox unreadable", reason=str(wrong))
                return loop.time() + STORE_RETRY_S
            self.bulk.read(wanted[0], rows)
            self._send_alarms(loop.time())
        return self.bulk.next_due()

    def _message(self, row: Row) -> Publication:
        topic = self._topics.up(row.stream.value)
        return Publication(topic, encode(row.payload), expiry_s=EXPIRY_S.get(row.stream))

    def _publish(self, out: Publication, answered: Callable[[], None] | None = None) -> None:
        def done(future: asyncio.Future[None]) -> None:
            wrong = None if future.cancelled() else future.exception()
            if wrong is not None and not self._connection.closed.is_set():
                _log.warning("not taken by the broker", topic=out.topic, reason=str(wrong))
            if answered is not None:
                answered()
            self._changed.set()

        self._connection.publish(out).add_done_callback(done)
