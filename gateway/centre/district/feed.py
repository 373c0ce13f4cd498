"""One partition's lane, read in order from a position that somebody else keeps.

Theory of operation. A pull consumer without acknowledgements, in memory, without copies: it may be
lost at any time and is made anew behind the last message handed on. The server numbers what it
delivers; a number that is not the next one, or 3 s without any word (it sends one a second), end
the consumer. So each message of the stream is handed on once, in order, per life of the feed;
across lives the position in the database decides.

No more than `ROOM` messages are handed on and not `done`: the worker's memory is bounded, and what
waits waits in the stream.

A stream whose end is before our position was made anew or has lost its tail (a power cut on most
nodes): then it is read from its beginning. What we have is known by its key.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from gateway.centre.district.streams import Extent, Lane, extent, stream_name, subject
from gateway.errors import LinkError

ROOM = 200
EXPIRES_S = 20.0
BEAT_S = 1.0
SILENT_S = 3.0
AGAIN_S = 0.5
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


class Consumer(Protocol):
    """What the feed hands its messages to."""

    def __call__(self, arrival: Arrival, /) -> None:
        """Take one message."""
        ...


class Feed:
    """Reads for ever, until it is cancelled."""

    def __init__(
        self,
        nats: Client,
        lane: Lane,
        partition: int,
        position: Position,
        take: Consumer,
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
        self._left = 0
        self._next = 1
        self._heard = 0.0
        self._why = ""
        self._changed = asyncio.Event()
        self.current = False  # nothing waits in the stream, or did when we last were at its end
        self.lives = 0

    async def run(self) -> None:
        """Follow one consumer after the other."""
        while True:
            try:
                await self._follow()
            except (NatsError, LinkError, OSError, TimeoutError) as wrong:
                self._why = repr(wrong)
            await asyncio.sleep(AGAIN_S)

    def done(self, count: int) -> None:
        """Note that so many messages are committed."""
        self._undone -= count
        self._changed.set()

    async def _follow(self) -> None:
        name = await self._new_consumer()
        inbox = self._nats.new_inbox()
        self._next, self._left, self._why = 1, 0, ""
        self._heard = self._now()
        subscription = await self._nats.subscribe(inbox, cb=self._on_message)
        try:
            while not self._why and self._now() - self._heard < SILENT_S:
                self._changed.clear()
                if self._left <= 0 and self._undone < ROOM:
                    await self._ask(name, inbox)
                if self._left <= 0:
                    self._heard = self._now()  # nothing was asked: silence says nothing
                try:
                    async with asyncio.timeout(BEAT_S):
                        await self._changed.wait()
                except TimeoutError:
                    pass
        finally:
            await _quietly(subscription.unsubscribe())
            await _quietly(self._js.delete_consumer(stream_name(self._lane), name))

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
        request = {
            "batch": self._left,
            "expires": round(EXPIRES_S * 1e9),
            "idle_heartbeat": round(BEAT_S * 1e9),
        }
        api = f"$JS.API.CONSUMER.MSG.NEXT.{stream_name(self._lane)}.{name}"
        await self._nats.publish(api, json.dumps(request).encode(), reply=inbox)

    async def _on_message(self, message: Msg) -> None:
        if self._why:
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
        if self._left <= 0:
            self._changed.set()

    def _told(self, headers: dict[str, Any]) -> None:
        what = CONTROL.get(str(headers.get("Status", "")))
        if what == "beat":
            return
        if what is None:  # 409: the consumer is deleted, the leader changes; 503: nobody is there
            self._why = f"the server said {headers}"
        elif what == "empty":
            self.current = True
        self._left = 0
        self._changed.set()


async def _quietly(doing: Any) -> None:
    """Do what only tidies up: the server forgets an unused consumer by itself."""
    try:
        async with asyncio.timeout(1.0):
            await doing
    except (NatsError, OSError, TimeoutError):
        pass
