"""One partition's lane, read in order from a position that somebody else keeps.

Theory of operation. A pull consumer without acknowledgements, in memory, without copies: it may be
lost at any time and is made anew behind the last message handed on. The server numbers what it
delivers; a number that is not the next one ends the consumer. So each message of the stream is
handed on once, in order, per life of the feed; across lives the position in the database decides.

The server says a word a second. After 3 s without any it is asked whether the consumer is there: if
so, the request is only made again; if nobody knows it, or nobody answers twice, a new one is made.
Making and forgetting consumers is the cluster's dearest work, agreed on by all nodes: on a machine
with a load of 25 feeds that made a new one after each silence buried the cluster under 60,000
consumers that it could not forget. Hence also the growing pauses between lives.

No more than `ROOM` messages are handed on and not `done`: the worker's memory is bounded, and what
waits waits in the stream.

A stream whose end is before our position was made anew or has lost its tail (a power cut on most
nodes): then it is read from its beginning. What we have is known by its key.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from gateway.centre.district.streams import Extent, Lane, extent, stream_name, subject
from gateway.errors import LinkError

ROOM = 200
EXPIRES_S = 20.0
BEAT_S = 1.0
SILENT_S = 3.0
DEAF = 2
AGAIN_S = 0.5
LONGEST_S = 20.0
ASK_S = 2.0  # a node that elects a leader answers later or never: ask again
UNUSED_S = 60.0
REPLY_PARTS = 9  # $JS.ACK.stream.consumer.delivered.stream-seq.consumer-seq.time.pending
CONTROL = {"100": "beat", "404": "empty", "408": "over"}


@dataclass(frozen=True, slots=True)
class Position:
    """How far a feed has been read: the last sequence of the stream that was made then."""

    made: str = ""
    seq: int = 0

    def start(self, now: Extent) -> int:
        """Return the sequence to read from."""
        return self.seq + 1 if now.made == self.made and now.last >= self.seq else 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of a feed. `stored_ms`: when the broker had it, by the broker's clock."""

    partition: int
    lane: Lane
    position: Position
    subject: str
    payload: bytes
    stored_ms: int


def pause_s(failures: int, chance: float) -> float:
    """Return the pause before the next life; `failures`: consumers made in a row for nothing.

    Where none was asked for, because the stream has no leader yet, nothing was spent: an alarm must
    not wait 20 s behind a node that was lost (seen: 47 s and more).
    """
    return min(LONGEST_S, AGAIN_S * 2.0 ** min(failures, 10)) * (0.5 + chance / 2)


