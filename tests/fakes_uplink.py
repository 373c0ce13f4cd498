"""Fakes around the uplink: an outbox in memory, a standing clock, a centre on the same broker."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from gateway.core.model import At, LinkChange
from gateway.core.outputs import Stream
from gateway.core.wire import (
    Ack,
    AckStatus,
    Command,
    Topics,
    UpMessage,
    ack_payload,
    birth_body,
    command_payload,
    heartbeat_body,
    parse_up,
)
from gateway.edge.lanes import BULK
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Version
from gateway.edge.unfinished import Order
from gateway.edge.uplink import Uplink
from gateway.settings import BrokerOrder, BrokerSettings, UplinkSettings
from tests.contract import assert_valid

HUB = "MFRGGZDFMZTWQ2LKNNWG23TPOA"
EPOCH = "01J00000000000000000000000"
TOPICS = Topics("1168010100", HUB)
ORDER = (Stream.ALARM, *BULK)


def ulid(number: int) -> str:
    """Return a readable id of a ULID's form."""
    return f"01K{number:023d}"


class StandingClock:
    """The home's time, moved by hand."""

    def __init__(self, *, proven: bool = True) -> None:
        self.at = At("boot", 5_000, 1_795_000_000_000, proven=proven)

    def now(self) -> At:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class FakeRow:
    """A row of the outbox."""

    stream: Stream
    seq: int
    payload: Mapping[str, Any]
    id: str
    epoch: str = EPOCH

    @property
    def order(self) -> Order:
        return ORDER.index(self.stream), self.epoch, self.seq


def alarm(seq: int, kind: str = "fall", **change: Any) -> FakeRow:
    """Return an alarm's row."""
    body: dict[str, Any] = {
        "msg": "new",
        "type": kind,
        "state": "raised",
        "due": None,
        "mdc": 1,
        "loc": 3648,
        "sev": 4,
        "cert": 1.0,
        "t": "2026-11-18T11:06:40.000Z",
        "mono_ms": 5000,
        "clock": "proven",
        "sent_t": "2026-11-18T11:06:40.000Z",
        "sensor": "band",
        "evid": {},
        "refs": [],
    }
    return row(Stream.ALARM, seq, {**body, **change})


def event(seq: int) -> FakeRow:
    """Return a row of the event stream."""
    item = {
        "t": "2026-11-18T11:06:40.000Z",
        "mono_ms": 5000,
        "clock": "proven",
        "device": "hall",
        "what": "motion",
        "value": True,
    }
    return row(Stream.EVENT, seq, {"items": [item]})


def row(stream: Stream, seq: int, body: Mapping[str, Any]) -> FakeRow:
    """Return a row with the store's envelope."""
    ident = ulid(seq + 1_000_000 * ORDER.index(stream))
    head = {"v": 1, "id": ident, "hub": HUB, "epoch": EPOCH, "stream": stream.value, "seq": seq}
    return FakeRow(stream, seq, {**head, "boot": 1, "durable": True, **body}, ident)


class FakeOutbox:
    """Rows in a dict, read as the store reads them."""

    def __init__(self, rows: Iterable[FakeRow] = ()) -> None:
        self.rows: dict[str, FakeRow] = {row.id: row for row in rows}

    def add(self, *rows: FakeRow) -> None:
        self.rows |= {row.id: row for row in rows}

    async def unfinished(
        self, stream: Stream | None = None, limit: int = 100, after: Order | None = None
    ) -> tuple[FakeRow, ...]:
        found = (row for row in self.rows.values() if stream in (None, row.stream))
        later = (row for row in found if after is None or row.order > after)
        return tuple(sorted(later, key=lambda row: row.order)[:limit])


@dataclass
class Core:
    """What the uplink delivered, and the app's part: what is stored is finished."""

    outbox: FakeOutbox
    settle: Callable[[Iterable[str]], None] = lambda _ids: None
    inputs: list[Any] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, value: Any) -> None:
        self.inputs.append(value)
        ack = getattr(value, "ack", None)
        if ack is not None and ack.status is AckStatus.STORED:
            ids = set(ack.ids) | {
                row.id
                for row in self.outbox.rows.values()
                if row.stream.value == ack.stream and row.seq <= (ack.upto or 0)
            }
            for ident in ids:
                self.outbox.rows.pop(ident, None)
            self.settle(ids)
        self.changed.set()

    def links(self) -> list[tuple[str, bool]]:
        return [(v.link.value, v.up) for v in self.inputs if isinstance(v, LinkChange)]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()


