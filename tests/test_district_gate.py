"""The NATS files that we ship, all three together: behind partitions an intruder gets no further.

nats.conf, users.conf and partitions.conf on three nodes with TLS. With the mappings in between the
server asks for permission of the mapped subject, so what confines a hub is not what it says.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from gateway.centre.district.settings import PARTITIONS
from gateway.centre.district.streams import ROOT, partition_of
from tests.district import needs_district
from tests.district_secure import PASSWORD, WORKER, SecureNodes
from tests.faults.identities import HUBS, NEIGHBOUR
from tests.hubs import HUB
from tests.intruder import (
    ANSWER_S,
    DISTRICT,
    FOREIGN,
    FORGED,
    HEARS,
    OURS,
    THEIRS,
    Doors,
    guest,
    intrude,
    names,
)

pytestmark = [pytest.mark.broker, needs_district, pytest.mark.timeout(300)]

PART = {hub: partition_of(hub, PARTITIONS) for hub in HUBS}
MAPPED = f"{ROOT}/alarm/{{part}}/{DISTRICT}/{{hub}}/alarm"
ALSO_FOREIGN = (*FOREIGN, f"{ROOT}/#", f"{ROOT}/+/+/+/{HUB}/+", "$JS/#", "$SYS/#")
ALSO_FORGED = (
    *FORGED,
    MAPPED.format(part=PART[HUB], hub=HUB),
    MAPPED.format(part=PART[NEIGHBOUR], hub=HUB),
    "$JS/API/STREAM/PURGE/ansim-alarm",
    "$JS/API/STREAM/DELETE/ansim-alarm",
)


class Workers:
    """What workers would read: everything that comes in, under any subject."""

    def __init__(self) -> None:
        self.read: list[tuple[str, bytes]] = []
        self._arrived = asyncio.Event()

    async def hear(self, message: Msg) -> None:
        self.read.append((message.subject, message.data))
        self._arrived.set()

    async def reads(self, payload: bytes) -> str:
        async with asyncio.timeout(ANSWER_S):
            while True:
                for subject, said in self.read:
                    if said == payload:
                        return subject
                self._arrived.clear()
                await self._arrived.wait()


@asynccontextmanager
async def spoken_to(nodes: SecureNodes) -> AsyncIterator[tuple[Client, Workers]]:
    context = ssl.create_default_context(cafile=str(nodes.identities.ca_file))
    client = await nats.connect(servers=nodes.urls, user=WORKER, password=PASSWORD, tls=context)
    try:
        workers = Workers()
        for subject in (f"{ROOT}.>", "ansim.>"):
            await client.subscribe(subject, cb=workers.hear)
        await client.flush()
        yield client, workers
    finally:
        await client.close()


async def test_behind_partitions_an_intruder_hears_and_forges_nothing(tmp_path: Path) -> None:
    async with (
        SecureNodes(tmp_path, HUBS, seed=71) as nodes,
        spoken_to(nodes) as (client, workers),
    ):
        doors = Doors(nodes.identities, nodes.mqtt[-1], nodes.mqtt[0])
        heard = []
        for forged in names(doors):
            heard += await intrude(doors, forged, ALSO_FOREIGN, ALSO_FORGED)
        async with guest(doors, HUB, HUB, *HEARS) as victim:
            await victim.says(OURS.up("alarm"), b"true")
            subject = await workers.reads(b"true")
            await client.publish(OURS.dn("ack").replace("/", "."), b"stored")
            await victim.hears(b"stored")
        assert subject == MAPPED.format(part=PART[HUB], hub=HUB).replace("/", ".")
        assert [topic for topic, _ in heard if not topic.startswith(THEIRS.dn(""))] == []
        assert b"forged" not in [said for _, said in victim.heard]
        whose = {subject.split(".")[4] for subject, said in workers.read if said == b"forged"}
        assert whose <= {NEIGHBOUR}
