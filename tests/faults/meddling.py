"""Somebody at the broker who says what he should not: acknowledgements, commands, nonsense."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable

from gateway.core.wire import (
    Ack,
    AckStatus,
    Cause,
    Command,
    CommandName,
    Topics,
    ack_payload,
    command_id,
    command_payload,
)
from gateway.edge.brokers import client_id, endpoint
from gateway.edge.mqtt import Connection, Publication, Received, Version
from gateway.errors import LinkError
from tests.faults.rig import Rig

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Meddler:
    """Speaks at a rig's broker; remembers what the centre said, to say it again."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._acks: list[Publication] = []
        self._one = asyncio.Lock()

    async def meddle(self, *, how: str, seed: int) -> None:
        chance = random.Random(seed)
        settings = self._rig.settings.hub
        topics = Topics(settings.district, settings.id)
        # One at a time, under one name: each name's session is a queue that a cluster keeps.
        async with self._one, self._stranger("stranger") as connection:
            for out in getattr(self, f"_{how}")(topics, chance):
                with contextlib.suppress(LinkError, TimeoutError):
                    async with asyncio.timeout(2):
                        await connection.publish(out)
                    self._note(out)

    async def insist(self, answered: Callable[[], set[str]], within_s: float) -> None:
        """Say again what is not answered, as a centre does: with QoS 0 nothing waits for a hub."""
        end = asyncio.get_running_loop().time() + within_s
        while (left := self._rig.asked.keys() - answered()) and (
            asyncio.get_running_loop().time() < end
        ):
            with contextlib.suppress(LinkError, TimeoutError):
                async with self._one, self._stranger("stranger") as connection:
                    for ident in sorted(left):
                        await connection.publish(self._rig.asked[ident])
            await asyncio.sleep(1.0)

    def _note(self, out: Publication) -> None:
        """Note a command that the broker has and the hub, which has subscribed, must answer."""
        ident = command_id(out.payload)
        if ident is not None and b'"name"' in out.payload and self._rig.subscribed:
            self._rig.asked[ident] = out

    @contextlib.asynccontextmanager
    async def _stranger(self, name: str) -> AsyncIterator[Connection]:
        """Come as the hub itself, or as somebody whom the broker lets say what a centre says."""
        lent = self._rig.lent
        hub = self._rig.settings.hub.id
        who = lent.hub(lent.a_hub_port) if name == hub else lent.centre(lent.a_centre_port)
        connection = Connection(
            lambda: endpoint(who, strict=True),
            version=Version.V311,
            client_id=client_id(hub, who) if name == hub else f"ansim-centre-{name}",
            keepalive_s=30,
            will=Publication("stranger", b""),
            received=self._hear,
        )
        try:
            await connection.open()
            settings = self._rig.settings.hub
            await connection.subscribe((Topics(settings.district, settings.id).dn("ack"),))
            yield connection
            await asyncio.sleep(0.2)
        finally:
            await connection.close()

    def _hear(self, message: Received) -> None:
        self._acks.append(Publication(message.topic, message.payload))

    def _repeat_acks(self, _topics: Topics, chance: random.Random) -> list[Publication]:
        """Say again, out of order and twice, what the centre has said."""
        again = [*self._acks, *self._acks]
        chance.shuffle(again)
        return again[:40]

    def _foreign_acks(self, topics: Topics, chance: random.Random) -> list[Publication]:
        """Say `stored` of another epoch, and of messages nobody knows."""
        return [
            Publication(topics.dn("ack"), ack_payload(ack))
            for ack in (
                Ack(NOBODY, "alarm", AckStatus.STORED, upto=chance.randint(1, 10**6)),
                Ack(NOBODY, "event", AckStatus.STORED, upto=10**6),
                Ack(NOBODY, "alarm", AckStatus.STORED, ids=(NOBODY,)),
                Ack(NOBODY, "alarm", AckStatus.CLOSED, ids=(NOBODY,), cause=Cause.FALSE),
            )
        ]

    def _nonsense(self, topics: Topics, chance: random.Random) -> list[Publication]:
        """Say what is no message at all."""
        bodies = [
            b"",
            b"\xff\xfe",
            b"[]",
            b'{"v":1}',
            b'{"v":99,"epoch":"x","stream":"alarm","status":"stored","upto":1}',
            json.dumps(
                {"v": 1, "epoch": NOBODY, "stream": "alarm", "status": "stored", "upto": -1}
            ).encode(),
            json.dumps(
                {"v": 1, "epoch": NOBODY, "stream": "alarm", "status": "burnt", "ids": [NOBODY]}
            ).encode(),
            b"{" * 500,
            chance.randbytes(300),
        ]
        return [Publication(topics.dn(leaf), body) for body in bodies for leaf in ("ack", "cmd")]

    def _commands(self, topics: Topics, chance: random.Random) -> list[Publication]:
        """Ask what no centre should: late, twice, unknown, with arguments that would run things."""
        now_ms = self._rig.clock.wall_ms() + 3_600_000
        late = Command(f"late-{chance.random()}", CommandName.TEST_ALARM, {}, 1_000)
        twice = Command(f"twice-{chance.random()}", CommandName.STATUS, {}, now_ms)
        resend = Command(
            f"resend-{chance.random()}",
            CommandName.RESEND,
            {"epoch": NOBODY, "stream": "alarm", "from": 1, "to": 2**53 - 1},
            now_ms,
        )
        evil = {
            "v": 1,
            "id": "evil",
            "name": "exec",
            "args": {"cmd": "touch /tmp/pwned"},
            "not_after": "2096-01-01T00:00:00.000Z",
        }
        sly = {
            "v": 1,
            "id": "sly",
            "name": "status",
            "args": {"$(reboot)": 1},
            "not_after": "2096-01-01T00:00:00.000Z",
        }
        bodies = [command_payload(one) for one in (late, twice, twice, resend)]
        bodies += [json.dumps(one).encode() for one in (evil, sly)]
        return [Publication(topics.dn("cmd"), body) for body in bodies]

    async def rival(self, *, times: int) -> None:
        """Be a second hub with the same id: the broker throws the first one out each time."""
        for _ in range(times):
            with contextlib.suppress(LinkError, TimeoutError):
                async with self._stranger(self._rig.settings.hub.id):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.3)
