"""A small hub on the bridge: publishes bodies, collects what the centre says."""

import asyncio
import json
from typing import Any, Self

from gateway.core.wire import Ack, Command, Topics, parse_ack, parse_command
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Version
from tests.fakes_centre import DISTRICT, HUB, death, topic


class SmallHub:
    """One connection; `acks` and `commands` in the order they came."""

    def __init__(self, port: int, *, version: Version = Version.V5, hub: str = HUB) -> None:
        self.acks: asyncio.Queue[Ack] = asyncio.Queue()
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.centre: asyncio.Queue[bool] = asyncio.Queue()
        self._topics = Topics(DISTRICT, hub)
        self._connection = Connection(
            lambda: Endpoint("127.0.0.1", port),
            version=version,
            client_id=hub,
            keepalive_s=60,
            will=Publication(self._topics.up("state"), json.dumps(death()).encode(), retain=True),
            received=self._received,
        )

    async def __aenter__(self) -> Self:
        await self._connection.open()
        down = (self._topics.dn("ack"), self._topics.dn("cmd"), self._topics.centre)
        await self._connection.subscribe(down)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def say(self, body: dict[str, Any], *, retain: bool = False) -> None:
        await self.say_raw(topic(body), json.dumps(body).encode(), retain=retain)

    async def say_raw(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await self._connection.publish(Publication(topic, payload, retain=retain))

    def _received(self, message: Received) -> None:
        leaf = message.topic.rsplit("/", 1)[-1]
        if leaf == "ack":
            self.acks.put_nowait(parse_ack(message.payload))
        elif leaf == "cmd":
            self.commands.put_nowait(parse_command(message.payload))
        else:
            self.centre.put_nowait(json.loads(message.payload)["online"])
        self._connection.acknowledge(message)