class Centre:
    """A centre on the broker: records what comes, says `stored` while `answers` is true."""

    def __init__(self, endpoint: Endpoint, *, answers: bool = True, version: Version) -> None:
        self.answers = answers
        self.messages: list[UpMessage] = []
        self.raw: list[Received] = []
        self._arrived = asyncio.Event()
        self._connection = Connection(
            lambda: endpoint,
            version=version,
            client_id="centre",
            keepalive_s=60,
            will=Publication(TOPICS.centre, b'{"v":1,"online":false}', retain=True),
            received=self._received,
        )

    async def __aenter__(self) -> Self:
        await self._connection.open()
        await self._connection.subscribe(("ansim/1/+/+/up/#",))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        await self._connection.close()

    def _received(self, message: Received) -> None:
        self._connection.acknowledge(message)
        self.raw.append(message)
        assert_valid(message.topic, message.payload)
        up = parse_up(message.topic, message.payload)
        self.messages.append(up)
        if self.answers and up.stream:
            self.store(up)
        self._arrived.set()

    def store(self, up: UpMessage) -> None:
        """Say `stored` to one message."""
        self.say(Ack(up.epoch, up.stream, AckStatus.STORED, ids=(up.id,)))

    def say(self, ack: Ack) -> None:
        """Send an acknowledgement."""
        assert_valid(TOPICS.dn("ack"), ack_payload(ack))
        self.send("ack", ack_payload(ack))

    def ask(self, command: Command) -> None:
        """Send a command."""
        assert_valid(TOPICS.dn("cmd"), command_payload(command))
        self.send("cmd", command_payload(command))

    def send(self, leaf: str, payload: bytes) -> None:
        """Send any bytes to the hub."""
        self._connection.publish(Publication(TOPICS.dn(leaf), payload))

    def state(self, payload: bytes) -> None:
        """Publish the centre's retained state."""
        self._connection.publish(Publication(TOPICS.centre, payload, retain=True))

    def of(self, leaf: str) -> list[UpMessage]:
        """Return what came on one topic."""
        return [message for message in self.messages if message.leaf == leaf]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what came satisfies."""
        while not condition():
            self._arrived.clear()
            await self._arrived.wait()


def settings(*ports: int, heartbeat_s: float = 60.0, window: int = 20) -> UplinkSettings:
    """Return plain settings for brokers on loopback."""
    brokers = tuple(BrokerSettings(url=f"mqtt://127.0.0.1:{port}") for port in ports)
    return UplinkSettings(
        brokers=brokers, order=BrokerOrder.LISTED, heartbeat_s=heartbeat_s, window=window
    )


def new_uplink(settings: UplinkSettings, core: Core, clock: StandingClock | None = None) -> Uplink:
    """Return an uplink with everything faked but the network."""
    clock = clock or StandingClock()
    uplink = Uplink(
        settings,
        TOPICS,
        core.outbox,
        core.deliver,
        clock,
        birth=lambda: birth_body(
            clock.now(),
            hub=HUB,
            boot=1,
            epoch=EPOCH,
            versions={"ansim": "0.1.0"},
            last_seq={"alarm": 0},
            sensors=[{"name": "band", "driver": "polar_pmd"}],
        ),
        heartbeat=lambda: heartbeat_body(
            clock.now(),
            hub=HUB,
            boot=1,
            epoch=EPOCH,
            high={"alarm": 0},
            uptime_s=1,
            rss_kib=1,
            outbox=0,
        ),
        jitter=random.Random(1),
    )
    core.settle = uplink.settle
    return uplink


@asynccontextmanager
async def running(uplink: Uplink) -> AsyncIterator[Uplink]:
    """Run the uplink; at the end stop it as the daemon does."""
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