class Feed:
    """Reads for ever, until it is cancelled."""

    def __init__(
        self,
        nats: Client,
        lane: Lane,
        partition: int,
        position: Position,
        take: Callable[[Arrival], None],
        *,
        now: Callable[[], float],
    ) -> None:
        self._nats = nats
        self._js = nats.jetstream(timeout=ASK_S)
        self._lane = lane
        self._partition = partition
        self._read = position
        self._take = take
        self._now = now
        self._undone = 0
        self._left = 0  # of what was asked for
        self._open = 0  # requests the server still has
        self._next = 1
        self._heard = 0.0
        self._why = ""
        self._stopped = False
        self._changed = asyncio.Event()
        self.current = False  # nothing waits in the stream, or did when we last were at its end
        self.lives = 0

    async def run(self) -> None:
        """Follow one consumer after the other."""
        failures = 0
        while True:
            before, lives = self._read.seq, self.lives
            try:
                await self._follow()
            except (NatsError, LinkError, OSError, TimeoutError) as wrong:
                self._why = repr(wrong)
            brought, made = self._read.seq > before, self.lives > lives
            failures = 0 if brought else failures + made
            await asyncio.sleep(pause_s(failures, random.random()))  # noqa: S311 - no secret

    def stop(self) -> None:
        """Hand nothing on from now on: what is under way may come later than the cancellation."""
        self._stopped = True

    def done(self, count: int) -> None:
        """Note that so many messages are committed."""
        self._undone -= count
        self._changed.set()

    async def _follow(self) -> None:
        name = await self._new_consumer()
        inbox = self._nats.new_inbox()
        self._next, self._left, self._open, self._why = 1, 0, 0, ""
        self._heard = self._now()
        deaf = 0
        subscription = await self._nats.subscribe(inbox, cb=self._on_message)
        try:
            while not self._why:
                self._changed.clear()
                if self._left <= 0 and self._undone < ROOM:
                    await self._ask(name, inbox)
                if self._left <= 0:
                    self._heard = self._now()  # nothing was asked: silence says nothing
                await self._beat()
                if self._now() - self._heard < SILENT_S:
                    deaf = 0
                    continue
                deaf = 0 if await self._there(name) else deaf + 1
                if deaf >= DEAF:
                    self._why = "nobody answers"
                self._left = 0  # ask again: the request may have been lost on the way
        finally:
            await _quietly(subscription.unsubscribe())

    async def _beat(self) -> None:
        try:
            async with asyncio.timeout(BEAT_S):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _there(self, name: str) -> bool:
        """Return whether the consumer answers; NotFoundError when there is none."""
        try:
            await self._js.consumer_info(stream_name(self._lane), name)
        except NotFoundError:
            raise
        except (NatsError, OSError, TimeoutError):
            return False
        self._heard = self._now()
        return True

    async def _new_consumer(self) -> str:
        now = await extent(self._js, self._lane)
        start = self._read.start(now)
        self._read = Position(now.made, start - 1)
        self.lives += 1
        info = await self._js.add_consumer(
            stream_name(self._lane),
            ConsumerConfig(
                filter_subject=subject(self._lane, self._partition),
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=start,
                ack_policy=AckPolicy.NONE,
                inactive_threshold=UNUSED_S,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        self.current = info.num_pending == 0
        return str(info.name)

    async def _ask(self, name: str, inbox: str) -> None:
        self._left = ROOM - self._undone
        self._open += 1
        request = {
            "batch": self._left,
            "expires": round(EXPIRES_S * 1e9),
            "idle_heartbeat": round(BEAT_S * 1e9),
        }
        api = f"$JS.API.CONSUMER.MSG.NEXT.{stream_name(self._lane)}.{name}"
        await self._nats.publish(api, json.dumps(request).encode(), reply=inbox)

    async def _on_message(self, message: Msg) -> None:
        if self._why or self._stopped:
            return
        self._heard = self._now()
        parts = message.reply.split(".")
        if len(parts) != REPLY_PARTS or parts[1] != "ACK":
            self._told(message.headers or {})
            return
        stream_seq, number, stored_ns, pending = (int(part) for part in parts[5:])
        if number != self._next:
            self._why = f"message {number} came, {self._next} was the next"
            self._changed.set()
            return
        self._next += 1
        self._left -= 1
        self._undone += 1
        self._read = Position(self._read.made, stream_seq)
        self.current = self.current or pending == 0
        self._take(
            Arrival(
                self._partition,
                self._lane,
                self._read,
                message.subject,
                message.data,
                stored_ns // 1_000_000,
            )
        )
        if self._left == 0:
            self._open -= 1
            self._changed.set()

    def _told(self, headers: dict[str, Any]) -> None:
        what = CONTROL.get(str(headers.get("Status", "")))
        if what == "beat":
            return
        if what is None:  # 409: the consumer is deleted, the leader changes; 503: nobody is there
            self._why = f"the server said {headers}"
        elif what == "empty":
            self.current = True
        self._open -= 1
        if self._open <= 0 or self._why:
            self._left = 0
            self._changed.set()


async def _quietly(doing: Any) -> None:
    """Do what only tidies up: the server forgets an unused consumer by itself."""
    try:
        async with asyncio.timeout(1.0):
            await doing
    except (NatsError, OSError, TimeoutError):
        pass
