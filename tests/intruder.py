"""A hub with a valid certificate that tries what is its neighbour's, under any client id."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.core.wire import Topics
from gateway.edge.brokers import client_id, endpoint
from gateway.edge.mqtt import Connection, Publication, Received, Version
from gateway.errors import LinkError
from tests.faults.identities import CENTRE, NEIGHBOUR, Identities
from tests.hubs import HUB

DISTRICT = "11680"
ANSWER_S = 5.0

OURS = Topics(DISTRICT, HUB)
THEIRS = Topics(DISTRICT, NEIGHBOUR)
HEARS = (OURS.dn("ack"), OURS.dn("cmd"), OURS.centre)
FOREIGN = (
    OURS.dn("ack"),
    OURS.dn("#"),
    OURS.up("#"),
    "#",
    "ansim/#",
    "ansim/1/11680/#",
    "ansim/1/+/+/dn/#",
    "+/+/+/+/+/+",
    "$MQTT/#",
)
"""What a neighbour has no business to hear."""

FORGED = (OURS.up("alarm"), OURS.up("state"), OURS.dn("ack"), OURS.centre, THEIRS.dn("ack"))
"""What a neighbour has no business to say."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where hubs and a centre come in, and who they are."""

    identities: Identities
    hub: int
    centre: int


class Guest:
    """Somebody at the broker with a certificate and a client id of his own choice."""

    def __init__(self, doors: Doors, user: str, name: str, will: str = "") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._arrived = asyncio.Event()
        port = doors.centre if user == CENTRE else doors.hub
        broker = doors.identities.broker(user, port)
        self.connection = Connection(
            lambda: endpoint(broker, strict=True),
            version=Version.V311,
            client_id=name,
            keepalive_s=60,
            will=Publication(will or Topics(DISTRICT, user).up("state"), b"forged", retain=True),
            received=self._received,
        )

    def _received(self, message: Received) -> None:
        self.connection.acknowledge(message)
        self.heard.append((message.topic, message.payload))
        self._arrived.set()

    async def hears(self, payload: bytes) -> None:
        async with asyncio.timeout(ANSWER_S):
            while payload not in [each for _, each in self.heard]:
                self._arrived.clear()
                await self._arrived.wait()

    async def says(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self.connection.publish(Publication(topic, payload, retain=retain))


@asynccontextmanager
async def guest(
    doors: Doors, user: str, name: str, *topics: str, will: str = ""
) -> AsyncIterator[Guest]:
    each = Guest(doors, user, name, will)
    try:
        await each.connection.open()
        if topics:
            await each.connection.subscribe(topics)
        yield each
    finally:
        await each.connection.close()


def names(doors: Doors) -> Iterator[str]:
    """Return what an intruder may call himself: his own name, and his victim's in both forms."""
    yield client_id(NEIGHBOUR, doors.identities.broker(HUB, 0))
    yield HUB
    yield client_id(HUB, doors.identities.broker(HUB, 0))


async def intrude(
    doors: Doors,
    name: str,
    foreign: Sequence[str] = FOREIGN,
    forged: Sequence[str] = FORGED,
) -> list[tuple[str, bytes]]:
    """Try everything under a client id; return what came to the intruder's ears.

    A broker may refuse, or say yes and do nothing, or hang up: each try has its own connection.
    """
    heard = []
    for topic in foreign:
        try:
            async with guest(doors, NEIGHBOUR, name, topic) as intruder:
                async with guest(doors, CENTRE, "ansim-centre-lure") as centre:
                    await centre.says(OURS.dn("ack"), b"lure")
                    await centre.says(THEIRS.dn("cmd"), b"after the lure")
                heard += intruder.heard
        except (LinkError, TimeoutError):
            continue
    for topic in forged:
        try:
            async with guest(doors, NEIGHBOUR, name) as intruder:
                await intruder.says(topic, b"forged", retain=True)
        except (LinkError, TimeoutError):
            continue
    for topic in forged:
        try:
            async with guest(doors, NEIGHBOUR, name, will=topic) as intruder:
                intruder.connection.drop(LinkError("cut, so that the will is said"))
        except (LinkError, TimeoutError):
            continue
    return heard
